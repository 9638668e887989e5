//go:build !race

package wsframe

import (
	"bytes"
	"strings"
	"testing"
	"unsafe"

	"github.com/tako-go/tako/internal/assert"
)

// TestAllocations counts those of what happens for each message.
func TestAllocations(t *testing.T) {
	none := Deflate{Agreed: true, ServerNoContext: true, ClientNoContext: true}
	text := []byte(strings.Repeat("some words, ", 30))
	for _, tt := range []struct {
		name   string
		agreed Deflate
		pieces int
		want   float64
	}{{"whole", Deflate{}, 1, 0}, {"in two reads", Deflate{}, 2, 0}, {"compressed", none, 1, 0}, {"context takeover", Deflate{Agreed: true, ClientNoContext: true}, 1, 1}} {
		var c, s Sender
		var r Receiver
		c.Init(&Config{Client: true}, tt.agreed)
		s.Init(&Config{}, tt.agreed)
		r.Init(&Config{}, tt.agreed)
		frames := c.AppendControl(c.AppendMessage(nil, OpText, text), OpPing, []byte("ping"))
		in := make([]byte, len(frames))
		var out []byte
		got := testing.AllocsPerRun(500, func() {
			copy(in, frames)
			cut := len(in) / tt.pieces
			out = echoLoop(&r, &s, out[:0], in[:cut])
			out = echoLoop(&r, &s, out, in[cut:])
		})
		assert.Equal(t, got <= tt.want, true, tt.name, got)
		assert.Equal(t, len(out) > 2, true)
	}
}

// TestIdleSize keeps what every open connection costs in sight.
func TestIdleSize(t *testing.T) {
	assert.Equal(t, unsafe.Sizeof(Receiver{}) <= 160, true, unsafe.Sizeof(Receiver{}))
	assert.Equal(t, unsafe.Sizeof(Sender{}) <= 48, true, unsafe.Sizeof(Sender{}))
}

// TestBroadcastAllocations sends one prepared message to many.
func TestBroadcastAllocations(t *testing.T) {
	var s Sender
	s.Init(&Config{}, Deflate{Agreed: true})
	p := Prepare(OpText, bytes.Repeat([]byte("some words, "), 30), 0)
	s.Frame(p)
	got := testing.AllocsPerRun(500, func() { s.Frame(p) })
	assert.Equal(t, got, 0.0)
}
