package std_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// An answer that does not wait for the body leaves a client that never sends it no
// connection to hold.
func TestUnreadBody(t *testing.T) {
	t.Parallel()
	app := hello()
	app.Post("/", func(c *tako.Context) error { return c.Text(http.StatusOK, "unread") })
	s := start(t, app, tako.Limits{TargetBytes: 20, HeaderFields: 5})
	unread := func(head string, status int) func(t *testing.T) {
		return func(t *testing.T) {
			c := dial(t, s)
			c.send(head + "\r\n")
			assert.Contains(t, c.rest(), fmt.Sprintf("HTTP/1.1 %d ", status))
		}
	}
	const host, length, chunked = "Host: a.example\r\n", "Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"
	together(t, map[string]func(t *testing.T){
		"target":             unread(`POST /a\b HTTP/1.1`+"\r\n"+host+length, http.StatusBadRequest),
		"target, chunked":    unread(`POST /a\b HTTP/1.1`+"\r\n"+host+chunked, http.StatusBadRequest),
		"host":               unread("POST / HTTP/1.1\r\nHost: a:b:c\r\n"+length, http.StatusBadRequest),
		"long target":        unread("POST /0123456789abcdefghij HTTP/1.1\r\n"+host+length, http.StatusRequestURITooLong),
		"fields":             unread("POST / HTTP/1.1\r\n"+host+length+strings.Repeat("A: b\r\n", 6), http.StatusRequestHeaderFieldsTooLarge),
		"expectation":        unread("POST / HTTP/1.1\r\n"+host+length+"Expect: more\r\n", http.StatusExpectationFailed),
		"handler":            unread("POST / HTTP/1.1\r\n"+host+length, http.StatusOK),
		"handler, chunked":   unread("POST / HTTP/1.1\r\n"+host+chunked, http.StatusOK),
		"handler, not found": unread("POST /no HTTP/1.1\r\n"+host+length, http.StatusNotFound),
	})
	assert.Eventually(t, patience, "all connections are gone", func() bool { return s.Stats().Conns == 0 })
}

// With full duplex nobody reads the rest of the body before the head is sent. What
// comes of it late is not the next request.
func TestFullDuplexRest(t *testing.T) {
	t.Parallel()
	const smuggled = "GET /admin HTTP/1.1\r\nHost: a.example\r\n\r\n"
	length := fmt.Sprintf("Content-Length: %d", len(smuggled))
	rest := func(limits tako.Limits, framing, begin string, read bool, status int) func(t *testing.T) {
		return func(t *testing.T) {
			app := tako.New()
			var hits atomic.Int32
			app.Get("/admin", func(c *tako.Context) error { hits.Add(1); return c.Text(http.StatusOK, "admin") })
			app.Post("/", func(c *tako.Context) error {
				if err := c.EnableFullDuplex(); err != nil {
					return err
				}
				if read {
					if _, err := io.Copy(io.Discard, c.Body()); err != nil {
						return err
					}
				}
				return c.Text(http.StatusOK, "done")
			})
			c := dial(t, start(t, app, limits))
			c.post("/", framing, begin)
			c.answer(status)
			assert.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
			if _, err := c.in.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
				return
			}
			t.Errorf("open after %v", patience)
			c.send(smuggled)
			assert.NoError(t, c.SetReadDeadline(time.Now().Add(time.Second)))
			if _, err := c.in.Peek(1); err == nil || hits.Load() > 0 {
				t.Error("the rest of the body was served as a request")
			}
		}
	}
	together(t, map[string]func(t *testing.T){
		"unread":           rest(tako.Limits{}, length, "", false, http.StatusOK),
		"unread, rest":     rest(tako.Limits{}, length, smuggled[:1], false, http.StatusOK),
		"unread chunked":   rest(tako.Limits{}, "Transfer-Encoding: chunked", "", false, http.StatusOK),
		"body timeout":     rest(tako.Limits{BodyTimeout: short}, length, "", true, http.StatusRequestTimeout),
		"body rate":        rest(tako.Limits{MinBodyRate: 1 << 20}, length, "", true, http.StatusRequestTimeout),
		"malformed":        rest(tako.Limits{}, "Transfer-Encoding: chunked", "zz\r\n", true, http.StatusBadRequest),
		"unread malformed": rest(tako.Limits{}, "Transfer-Encoding: chunked", "zz\r\n", false, http.StatusOK),
	})
}

// A handler that timed out still has the body of its request. Its reads say nothing
// of the next one.
func TestLateRead(t *testing.T) {
	t.Parallel()
	late := func(early bool) func(t *testing.T) {
		return func(t *testing.T) {
			app := tako.New()
			next, ended := make(chan struct{}), make(chan struct{})
			app.Post("/timeout", func(c *tako.Context) error {
				var body io.Reader
				if early {
					body = c.Body()
				}
				<-next
				if !early {
					body = c.Body()
				}
				again := time.NewTicker(short / 30)
				defer again.Stop()
				for {
					select {
					case <-again.C:
						_, _ = body.Read(make([]byte, 10))
					case <-ended:
						return nil
					}
				}
			}, tako.Timeout(short/3))
			app.Post("/next", func(c *tako.Context) error {
				close(next)
				defer close(ended)
				_, err := io.Copy(io.Discard, c.Body())
				return err
			})
			c := dial(t, start(t, app, tako.Limits{BodyTimeout: short}))
			c.post("/timeout", "Content-Length: 5", "hello")
			c.answer(http.StatusServiceUnavailable)
			c.post("/next", "Content-Length: 5", "")
			c.answer(http.StatusRequestTimeout)
			c.rest()
		}
	}
	together(t, map[string]func(t *testing.T){"body asked for early": late(true), "body asked for late": late(false)})
}

// The answer to a timeout does not wait until the handler's read of the body ends.
func TestTimeoutBesideRead(t *testing.T) {
	t.Parallel()
	app := tako.New()
	app.Post("/", func(c *tako.Context) error {
		_, err := io.Copy(io.Discard, c.Body())
		return err
	}, tako.Timeout(100*time.Millisecond))
	s := start(t, app, tako.Limits{})
	beside := func(framing, begin string) func(t *testing.T) {
		return func(t *testing.T) {
			c := dial(t, s)
			began := time.Now()
			c.post("/", framing, begin)
			assert.NoError(t, c.SetReadDeadline(began.Add(patience)))
			line, err := c.in.ReadString('\n')
			assert.NoError(t, err)
			assert.Contains(t, line, "503")
			if took := time.Since(began); took > 4*time.Second { // before the body is too slow
				t.Errorf("answered after %v, want soon after 100ms", took)
			}
		}
	}
	together(t, map[string]func(t *testing.T){
		"short":   beside("Content-Length: 100", ""),
		"begun":   beside("Content-Length: 100", "abc"),
		"long":    beside("Content-Length: 100000", ""),
		"chunked": beside("Transfer-Encoding: chunked", ""),
	})
}

// Deadlines that a handler sets itself hold precisely, however near or far.
func TestReadDeadline(t *testing.T) {
	t.Parallel()
	reads := func(set func(c *tako.Context) error, least, most time.Duration) func(t *testing.T) {
		return func(t *testing.T) {
			app := tako.New()
			type end struct {
				took time.Duration
				err  error
			}
			ended := make(chan end, 1)
			app.Post("/", func(c *tako.Context) error {
				if err := set(c); err != nil {
					return err
				}
				began := time.Now()
				_, err := io.Copy(io.Discard, c.Body())
				ended <- end{time.Since(began), err}
				return c.Text(http.StatusOK, "done")
			})
			c := dial(t, start(t, app, tako.Limits{}))
			c.post("/", "Content-Length: 5", "he")
			if least == 0 { // the deadline was taken back
				c.silent(most)
				c.send("llo")
				assert.Equal(t, c.answer(http.StatusOK), "done")
				assert.NoError(t, (<-ended).err)
				return
			}
			got := <-ended
			assert.ErrorIs(t, got.err, os.ErrDeadlineExceeded)
			if got.took < least-20*time.Millisecond || got.took > most {
				t.Errorf("ended after %v, want from %v to %v", got.took, least, most)
			}
			c.answer(http.StatusOK)
			c.rest()
		}
	}
	in := func(ahead ...time.Duration) func(c *tako.Context) error {
		return func(c *tako.Context) error {
			for _, d := range ahead {
				at := time.Now().Add(d)
				if d == 0 {
					at = time.Time{}
				}
				if err := c.SetReadDeadline(at); err != nil {
					return err
				}
			}
			return nil
		}
	}
	const near, far = 50 * time.Millisecond, 2500 * time.Millisecond
	together(t, map[string]func(t *testing.T){
		"near":            reads(in(near), near, far-near),
		"far":             reads(in(far), far, patience/2),
		"nearer":          reads(in(far, near), near, far-near),
		"farther":         reads(in(near, far), far, patience/2),
		"passed":          reads(in(-near), time.Nanosecond, far-near),
		"near taken back": reads(in(near, 0), 0, 500*time.Millisecond),
		"far taken back":  reads(in(far, 0), 0, far+time.Second),
		"past taken back": reads(in(-near, 0), 0, 500*time.Millisecond),
	})
}
