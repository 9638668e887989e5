package coding

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/tako-go/tako/internal/assert"
)

// flateTexts are what is compressed: repetitive, random, empty, longer than a window.
func flateTexts() map[string][]byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 100<<10)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	var lines bytes.Buffer
	for i := 0; lines.Len() < 200<<10; i++ {
		fmt.Fprintf(&lines, `{"id":%d,"name":"user %d"},`, i*7919%1000, i%97)
	}
	return map[string][]byte{
		"empty": {}, "one byte": {7}, "short": []byte("Hello"), "zeros": make([]byte, 300<<10),
		"json": lines.Bytes(), "short json": lines.Bytes()[:300], "noise": noise,
		"repeat far apart": append(append(bytes.Clone(noise[:20<<10]), lines.Bytes()[:9<<10]...), noise[:20<<10]...),
	}
}

// readFlate reads compressed, which has its tail, with the standard library.
func readFlate(tb testing.TB, compressed, dict []byte) []byte {
	tb.Helper()
	assert.Equal(tb, bytes.HasSuffix(compressed, []byte(FlateTail)), true, "the tail of a sync flush")
	text, err := io.ReadAll(flate.NewReaderDict(io.MultiReader(bytes.NewReader(compressed), strings.NewReader("\x01\x00\x00\xff\xff")), dict))
	assert.NoError(tb, err)
	return text
}

func TestAppendFlate(t *testing.T) {
	for name, text := range flateTexts() {
		for level := range 11 {
			got := AppendFlate([]byte("before"), text, level, 15)
			assert.Equal(t, string(got[:6]), "before")
			assert.Equal(t, bytes.Equal(readFlate(t, got[6:], nil), text), true, name, level)
		}
		for _, dict := range []int{0, 100, FlateDict, 32 << 10} {
			before := flateTexts()["json"][:dict]
			got := AppendFlateDict(nil, text, before)
			assert.Equal(t, bytes.Equal(readFlate(t, got, before), text), true, name, dict)
		}
	}
}

// A peer that agreed on a small window can hold no match that reaches back further.
func TestAppendFlateWindow(t *testing.T) {
	for name, text := range flateTexts() {
		for bits := 8; bits < 15; bits++ {
			got := AppendFlate(nil, text, 1, bits)
			assert.Equal(t, bytes.Equal(readFlate(t, got, nil), text), true, name, bits)
			far := farthest(t, got)
			assert.Equal(t, far <= 1<<bits, true, name, bits, far)
		}
	}
	far := farthest(t, AppendFlate(nil, flateTexts()["repeat far apart"], 1, 15))
	assert.Equal(t, far > 1<<14, true, "farthest sees matches that are far", far)
}

func TestFlateReader(t *testing.T) {
	for name, text := range flateTexts() {
		dict := flateTexts()["json"][:30<<10]
		for kind, compressed := range map[string][]byte{
			"plain": AppendFlate(nil, text, 1, 15),
			"dict":  AppendFlateDict(nil, text, dict),
		} {
			compressed = bytes.TrimSuffix(compressed, []byte(FlateTail))
			for how, r := range map[string]*FlateReader{
				"slice":  NewFlateReader(compressed, dict),
				"stream": NewFlateStream(iotest.OneByteReader(bytes.NewReader(compressed)), dict),
			} {
				got, err := io.ReadAll(r)
				assert.NoError(t, err, name, kind, how)
				assert.Equal(t, bytes.Equal(got, text), true, name, kind, how)
				more, err := r.More(got)
				assert.NoError(t, err)
				assert.Equal(t, more, false, name, kind, how)
				r.Close()
			}
		}
	}
}

func TestFlateReaderFinalBlocks(t *testing.T) {
	const hello = "\xf3\x48\xcd\xc9\xc9\x07\x00" // RFC 7692, section 7.2.3.4, with its final block
	tests := []struct {
		name, compressed, want string
		fails                  bool
	}{
		{"RFC example", hello + "\x00", "Hello", false},
		{"ends with it", hello, "Hello", false},
		{"goes on", hello + hello + "\x00", "HelloHello", false},
		{"empty", "\x00", "", false},
		{"cut", "\xf2\x48\xcd", "", true},
		{"cut stored block", "\x00\x05\x00\xfa\xffab", "", true},
		{"reserved block type", "\x07", "", true},
		{"reaches before the start", "\x02\x03\x02\x00", "", true},
		{"ends without end", strings.Repeat("\x03\x00", 40), "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []*FlateReader{
				NewFlateReader([]byte(tt.compressed), nil),
				NewFlateStream(iotest.OneByteReader(strings.NewReader(tt.compressed)), nil),
			} {
				got, err := io.ReadAll(r)
				for more := err == nil; more; {
					if more, err = r.More(got); !more || err != nil {
						break
					}
					var part []byte
					part, err = io.ReadAll(r)
					got = append(got, part...)
					more = err == nil
				}
				r.Close()
				assert.Equal(t, err != nil, tt.fails, err)
				if !tt.fails {
					assert.Equal(t, string(got), tt.want)
				}
			}
		})
	}
}
