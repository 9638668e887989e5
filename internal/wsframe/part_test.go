package wsframe

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// gather reads input with NextPart in reads of the given size, and puts messages together again.
func gather(r *Receiver, input []byte, size int) (events []string, err error) {
	var message []byte
	for len(input) > 0 {
		p := bytes.Clone(input[:min(size, len(input))])
		input = input[len(p):]
		for {
			ev, rest, err := r.NextPart(p)
			if err != nil {
				return append(events, err.Error()), err
			}
			if ev.Kind == More {
				break
			}
			p = rest
			if ev.Kind != Part {
				events = append(events, happened(ev))
				continue
			}
			if message = append(message, ev.Data...); ev.Fin {
				events = append(events, happened(Event{Kind: Message, Op: ev.Op, Data: message}))
				message = nil
			}
		}
	}
	return events, nil
}

// TestNextPart finds the same as Next, without a buffer.
func TestNextPart(t *testing.T) {
	for _, tt := range receiverTests {
		for _, size := range []int{1 << 20, 1, 3} {
			var r Receiver
			r.Init(&Config{Client: tt.client, MaxFrame: 3000, MaxMessage: 5000}, Deflate{})
			got, _ := gather(&r, tt.input, size)
			assert.Equal(t, got, tt.want, tt.name, size)
		}
	}
}

func TestNextPartHoldsNothing(t *testing.T) {
	var r Receiver
	r.Init(&Config{MaxMessage: -1}, Deflate{})
	message := masked(fin|2, strings.Repeat(long, 100))
	got := 0
	for len(message) > 0 {
		p := message[:min(777, len(message))]
		message = message[len(p):]
		for {
			ev, rest, err := r.NextPart(p)
			assert.NoError(t, err)
			if ev.Kind == More {
				break
			}
			got += len(ev.Data)
			assert.Equal(t, ev.Fin, got == 100*len(long))
			assert.Equal(t, r.Buffered(), 0)
			p = rest
		}
	}
	assert.Equal(t, got, 100*len(long))
}

// TestNextPartBehindNext turns to parts when some of the message is in the buffer.
func TestNextPartBehindNext(t *testing.T) {
	tests := []struct {
		name         string
		first, later []byte
		want         []string
	}{
		{"inside of a frame", masked(fin|1, "Hello")[:8], masked(fin|1, "Hello")[8:], []string{`part 1 "He" false`, `part 1 "llo" true`}},
		{"between frames", masked(1, "He"), masked(fin, "llo"), []string{`part 1 "He" false`, `part 1 "llo" true`}},
		{"inside of a ping", join(masked(1, "He"), masked(fin|9, "ping")[:8]), join(masked(fin|9, "ping")[8:], masked(0, "l"), masked(fin, "")),
			[]string{`ping "ping"`, `part 1 "Hel" false`, `part 1 "" true`}},
		{"before the next message", masked(1, "He"), join(masked(fin, ""), masked(fin|2, "ab")), []string{`part 1 "He" false`, `part 1 "" true`, `part 2 "ab" true`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r Receiver
			r.Init(&Config{}, Deflate{})
			events, err := feed(&r, bytes.Clone(tt.first))
			assert.NoError(t, err)
			p := bytes.Clone(tt.later)
			for {
				ev, rest, err := r.NextPart(p)
				assert.NoError(t, err)
				if ev.Kind == More {
					break
				}
				events, p = append(events, happened(ev)), rest
			}
			assert.Equal(t, events, tt.want)
			assert.Equal(t, r.Buffered(), 0)
		})
	}
}

// partSource gives the data of the parts of one message, as a connection's reader does.
type partSource struct {
	r    *Receiver
	next func() []byte
	p    []byte // read and not taken apart
	data []byte
	fin  bool
	fail error
}

func (s *partSource) Read(b []byte) (int, error) {
	for len(s.data) == 0 {
		if s.fin {
			return 0, io.EOF
		}
		ev, rest, err := s.r.NextPart(s.p)
		if err != nil {
			return 0, err
		}
		if s.p = rest; ev.Kind == More {
			if s.p = s.next(); s.p == nil {
				return 0, s.fail
			}
			continue
		}
		s.data, s.fin = ev.Data, ev.Fin
	}
	n := copy(b, s.data)
	s.data = s.data[n:]
	return n, nil
}

func pieces(p []byte, size int) func() []byte {
	return func() []byte {
		if len(p) == 0 {
			return nil
		}
		piece := bytes.Clone(p[:min(size, len(p))])
		p = p[len(piece):]
		return piece
	}
}

// TestInflateParts reads messages with context takeover in turn by Inflate and by Next.
func TestInflateParts(t *testing.T) {
	agreed := Deflate{Agreed: true}
	var c Sender
	var r Receiver
	c.Init(&Config{Client: true}, agreed)
	r.Init(&Config{}, agreed)
	for i := range 6 {
		want := strings.Repeat("a message, "+strings.Repeat("x", i), 500)
		var input []byte
		for at, size := 0, 0; at < len(want); at += size {
			size = min(1000, len(want)-at)
			input = c.AppendPart(input, OpText, []byte(want[at:at+size]), at+size == len(want))
		}
		if i%2 == 0 {
			src := &partSource{r: &r, next: pieces(input, 100)}
			got, err := io.ReadAll(r.Inflate(OpText, src))
			assert.NoError(t, err)
			assert.Equal(t, string(got) == want, true, i)
			continue
		}
		events, err := feed(&r, input)
		assert.NoError(t, err)
		assert.Equal(t, events, []string{happened(Event{Kind: Message, Op: OpText, Data: []byte(want)})})
	}
}

// TestInflateNothing reads a compressed message of no bytes at all as Next does, and one behind it.
func TestInflateNothing(t *testing.T) {
	var c Sender
	var r Receiver
	c.Init(&Config{Client: true, Threshold: -1}, Deflate{Agreed: true})
	r.Init(&Config{}, Deflate{Agreed: true})
	for _, input := range [][]byte{masked(fin|rsv1|1, ""), slices.Concat(masked(rsv1|1, ""), masked(fin, ""))} {
		got, err := io.ReadAll(r.Inflate(OpText, &partSource{r: &r, next: pieces(input, 1)}))
		assert.NoError(t, err)
		assert.Equal(t, string(got), "")
		got, err = io.ReadAll(r.Inflate(OpText, &partSource{r: &r, next: pieces(c.AppendMessage(nil, OpText, []byte(long)), 100)}))
		assert.NoError(t, err)
		assert.Equal(t, string(got), long)
	}
	events, err := feed(&r, masked(fin|rsv1|1, ""))
	assert.NoError(t, err)
	assert.Equal(t, events, []string{happened(Event{Kind: Message, Op: OpText})})
}

func TestInflatePartsFails(t *testing.T) {
	broken := errors.New("broken")
	var c Sender
	c.Init(&Config{Client: true, Threshold: -1}, Deflate{Agreed: true})
	bomb := c.AppendMessage(nil, OpBinary, make([]byte, 100_000))
	notText := c.AppendMessage(nil, OpText, bytes.Repeat([]byte("\xff\xfe"), 1000))
	cut := c.AppendMessage(nil, OpBinary, []byte(long))
	for _, tt := range []struct {
		name  string
		input []byte
		op    Opcode
		want  error
	}{
		{"too large", bomb, OpBinary, errMessageSize},
		{"not UTF-8", notText, OpText, errText},
		{"malformed", masked(fin|rsv1|2, "\x07abc"), OpBinary, errCompressed},
		{"the source", cut[:len(cut)-5], OpBinary, broken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r Receiver
			r.Init(&Config{MaxMessage: 50_000}, Deflate{Agreed: true})
			m := r.Inflate(tt.op, &partSource{r: &r, next: pieces(tt.input, 10), fail: broken})
			_, err := io.Copy(io.Discard, m)
			assert.ErrorIs(t, err, tt.want)
			_, err = m.Read(make([]byte, 1))
			assert.ErrorIs(t, err, tt.want)
			_, _, err = r.Next(nil)
			assert.ErrorIs(t, err, tt.want)
		})
	}
}
