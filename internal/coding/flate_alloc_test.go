//go:build !race

package coding

import (
	"bytes"
	"io"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

func TestFlateAllocations(t *testing.T) {
	text := flateTexts()["short json"]
	dst := make([]byte, 0, 4<<10)
	buf := make([]byte, 4<<10)
	compressed := bytes.TrimSuffix(AppendFlate(nil, text, 1, 15), []byte(FlateTail))
	for name, f := range map[string]func(){
		"compress": func() { dst = AppendFlate(dst[:0], text, 1, 15) },
		"decompress": func() {
			r := NewFlateReader(compressed, nil)
			n, _ := io.ReadFull(r, buf[:len(text)])
			if n != len(text) {
				t.Error("short")
			}
			r.Close()
		},
	} {
		// A collection in between may empty a pool.
		got := testing.AllocsPerRun(200, f)
		assert.Equal(t, got < 1, true, name, got)
	}
}
