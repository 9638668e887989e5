package std_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// the handler that timed out reads the body while net/http ends the request.
func TestTimeoutBesideReadEnds(t *testing.T) {
	t.Parallel()
	ends := func(framing, begin string) func(t *testing.T) {
		return func(t *testing.T) {
			app := tako.New()
			app.Post("/", func(c *tako.Context) error {
				_, err := io.Copy(io.Discard, c.Body())
				return err
			}, tako.Timeout(100*time.Millisecond))
			s := start(t, app, tako.Limits{BodyTimeout: 3 * time.Second})
			c := dial(t, s)
			c.post("/", framing, begin)
			c.answer(http.StatusServiceUnavailable)
			c.rest()
			assert.Eventually(t, patience, "the connection is gone", func() bool { return s.Stats().Conns == 0 })
		}
	}
	together(t, map[string]func(t *testing.T){
		"short":   ends("Content-Length: 100", ""),
		"begun":   ends("Content-Length: 100", "abc"),
		"long":    ends("Content-Length: 100000", ""),
		"chunked": ends("Transfer-Encoding: chunked", ""),
	})
}

// full duplex, a malformed chunk, and what follows it has been read ahead.
func TestFullDuplexMalformed(t *testing.T) {
	t.Parallel()
	const smuggled = "GET /admin HTTP/1.1\r\nHost: a.example\r\n\r\n"
	malformed := func(read, oneSegment bool) func(t *testing.T) {
		return func(t *testing.T) {
			app := tako.New()
			var hits atomic.Int32
			app.Get("/admin", func(c *tako.Context) error { hits.Add(1); return c.Text(http.StatusOK, "admin") })
			app.Post("/", func(c *tako.Context) error {
				if err := c.EnableFullDuplex(); err != nil {
					return err
				}
				if read {
					_, _ = io.Copy(io.Discard, c.Body())
				}
				return c.Text(http.StatusOK, "done")
			})
			c := dial(t, start(t, app, tako.Limits{}))
			if oneSegment {
				c.post("/", "Transfer-Encoding: chunked", "zz\r\n"+smuggled)
				c.answer(http.StatusOK)
			} else {
				c.post("/", "Transfer-Encoding: chunked", "zz\r\n")
				c.answer(http.StatusOK)
				_, _ = io.WriteString(c, smuggled)
			}
			c.rest()
			assert.Equal(t, hits.Load(), int32(0), "requests made of the body")
		}
	}
	together(t, map[string]func(t *testing.T){
		"read, one segment":   malformed(true, true),
		"unread, one segment": malformed(false, true),
		"read, two":           malformed(true, false),
		"unread, two":         malformed(false, false),
	})
}

// a far read deadline on a hijacked connection ends its reads for ever.
func TestHijackDeadlineAgain(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 2)
	s := start(t, upgrade(func(conn net.Conn, rw *bufio.ReadWriter) {
		for _, at := range []time.Time{time.Now().Add(2500 * time.Millisecond), {}} {
			_ = conn.SetReadDeadline(at)
			_, err := rw.ReadByte()
			ended <- err
		}
	}, nil), tako.Limits{})
	c := dial(t, s)
	c.upgraded("GET" + upgrading + "\r\n")
	assert.ErrorIs(t, <-ended, os.ErrDeadlineExceeded)
	_, _ = io.WriteString(c, "x")
	assert.NoError(t, <-ended, "after the deadline was taken back")
}

// the first bytes of the next request came with, or while, the request before.
func TestBegunHeadPipelined(t *testing.T) {
	t.Parallel()
	app := hello()
	entered, release := make(chan struct{}), make(chan struct{})
	app.Get("/wait", func(c *tako.Context) error {
		close(entered)
		<-release
		return c.Text(http.StatusOK, "waited")
	})
	s := start(t, app, tako.Limits{HeaderTimeout: 3 * short, IdleTimeout: tako.NoLimit})
	together(t, map[string]func(t *testing.T){
		"while a handler runs": func(t *testing.T) {
			c := dial(t, s)
			c.get("/wait")
			<-entered
			c.send("G")
			c.silent(1200 * time.Millisecond)
			close(release)
			c.answer(http.StatusOK)
			c.rest()
		},
	})
}

// heads of kept-alive requests may be 4 KiB longer than HeaderBytes.
func TestHeaderBytesKept(t *testing.T) {
	t.Parallel()
	s := start(t, hello(), tako.Limits{HeaderBytes: 5000})
	c := dial(t, s)
	c.get("/")
	c.answer(http.StatusOK)
	c.send("GET / HTTP/1.1\r\nHost: a.example\r\nX-Long: " + strings.Repeat("a", 8500) + "\r\n\r\n")
	c.answer(http.StatusRequestHeaderFieldsTooLarge)
}
