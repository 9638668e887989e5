package loop_test

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// A client that sends on while its request is refused is held up, and not reset before
// it has read the answer (RFC 9112, section 9.6).
func TestLingerHoldsUp(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		app := tako.New()
		app.Post("/", func(*tako.Context) error { return &tako.Error{Status: 415} }, w.opts...)
		app.BodyLimit(tako.NoLimit)
		s := w.limited(t, app, tako.Limits{})
		chunk := bytes.Repeat([]byte("x"), 256<<10)
		heldUp := func(begin string, status int) bool {
			c := reach(t, s)
			c.send(begin)
			// Shorter than the wait of the server, longer than what fits into buffers takes.
			assert.NoError(t, c.SetWriteDeadline(time.Now().Add(soon)))
			var err error
			for err == nil {
				_, err = c.Write(chunk)
			}
			resp, _, readErr := c.respond("POST")
			assert.NoError(t, readErr)
			assert.Equal(t, resp.StatusCode, status)
			return errors.Is(err, os.ErrDeadlineExceeded)
		}
		for begin, status := range map[string]int{posting("/", "Content-Length: 1000000000", ""): 415, "GET / HTTP/1.1\r\nHost: a.example\r\nX: ": 431, "nonsense\r\n\r\n": 400} {
			held := false
			for i := 0; i < 5 && !held; i++ { // a busy machine may let the server's wait pass first
				held = heldUp(begin, status)
			}
			assert.Equal(t, held, true, status)
		}
	})
}
