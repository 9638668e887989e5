package conformance_test

import (
	bin "encoding/binary"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/static"
	"github.com/tako-go/tako/takotest"
)

const mediaPage = `<!doctype html><audio src="/media/long.wav" preload="metadata"></audio><pre id="result"></pre>
<script>
const audio = document.querySelector("audio"), result = document.getElementById("result");
audio.onerror = () => result.textContent = "error: " + audio.error.message;
audio.onloadedmetadata = () => audio.currentTime = 1500;
audio.onseeked = () => result.textContent = "result: " + audio.currentTime + " of " + audio.duration;
</script>`

// longSound makes a folder with half an hour of silence, 300 MB that take no room.
func longSound(t *testing.T) string {
	t.Helper()
	const rate, seconds = 44100, 1800
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "long.wav"))
	assert.NoError(t, err)
	defer f.Close()
	for _, v := range []any{[]byte("RIFF"), uint32(36 + 4*rate*seconds), []byte("WAVEfmt "), uint32(16), uint16(1), uint16(2),
		uint32(rate), uint32(4 * rate), uint16(4), uint16(16), []byte("data"), uint32(4 * rate * seconds)} {
		assert.NoError(t, bin.Write(f, bin.LittleEndian, v))
	}
	assert.NoError(t, f.Truncate(44+4*rate*seconds))
	return dir
}

// TestMediaChromium has an audio element seek in a long file: the browser asks for a range far
// inside and plays from there.
func TestMediaChromium(t *testing.T) {
	tool(t, "chromium")
	t.Parallel()
	dir := longSound(t)
	b := openBrowser(t)
	for name, serve := range map[string]func(tako.App) tako.Server{
		"std":  func(app tako.App) tako.Server { return std.New(app, std.Config{Addr: "127.0.0.1:0"}) },
		"loop": func(app tako.App) tako.Server { return loop.New(app, loop.Config{Addr: "127.0.0.1:0"}) },
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var ranges []string
			app := tako.New()
			app.Use(func(next tako.Handler) tako.Handler {
				return func(c *tako.Context) error {
					if asked := c.RequestHeader("Range"); asked != "" {
						mu.Lock()
						ranges = append(ranges, asked)
						mu.Unlock()
					}
					return next(c)
				}
			})
			static.Dir(app, "/media/", dir, static.Config{})
			app.Get("/", func(c *tako.Context) error { return c.Bytes(200, "text/html; charset=utf-8", []byte(mediaPage)) })
			server := serve(app)
			takotest.Run(t, server)
			b.open(t, "http://"+server.Addr().String()+"/")
			b.await(t, `document.getElementById("result")?.textContent`)
			assert.Equal(t, b.eval(t, `document.getElementById("result").textContent`), "result: 1500 of 1800")
			b.open(t, "about:blank")
			mu.Lock()
			defer mu.Unlock()
			far := false
			for _, asked := range ranges {
				if m := regexp.MustCompile(`^bytes=(\d+)-`).FindStringSubmatch(asked); m != nil {
					from, err := strconv.Atoi(m[1])
					far = far || err == nil && from > 200<<20
				}
			}
			assert.Equal(t, far, true, ranges)
		})
	}
}
