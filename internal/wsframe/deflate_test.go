package wsframe

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// texts are messages of all sizes, some of which refer to those before.
func texts() (list [][]byte) {
	rnd := rand.New(rand.NewPCG(3, 4))
	noise := make([]byte, 5000)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	for i, n := range []int{0, 1, 5, 127, 128, 300, 2000, 4096, 40_000, 300, 100_000, 128} {
		list = append(list, []byte(strings.Repeat(fmt.Sprintf(`{"id":%d,"text":"some words that come again"},`, i), n/40+1)[:n]))
	}
	return append(list, noise, noise, list[6], nil)
}

// TestDeflate sends messages between a client and a server, for all that they can agree on.
func TestDeflate(t *testing.T) {
	for _, agreed := range []Deflate{
		{}, {Agreed: true}, {Agreed: true, ServerNoContext: true}, {Agreed: true, ClientNoContext: true},
		{Agreed: true, ServerBits: 8, ClientBits: 9}, {Agreed: true, ServerBits: 10, ClientBits: 14, ClientNoContext: true},
		{Agreed: true, ServerBits: 15, ClientBits: 12, ServerNoContext: true},
	} {
		for _, fromClient := range []bool{true, false} {
			for _, threshold := range []int{0, -1, 1 << 30} {
				t.Run(fmt.Sprintf("%+v/%v/%d", agreed, fromClient, threshold), func(t *testing.T) {
					var s Sender
					var r Receiver
					s.Init(&Config{Client: fromClient, Threshold: threshold}, agreed)
					r.Init(&Config{Client: !fromClient}, agreed)
					total, wire := 0, 0
					for i, text := range texts() {
						op := OpBinary
						if i%2 == 0 && i < 12 {
							op = OpText
						}
						before := bytes.Clone(text)
						frame := s.AppendMessage([]byte("x"), op, text)[1:]
						assert.Equal(t, bytes.Equal(text, before), true, "the message is left alone")
						total, wire = total+len(text), wire+len(frame)
						events := feedAll(&r, frame, func() int { return 1 + i*1000 })
						assert.Equal(t, events, []string{happened(Event{Kind: Message, Op: op, Data: text})}, i)
					}
					assert.Equal(t, wire < total/5, agreed.Agreed && threshold <= 0, total, wire)
					if s.Buffered() > 4<<10 || r.Buffered() > 32<<10 {
						t.Errorf("an idle sender has %d bytes, a receiver %d", s.Buffered(), r.Buffered())
					}
					if !s.takeover() && s.Buffered()+r.Buffered() > 0 {
						t.Errorf("without takeover a sender has %d bytes, a receiver %d", s.Buffered(), r.Buffered())
					}
					s.Release()
					r.Release()
					assert.Equal(t, s.Buffered()+r.Buffered(), 0)
				})
			}
		}
	}
}

// TestDeflateTakeover sees that messages get shorter by those before.
func TestDeflateTakeover(t *testing.T) {
	text := []byte(`{"a":"3f9c1","b":"0d77e","c":"b1a02","d":"99812","e":"7e6d5","f":"1c9f0","g":"5aa38","h":"4e21b","i":"c0ffe"}`)
	var with, without Sender
	with.Init(&Config{Threshold: -1}, Deflate{Agreed: true})
	without.Init(&Config{Threshold: -1}, Deflate{Agreed: true, ServerNoContext: true})
	first := len(with.AppendMessage(nil, OpText, text))
	second := len(with.AppendMessage(nil, OpText, text))
	assert.Equal(t, second < first/3, true, first, second)
	assert.Equal(t, len(without.AppendMessage(nil, OpText, text)), len(without.AppendMessage(nil, OpText, text)))
}

// The examples of RFC 7692, section 7.2.3.
func TestDeflateExamples(t *testing.T) {
	const hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"
	tests := []struct {
		name  string
		input []byte
		want  []string
	}{
		{"one block", masked(fin|rsv1|1, hello), []string{`message 1 "Hello"`}},
		{"fragments", join(masked(rsv1|1, hello[:3]), masked(fin|9, "p"), masked(fin, hello[3:])), []string{`ping "p"`, `message 1 "Hello"`}},
		{"window shared", join(masked(fin|rsv1|1, hello), masked(fin|rsv1|1, "\xf2\x00\x11\x00\x00")), []string{`message 1 "Hello"`, `message 1 "Hello"`}},
		{"no compression", masked(fin|rsv1|1, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), []string{`message 1 "Hello"`}},
		{"final block", masked(fin|rsv1|1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), []string{`message 1 "Hello"`}},
		{"two blocks", masked(fin|rsv1|1, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), []string{`message 1 "Hello"`}},
		{"empty", masked(fin|rsv1|1, "\x00"), []string{`message 1 ""`}},
		{"nothing at all", masked(fin|rsv1|2, ""), []string{`message 2 ""`}},
		{"not compressed", masked(fin|1, "Hello"), []string{`message 1 "Hello"`}},

		{"RSV1 on a continuation", join(masked(rsv1|1, hello[:3]), masked(fin|rsv1, hello[3:])), []string{errReservedBit.Error()}},
		{"RSV1 on a continuation alone", join(masked(1, "He"), masked(fin|rsv1, "llo")), []string{errReservedBit.Error()}},
		{"RSV1 on control", masked(fin|rsv1|9, ""), []string{errReservedBit.Error()}},
		{"malformed", masked(fin|rsv1|2, "\x07\x00"), []string{errCompressed.Error()}},
		{"cut", masked(fin|rsv1|2, "\xf2\x48\xcd"), []string{errCompressed.Error()}},
		{"beyond the window", masked(fin|rsv1|2, "\xf2\x00\x11\x00\x00"), []string{errCompressed.Error()}},
		{"not UTF-8", masked(fin|rsv1|1, "\x00\x02\x00\xfd\xff\xce\xff\x00"), []string{errText.Error()}},
		{"endless final blocks", masked(fin|rsv1|2, strings.Repeat("\x03\x00", 100)), []string{errCompressed.Error()}},
	}
	for _, tt := range tests {
		for _, size := range []int{1 << 20, 1} {
			var r Receiver
			r.Init(&Config{}, Deflate{Agreed: true})
			assert.Equal(t, feedAll(&r, tt.input, func() int { return size }), tt.want, tt.name, size)
		}
	}
}

// TestDeflateBomb refuses what gets too large, with little memory.
func TestDeflateBomb(t *testing.T) {
	var c Sender
	c.Init(&Config{Client: true, Level: 9}, Deflate{Agreed: true, ClientNoContext: true})
	bomb := c.AppendMessage(nil, OpBinary, make([]byte, 64<<20))
	assert.Equal(t, len(bomb) < 100<<10, true, "a megabyte takes a kilobyte", len(bomb))
	var r Receiver
	r.Init(&Config{MaxMessage: 1 << 20}, Deflate{Agreed: true})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := feed(&r, bomb)
	runtime.ReadMemStats(&after)
	assert.ErrorIs(t, err, errMessageSize)
	assert.Equal(t, after.TotalAlloc-before.TotalAlloc < 8<<20, true, after.TotalAlloc-before.TotalAlloc)
	assert.Equal(t, r.Buffered(), 0)

	for _, size := range []int{1 << 20, 1<<20 + 1} {
		r.Init(&Config{MaxMessage: 1 << 20}, Deflate{Agreed: true})
		ev, _, err := r.Next(c.AppendMessage(nil, OpBinary, make([]byte, size)))
		assert.Equal(t, err == nil && len(ev.Data) == size, size == 1<<20, size, err)
	}
}

// TestDeflateIncompressible lets a message of the limit pass, though it is longer compressed.
func TestDeflateIncompressible(t *testing.T) {
	noise := texts()[12]
	stored := "\x00" + string([]byte{byte(len(noise)), byte(len(noise) >> 8), ^byte(len(noise)), ^byte(len(noise) >> 8)}) + string(noise) + "\x00"
	var r Receiver
	r.Init(&Config{MaxMessage: int64(len(noise))}, Deflate{Agreed: true})
	ev, _, err := r.Next(masked(fin|rsv1|2, stored))
	assert.NoError(t, err)
	assert.Equal(t, bytes.Equal(ev.Data, noise), true)
}
