package wsframe

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// fuzzKinds are the connections that input is tried on.
var fuzzKinds = []struct {
	cfg    Config
	agreed Deflate
}{
	{Config{MaxMessage: 5000, MaxFrame: 3000}, Deflate{}},
	{Config{MaxMessage: 5000, Client: true}, Deflate{}},
	{Config{MaxMessage: 5000}, Deflate{Agreed: true}},
	{Config{MaxMessage: 5000}, Deflate{Agreed: true, ClientNoContext: true, ClientBits: 9}},
}

// invariant fails unless input causes the same however it is split, and memory stays bounded.
func invariant(t *testing.T, input []byte, seed uint64) {
	for _, kind := range fuzzKinds {
		var whole, split, parts Receiver
		whole.Init(&kind.cfg, kind.agreed)
		split.Init(&kind.cfg, kind.agreed)
		want := feedAll(&whole, input, func() int { return len(input) })
		rnd := rand.New(rand.NewPCG(seed, 1))
		got := feedAll(&split, input, func() int {
			if held := split.Buffered(); held > 16<<10+32<<10 {
				t.Fatalf("%d bytes held", held)
			}
			return rnd.IntN(1 + rnd.IntN(40))
		})
		assert.Equal(t, got, want, kind)
		if !kind.agreed.Agreed {
			parts.Init(&kind.cfg, kind.agreed)
			got, _ = gather(&parts, input, 1+rnd.IntN(100))
			assert.Equal(t, got, want, kind)
		}
		for _, r := range []*Receiver{&whole, &split, &parts} {
			r.Release()
			assert.Equal(t, r.Buffered(), 0)
		}
	}
}

// TestReceiverSplits makes random connections out of good frames, some of which are spoilt.
func TestReceiverSplits(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for i := range 1500 {
		agreed := Deflate{Agreed: i%2 == 0}
		var c Sender
		c.Init(&Config{Client: i%7 != 0, Threshold: 20}, agreed)
		var input []byte
		for range rnd.IntN(8) {
			text := []byte(strings.Repeat("zażółć gęślą jaźń 🐙", rnd.IntN(20)))
			switch op := OpText + Opcode(rnd.IntN(2)); rnd.IntN(4) {
			case 0:
				input = c.AppendControl(input, OpPing+Opcode(rnd.IntN(2)), text)
			case 1:
				cut := rnd.IntN(len(text) + 1)
				input = c.AppendPart(input, op, text[:cut], false)
				input = c.AppendControl(input, OpPing, nil)
				input = c.AppendPart(input, op, text[cut:], true)
			default:
				input = c.AppendMessage(input, op, text)
			}
		}
		if i%3 == 0 && len(input) > 0 {
			input[rnd.IntN(len(input))] ^= 1 << rnd.IntN(8)
		}
		if i%5 == 0 {
			input = c.AppendClose(input, CloseNormal, "bye")
		}
		invariant(t, input, uint64(i))
	}
}

func FuzzReceiver(f *testing.F) {
	for _, tt := range receiverTests {
		f.Add(tt.input, uint64(1))
	}
	f.Add(join(masked(fin|rsv1|1, "\xf2\x48\xcd\xc9\xc9\x07\x00"), masked(fin|rsv1|1, "\xf2\x00\x11\x00\x00")), uint64(2))
	f.Add(masked(fin|rsv1|1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), uint64(3))
	f.Fuzz(func(t *testing.T, input []byte, seed uint64) {
		if len(input) < 100_000 {
			invariant(t, input, seed)
		}
	})
}

// FuzzDeflate sends arbitrary messages through compression and back.
func FuzzDeflate(f *testing.F) {
	f.Add([]byte("Hello"), []byte("Hello, hello"), byte(0))
	f.Add([]byte(strings.Repeat("ab", 2000)), []byte("abababab"), byte(0x93))
	f.Fuzz(func(t *testing.T, one, two []byte, how byte) {
		agreed := Deflate{Agreed: true, ServerNoContext: how&1 != 0, ServerBits: how >> 4}
		if agreed.ServerBits < 8 {
			agreed.ServerBits = 0
		}
		var s Sender
		var r Receiver
		s.Init(&Config{Threshold: -1}, agreed)
		r.Init(&Config{Client: true, MaxMessage: -1}, agreed)
		for _, text := range [][]byte{one, two, one, two} {
			ev, _, err := r.Next(s.AppendMessage(nil, OpBinary, text))
			assert.NoError(t, err)
			assert.Equal(t, ev.Kind, Message)
			assert.Equal(t, bytes.Equal(ev.Data, text), true)
		}
	})
}

// FuzzExtensions sees that the parser takes anything, and that what a server answers to anything is
// what a client takes that has offered it.
func FuzzExtensions(f *testing.F) {
	for _, field := range declined {
		f.Add(field)
	}
	f.Add("permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate")
	f.Fuzz(func(t *testing.T, field string) {
		list, err := parseExtensions([]string{field})
		assert.Equal(t, len(list) <= maxExtensions, true)
		agreed, response := AcceptDeflate([]string{field}, DeflateConfig{})
		assert.Equal(t, agreed.Agreed, response != "")
		assert.Equal(t, err != nil && agreed.Agreed, false)
		if agreed.Agreed {
			there, err := ConfirmDeflate([]string{response}, DeflateConfig{}, true)
			assert.NoError(t, err)
			assert.Equal(t, there, agreed)
		}
		_, _ = ConfirmDeflate([]string{field}, DeflateConfig{}, true)
	})
}
