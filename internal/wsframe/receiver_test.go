package wsframe

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// The flags of frames in tables, above the opcode.
const (
	fin  = 0x80
	rsv1 = 0x40
	rsv2 = 0x20
	rsv3 = 0x10
)

// masked is a frame of a client, plain one of a server; first is its first byte.
func masked(first byte, payload string) []byte {
	h, _, _ := ParseHeader([]byte{first, 0})
	h.Masked, h.Key = true, 0x9a3c5b71
	return AppendFrame(nil, h, []byte(payload))
}

func plain(first byte, payload string) []byte {
	h, _, _ := ParseHeader([]byte{first, 0})
	return AppendFrame(nil, h, []byte(payload))
}

// happened is what a receiver found, with its data copied.
func happened(ev Event) string {
	switch ev.Kind {
	case Message:
		return fmt.Sprintf("message %d %q", ev.Op, ev.Data)
	case Part:
		return fmt.Sprintf("part %d %q %v", ev.Op, ev.Data, ev.Fin)
	case Ping:
		return fmt.Sprintf("ping %q", ev.Data)
	case Pong:
		return fmt.Sprintf("pong %q", ev.Data)
	case Closed:
		return fmt.Sprintf("closed %d %q", ev.Code, ev.Data)
	}
	return "more"
}

// feed gives r one read, and returns what happened.
func feed(r *Receiver, p []byte) (events []string, err error) {
	for {
		ev, rest, err := r.Next(p)
		if err != nil {
			return append(events, err.Error()), err
		}
		if ev.Kind == More {
			if len(rest) != 0 {
				panic("more, and something is left")
			}
			return events, nil
		}
		events = append(events, happened(ev))
		p = rest
	}
}

// feedAll gives r the input in pieces of the sizes that cut returns.
func feedAll(r *Receiver, input []byte, cut func() int) (events []string) {
	for len(input) > 0 {
		n := min(max(cut(), 1), len(input))
		// A copy of exactly this size: nobody may look behind it, and all may be changed.
		more, err := feed(r, bytes.Clone(input[:n]))
		events = append(events, more...)
		if err != nil {
			return events
		}
		input = input[n:]
	}
	return events
}

func join(frames ...[]byte) []byte { return bytes.Join(frames, nil) }

// long is a message that has a length of 16 bits.
var long = strings.Repeat("0123456789", 100)

var receiverTests = []struct {
	name   string
	client bool
	input  []byte
	want   []string
}{
	{"empty text", false, masked(fin|1, ""), []string{`message 1 ""`}},
	{"text", false, masked(fin|1, "Hello"), []string{`message 1 "Hello"`}},
	{"binary", false, masked(fin|2, "\xff\x00"), []string{`message 2 "\xff\x00"`}},
	{"of a server", true, plain(fin|1, "Hello"), []string{`message 1 "Hello"`}},
	{"of 125, 126 and 65535 bytes", false, join(masked(fin|2, long[:125]), masked(fin|2, long[:126]), masked(fin|2, long)),
		[]string{fmt.Sprintf("message 2 %q", long[:125]), fmt.Sprintf("message 2 %q", long[:126]), fmt.Sprintf("message 2 %q", long)}},
	{"several", false, join(masked(fin|1, "a"), masked(fin|1, "b"), masked(fin|2, "c")), []string{`message 1 "a"`, `message 1 "b"`, `message 2 "c"`}},
	{"fragments", false, join(masked(1, "Hel"), masked(0, ""), masked(0, "l"), masked(fin, "o")), []string{`message 1 "Hello"`}},
	{"empty fragments", false, join(masked(1, ""), masked(0, ""), masked(fin, "")), []string{`message 1 ""`}},
	{"last fragment only", false, join(masked(2, ""), masked(fin, "all")), []string{`message 2 "all"`}},
	{"control inside of a message", false, join(masked(1, "He"), masked(fin|9, "p"), masked(0, "l"), masked(fin|10, "q"), masked(fin, "lo"), masked(fin|9, "")),
		[]string{`ping "p"`, `pong "q"`, `message 1 "Hello"`, `ping ""`}},
	{"control of 125 bytes", false, masked(fin|9, long[:125]), []string{fmt.Sprintf("ping %q", long[:125])}},

	{"close", false, masked(fin|8, ""), []string{`closed 1005 ""`}},
	{"close with a code", false, masked(fin|8, "\x03\xe8"), []string{`closed 1000 ""`}},
	{"close with a reason", false, masked(fin|8, "\x0f\xa0bye \xe2\x82\xac"), []string{`closed 4000 "bye €"`}},
	{"nothing behind a close", false, join(masked(fin|8, "\x03\xe8"), masked(fin|1, "late"), plain(fin|1, "bad")), []string{`closed 1000 ""`}},
	{"close inside of a message", false, join(masked(1, "He"), masked(fin|8, "\x03\xe9")), []string{`closed 1001 ""`}},

	{"characters over fragments", false, join(masked(1, "\xe2"), masked(fin|9, "p"), masked(0, "\x82"), masked(0, ""), masked(fin, "\xac\xf0\x9f\x90\x99")), []string{`ping "p"`, `message 1 "€🐙"`}},

	{"unmasked by a client", false, plain(fin|1, "Hello"), []string{errMask.Error()}},
	{"masked by a server", true, masked(fin|1, "Hello"), []string{errMask.Error()}},
	{"RSV1 that was not agreed", false, masked(fin|rsv1|1, "Hello"), []string{errReservedBit.Error()}},
	{"RSV2", false, masked(fin|rsv2|1, "Hello"), []string{errReservedBit.Error()}},
	{"RSV3", false, masked(fin|rsv3|2, "Hello"), []string{errReservedBit.Error()}},
	{"RSV1 on control", false, masked(fin|rsv1|9, ""), []string{errReservedBit.Error()}},
	{"opcode 3", false, masked(fin|3, ""), []string{errReservedOpcode.Error()}},
	{"opcode 7", false, masked(fin|7, ""), []string{errReservedOpcode.Error()}},
	{"opcode 11", false, masked(fin|11, ""), []string{errReservedOpcode.Error()}},
	{"opcode 15", false, masked(fin|15, ""), []string{errReservedOpcode.Error()}},
	{"fragmented ping", false, masked(9, ""), []string{errControlFragmented.Error()}},
	{"fragmented close", false, masked(8, ""), []string{errControlFragmented.Error()}},
	{"ping of 126 bytes", false, masked(fin|9, long[:126]), []string{errControlLength.Error()}},
	{"close of 126 bytes", false, masked(fin|8, "\x03\xe8"+long[:124]), []string{errControlLength.Error()}},
	{"continuation of nothing", false, masked(fin, "a"), []string{errNoMessage.Error()}},
	{"continuation of a whole message", false, join(masked(fin|1, "a"), masked(fin, "b")), []string{`message 1 "a"`, errNoMessage.Error()}},
	{"message in a message", false, join(masked(1, "a"), masked(fin|1, "b")), []string{errInMessage.Error()}},
	{"fragment in a message", false, join(masked(1, "a"), masked(2, "b")), []string{errInMessage.Error()}},
	{"16 bits for 125", false, []byte{fin | 1, 0x80 | 126, 0, 125, 1, 2, 3, 4}, []string{errLengthNotMinimal.Error()}},
	{"64 bits for 65535", false, []byte{fin | 1, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4}, []string{errLengthNotMinimal.Error()}},
	{"top bit of the length", false, []byte{fin | 1, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}, []string{errLengthTopBit.Error()}},
	{"control with a long length", false, []byte{fin | 9, 0x80 | 126, 0, 5, 1, 2, 3, 4}, []string{errControlLength.Error()}},
	{"control with the top bit", false, []byte{fin | 9, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}, []string{errControlLength.Error()}},
	{"2^63-1 bytes", false, []byte{fin | 2, 0x80 | 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4}, []string{errFrameSize.Error()}},
	{"over the frame limit", false, masked(fin|2, string(make([]byte, 3001))), []string{errFrameSize.Error()}},
	{"at the message limit", false, join(masked(2, long+long), masked(0, long+long), masked(fin, long)), []string{fmt.Sprintf("message 2 %q", strings.Repeat(long, 5))}},
	{"over the message limit", false, join(masked(2, long+long), masked(0, long+long), masked(fin, long+"1")), []string{errMessageSize.Error()}},
	{"ping counts for nothing", false, join(masked(2, long+long), masked(0, long+long), masked(fin|9, "123"), masked(fin, long)), []string{`ping "123"`, fmt.Sprintf("message 2 %q", strings.Repeat(long, 5))}},

	{"close of one byte", false, masked(fin|8, "\x03"), []string{errClosePayload.Error()}},
	{"close reason not UTF-8", false, masked(fin|8, "\x03\xe8\xce\xba\xe1"), []string{errCloseReason.Error()}},
	{"text not UTF-8", false, masked(fin|1, "ab\xff"), []string{errText.Error()}},
	{"surrogate", false, masked(fin|1, "\xed\xa0\x80"), []string{errText.Error()}},
	{"over-long character", false, masked(fin|1, "\xc0\xaf"), []string{errText.Error()}},
	{"text cut in a character", false, masked(fin|1, "a\xe2\x82"), []string{errText.Error()}},
	{"fragments cut in a character", false, join(masked(1, "a\xe2"), masked(fin, "\x82")), []string{errText.Error()}},
	{"fragments that end inside of one", false, join(masked(1, "a\xe2"), masked(fin, "")), []string{errText.Error()}},
	{"next message starts anew", false, join(masked(fin|1, "a"), masked(fin|1, "\x82")), []string{`message 1 "a"`, errText.Error()}},
}

// TestReceiver feeds every case whole, byte by byte and in pieces of three: what happens is the same.
func TestReceiver(t *testing.T) {
	for _, tt := range receiverTests {
		for _, size := range []int{1 << 20, 1, 3} {
			t.Run(fmt.Sprintf("%s/%d", tt.name, size), func(t *testing.T) {
				var r Receiver
				r.Init(&Config{Client: tt.client, MaxFrame: 3000, MaxMessage: 5000}, Deflate{})
				assert.Equal(t, feedAll(&r, tt.input, func() int { return size }), tt.want)
				if _, _, err := r.Next(nil); err == nil && r.msg == OpContinuation && !r.frame {
					assert.Equal(t, r.Buffered(), 0, "memory of an idle receiver")
				}
			})
		}
	}
}

func TestReceiverCloseCodes(t *testing.T) {
	for code := range 1 << 16 {
		good := code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999
		var r Receiver
		r.Init(&Config{}, Deflate{})
		ev, _, err := r.Next(masked(fin|8, string([]byte{byte(code >> 8), byte(code)})))
		if good && (err != nil || int(ev.Code) != code) || !good && CloseCodeOf(err) != CloseProtocolError {
			t.Errorf("%d: event %+v, error %v", code, ev, err)
		}
	}
}

// TestReceiverFailsFast asks for the error before the frame, or the message, is complete.
func TestReceiverFailsFast(t *testing.T) {
	frame := masked(fin|1, strings.Repeat("a", 1000))
	bad := masked(1, "\xf4\x90\x80\x80")
	tests := []struct {
		name  string
		input []byte
		want  CloseCode
	}{
		{"unmasked, two bytes", plain(fin|1, "Hello")[:2], CloseProtocolError},
		{"reserved opcode, two bytes", masked(fin|3, "Hello")[:2], CloseProtocolError},
		{"control too long, two bytes", masked(fin|9, long)[:2], CloseProtocolError},
		{"length alone", []byte{fin | 2, 0x80 | 127, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, CloseTooBig},
		{"bad byte in a frame", append(bytes.Clone(frame[:100]), 0xff^0x9a, 0xff^0x3c, 0xff^0x5b, 0xff^0x71), CloseInvalidPayload},
		{"character beyond the last, at its second byte", bad[:len(bad)-2], CloseInvalidPayload},
		{"bad byte in a fragment", masked(1, "\xff"), CloseInvalidPayload},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r Receiver
			r.Init(&Config{}, Deflate{})
			_, err := feed(&r, bytes.Clone(tt.input))
			assert.Equal(t, CloseCodeOf(err), tt.want, err)
			assert.Equal(t, r.Buffered(), 0)
			_, again := feed(&r, masked(fin|1, "a"))
			assert.Equal(t, again, err, "the error stays")
		})
	}
}

// TestReceiverMemory holds memory to what has come, and gives it back.
func TestReceiverMemory(t *testing.T) {
	var r Receiver
	r.Init(&Config{MaxMessage: 64 << 20}, Deflate{})
	message := masked(fin|2, string(make([]byte, 32<<20)))
	for done, next := 0, 100; done < len(message); next = 2 * done {
		next = min(next, len(message))
		events, err := feed(&r, message[done:next])
		assert.NoError(t, err)
		if done = next; done == len(message) {
			assert.Equal(t, len(events), 1)
			break
		}
		assert.Equal(t, len(events), 0)
		if r.Buffered() > max(2*done, minBuffer) {
			t.Fatalf("%d bytes held after %d came", r.Buffered(), done)
		}
	}
	assert.Equal(t, r.Buffered(), 0)
}

func TestReceiverTake(t *testing.T) {
	for _, size := range []int{1 << 20, 7} {
		var r Receiver
		r.Init(&Config{}, Deflate{})
		input := join(masked(fin|1, long), masked(fin|1, ""), masked(fin|9, "ping"))
		var took [][]byte
		for len(input) > 0 {
			p := input[:min(size, len(input))]
			input = input[len(p):]
			for {
				ev, rest, err := r.Next(p)
				assert.NoError(t, err)
				if ev.Kind == More {
					break
				}
				took = append(took, r.Take(ev))
				clear(p[:len(p)-len(rest)]) // what was taken does not change with the input
				p = rest
			}
		}
		assert.Equal(t, len(took), 3)
		assert.Equal(t, string(took[0]), long)
		assert.Equal(t, string(took[1]), "")
		assert.Equal(t, string(took[2]), "ping")
		assert.Equal(t, r.Buffered(), 0)
	}
}

func TestReceiverRelease(t *testing.T) {
	var r Receiver
	r.Init(&Config{}, Deflate{})
	_, err := feed(&r, masked(1, long)[:500])
	assert.NoError(t, err)
	assert.Equal(t, r.Buffered() >= 490, true)
	r.Release()
	assert.Equal(t, r.Buffered(), 0)
	events, err := feed(&r, masked(fin|1, "late"))
	assert.NoError(t, err)
	assert.Equal(t, len(events), 0)
}

func TestCloseCodeOf(t *testing.T) {
	assert.Equal(t, CloseCodeOf(nil), CloseNormal)
	assert.Equal(t, CloseCodeOf(errors.New("disk full")), CloseInternal)
	assert.Equal(t, CloseCodeOf(fmt.Errorf("read: %w", errText)), CloseInvalidPayload)
	assert.Equal(t, errText.Error(), "websocket: text that is not UTF-8 (1007)")
}
