package wsframe

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

func TestSenderBytes(t *testing.T) {
	var s Sender
	s.Init(&Config{}, Deflate{})
	tests := []struct {
		name      string
		got, want string
	}{
		{"text", string(s.AppendMessage(nil, OpText, []byte("Hello"))), "\x81\x05Hello"},
		{"empty", string(s.AppendMessage(nil, OpBinary, nil)), "\x82\x00"},
		{"126 bytes", string(s.AppendMessage(nil, OpBinary, make([]byte, 126))), "\x82\x7e\x00\x7e" + strings.Repeat("\x00", 126)},
		{"64 KiB", string(s.AppendMessage(nil, OpBinary, make([]byte, 65536))[:10]), "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"},
		{"first part", string(s.AppendPart(nil, OpText, []byte("Hel"), false)), "\x01\x03Hel"},
		{"ping between", string(s.AppendControl(nil, OpPing, []byte("p"))), "\x89\x01p"},
		{"last part", string(s.AppendPart(nil, OpText, []byte("lo"), true)), "\x80\x02lo"},
		{"part alone", string(s.AppendPart(nil, OpBinary, []byte("a"), true)), "\x82\x01a"},
		{"pong, cut", string(s.AppendControl(nil, OpPong, make([]byte, 200))), "\x8a\x7d" + strings.Repeat("\x00", 125)},
		{"close", string(s.AppendClose(nil, CloseGoingAway, "bye")), "\x88\x05\x03\xe9bye"},
		{"close without code", string(s.AppendClose(nil, CloseNoStatus, "bye")), "\x88\x00"},
		{"close 0", string(s.AppendClose(nil, 0, "")), "\x88\x00"},
		{"close with a code that is not to be sent", string(s.AppendClose(nil, CloseAbnormal, "")), "\x88\x02\x03\xf3"},
		{"reason not UTF-8", string(s.AppendClose(nil, CloseNormal, "a\xff")), "\x88\x06\x03\xe8a\xef\xbf\xbd"},
		{"reason cut", string(s.AppendClose(nil, CloseNormal, strings.Repeat("€", 50))), "\x88\x7d\x03\xe8" + strings.Repeat("€", 41)},
		{"reason cut in a character", string(s.AppendClose(nil, CloseNormal, "a"+strings.Repeat("€", 50))), "\x88\x7b\x03\xe8a" + strings.Repeat("€", 40)},
		{"behind other bytes", string(s.AppendMessage([]byte("x"), OpText, []byte("a"))), "x\x81\x01a"},
		{"masked", string(AppendFrame(nil, Header{Fin: true, Op: OpText, Masked: true, Key: 0x3d21fa37}, []byte("Hello"))), "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.got, tt.want, tt.name)
	}
}

// TestSenderClient sees that each frame has another key, and that a server reads them.
func TestSenderClient(t *testing.T) {
	var c Sender
	var r Receiver
	c.Init(&Config{Client: true}, Deflate{})
	r.Init(&Config{}, Deflate{})
	keys := map[uint32]bool{}
	for i := range 100 {
		frame := c.AppendMessage(nil, OpText, []byte(long))
		h, _, err := ParseHeader(frame)
		assert.NoError(t, err)
		assert.Equal(t, h.Masked, true)
		keys[h.Key] = true
		events, _ := feed(&r, frame)
		assert.Equal(t, events, []string{fmt.Sprintf("message 1 %q", long)}, i)
	}
	assert.Equal(t, len(keys) > 95, true, len(keys))
	events, _ := feed(&r, join(c.AppendControl(nil, OpPing, []byte("p")), c.AppendPart(nil, OpText, []byte("a"), false), c.AppendPart(nil, OpText, []byte("b"), true), c.AppendClose(nil, CloseNormal, "bye")))
	assert.Equal(t, events, []string{`ping "p"`, `message 1 "ab"`, `closed 1000 "bye"`})
}

func TestSenderVerbatim(t *testing.T) {
	for _, tt := range []struct {
		cfg    Config
		agreed bool
		want   bool
	}{{Config{}, false, true}, {Config{Client: true}, false, false}, {Config{}, true, false}, {Config{Threshold: 1000}, true, true}} {
		var s Sender
		s.Init(&tt.cfg, Deflate{Agreed: tt.agreed})
		assert.Equal(t, s.Verbatim(500), tt.want, tt)
	}
}

// TestPrepared sends one message to all kinds of peers, between others.
func TestPrepared(t *testing.T) {
	for _, text := range []string{"", "short", strings.Repeat("some words, ", 500), string(texts()[12])} {
		p := Prepare(OpBinary, []byte(text), 0)
		assert.Equal(t, p.Op(), OpBinary)
		assert.Equal(t, string(p.Data()), text)
		shared := map[*byte]bool{}
		for _, agreed := range []Deflate{
			{}, {}, {Agreed: true}, {Agreed: true}, {Agreed: true, ServerNoContext: true}, {Agreed: true, ServerBits: 9},
		} {
			var s Sender
			var r Receiver
			s.Init(&Config{Threshold: -1}, agreed)
			r.Init(&Config{Client: true}, agreed)
			for i := range 4 {
				frame := s.Frame(p)
				if agreed.ServerBits == 0 {
					shared[&frame[0]] = true
				}
				events, err := feed(&r, bytes.Clone(frame))
				assert.NoError(t, err)
				assert.Equal(t, events, []string{happened(Event{Kind: Message, Op: OpBinary, Data: []byte(text)})}, agreed, i)
				own := strings.Repeat("some words, ", 5+i)
				events, err = feed(&r, s.AppendMessage(nil, OpText, []byte(own)))
				assert.NoError(t, err)
				assert.Equal(t, events, []string{fmt.Sprintf("message 1 %q", own)}, agreed, i)
			}
		}
		assert.Equal(t, len(shared) <= 2, true, "frames that were made", len(shared))

		var c Sender
		var r Receiver
		c.Init(&Config{Client: true}, Deflate{})
		r.Init(&Config{}, Deflate{})
		events, err := feed(&r, c.Frame(p))
		assert.NoError(t, err)
		assert.Equal(t, events, []string{fmt.Sprintf("message 2 %q", text)})
	}
}
