package wsframe

import (
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"github.com/tako-go/tako/internal/assert"
)

// TestText compares the check of pieces with utf8.Valid of the whole, and sees that it fails at
// the first byte that cannot be.
func TestText(t *testing.T) {
	bytesOf := []byte("a\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xff")
	rnd := rand.New(rand.NewPCG(7, 8))
	for range 200_000 {
		p := make([]byte, 1+rnd.IntN(6))
		for i := range p {
			p[i] = bytesOf[rnd.IntN(len(bytesOf))]
		}
		var pieces text
		good := true
		for rest := p; len(rest) > 0 && good; {
			n := 1 + rnd.IntN(len(rest))
			good = pieces.next(rest[:n])
			rest = rest[n:]
			if done := p[:len(p)-len(rest)]; good != canBegin(done) {
				t.Fatalf("% x: %v after % x", p, good, done)
			}
		}
		if good = good && pieces.ended(); good != utf8.Valid(p) {
			t.Fatalf("% x: got %v", p, good)
		}
	}
}

// canBegin reports whether some text begins with p.
func canBegin(p []byte) bool {
	for _, end := range []string{"", "\x80", "\x80\x80", "\x80\x80\x80", "\xa0", "\xa0\x80", "\x90\x80\x80"} {
		if utf8.Valid(append(p[:len(p):len(p)], end...)) {
			return true
		}
	}
	return false
}

func TestMask(t *testing.T) {
	for size := range 100 {
		for offset := range 9 {
			const key = 0x9a3c5b71
			p := make([]byte, size)
			for i := range p {
				p[i] = byte(i * 7)
			}
			Mask(key, offset, p)
			for i, got := range p {
				assert.Equal(t, got, byte(i*7)^byte(uint32(key)>>(8*((i+offset)%4))), size, offset, i)
			}
		}
	}
}

func TestHeader(t *testing.T) {
	for _, h := range []Header{
		{}, {Fin: true, Op: OpText, Length: 125}, {RSV1: true, Op: OpBinary, Length: 126}, {RSV2: true, Op: 15, Length: 65535},
		{RSV3: true, Op: OpPong, Masked: true, Key: 0x01020304, Length: 65536}, {Fin: true, Masked: true, Length: 1<<63 - 1},
	} {
		p := AppendHeader(nil, h)
		for n := range p {
			_, used, err := ParseHeader(p[:n])
			assert.NoError(t, err)
			assert.Equal(t, used, 0)
		}
		got, n, err := ParseHeader(append(p, "payload"...))
		assert.NoError(t, err)
		assert.Equal(t, got, h)
		assert.Equal(t, n, len(p))
		assert.Equal(t, n <= MaxHeader, true)
	}
}

func TestWindow(t *testing.T) {
	var w window
	var all []byte
	rnd := rand.New(rand.NewPCG(9, 10))
	for range 300 {
		p := make([]byte, rnd.IntN(1+rnd.IntN(1500)))
		for i := range p {
			p[i] = byte(rnd.Uint32())
		}
		all = append(all, p...)
		w.write(p, 1000)
		assert.Equal(t, string(w.b) == string(all[max(0, len(all)-1000):]), true)
		assert.Equal(t, cap(w.b) <= 1024, true, cap(w.b))
	}
	w.release()
	assert.Equal(t, cap(w.b), 0)
}
