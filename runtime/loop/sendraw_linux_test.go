package loop_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/rawfile"
)

// Of a file of which only the descriptor is known every range is what it should be, and one that
// is shorter than promised does not look complete.
func TestSendRawFile(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789", 60_000)
	name := filepath.Join(t.TempDir(), "file")
	assert.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	inWays(t, everyWay, func(t *testing.T, w way) {
		send := func(size int64) tako.Handler {
			return func(c *tako.Context) error {
				fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
				if err != nil {
					return err
				}
				f := rawfile.New(fd, name)
				defer f.Close()
				return c.ServeContent(tako.Validators{}, size, f)
			}
		}
		app := tako.New()
		app.Get("/", send(int64(len(text))), w.opts...)
		app.Get("/short", send(int64(len(text))+1), w.opts...)
		s := w.limited(t, app, tako.Limits{})
		client := &http.Client{Timeout: enough, Transport: &http.Transport{}}
		defer client.CloseIdleConnections()
		get := func(path, wanted string) (string, error) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr().String()+path, nil)
			assert.NoError(t, err)
			if wanted != "" {
				req.Header.Set("Range", wanted)
			}
			resp, err := client.Do(req)
			assert.NoError(t, err)
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			return string(body), err
		}
		for wanted, want := range map[string]string{"": text, "bytes=7-": text[7:], "bytes=3-100002": text[3:100003], "bytes=-5": text[len(text)-5:]} {
			got, err := get("/", wanted)
			assert.NoError(t, err)
			if got != want {
				t.Errorf("%q: got %d bytes, want %d others", wanted, len(got), len(want))
			}
		}
		got, err := get("/", "bytes=1-40000,50003-50012,60000-300000")
		assert.NoError(t, err)
		for _, part := range []string{text[1:40001], text[50003:50013], text[60000:300001]} {
			if !strings.Contains(got, "\r\n\r\n"+part+"\r\n--") {
				t.Errorf("a part of %d bytes is missing", len(part))
			}
		}
		_, err = get("/short", "")
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
}
