package std_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

const switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

// upgrade makes of each request a raw connection that use has for itself; the
// handler returns result.
func upgrade(use func(conn net.Conn, rw *bufio.ReadWriter), result error) *tako.Router {
	app := tako.New()
	handler := func(c *tako.Context) error {
		conn, rw, err := c.Hijack()
		if err != nil {
			return err
		}
		if _, err := io.WriteString(conn, switched); err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			use(conn, rw)
		}()
		return result
	}
	app.Get("/", handler)
	app.Post("/", handler)
	return app
}

const upgrading = " / HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: echo\r\n"

// upgraded sends the request and reads the head of the response to it.
func (c *client) upgraded(raw string) {
	c.t.Helper()
	c.send(raw)
	c.takes(switched)
}

func (c *client) takes(want string) {
	c.t.Helper()
	assert.NoError(c.t, c.SetReadDeadline(time.Now().Add(patience)))
	got := make([]byte, len(want))
	_, err := io.ReadFull(c.in, got)
	assert.NoError(c.t, err)
	assert.Equal(c.t, string(got), want)
}

func echo(conn net.Conn, rw *bufio.ReadWriter) { _, _ = io.Copy(conn, rw) }

// A connection that was taken over is left alone, whatever became of the request
// and its body.
func TestHijack(t *testing.T) {
	t.Parallel()
	hijack := func(raw, early string, limits tako.Limits, result error) func(t *testing.T) {
		return func(t *testing.T) {
			s := start(t, upgrade(echo, result), limits)
			c := dial(t, s)
			c.upgraded(raw)
			c.takes(early)
			c.silent(3500 * time.Millisecond)
			c.send("ping")
			c.takes("ping")
			assert.Equal(t, s.Stats().TimedOut, int64(0), "timed out")
			assert.Equal(t, s.Stats().Conns, int64(1), "connections")
			c.Close()
			assert.Eventually(t, patience, "the connection is gone", func() bool { return s.Stats().Conns == 0 })
		}
	}
	const withBody = "POST" + upgrading + "Content-Length: 5\r\n\r\n"
	const strict = 3 * short // the request must have come by then, on a busy machine too
	tight := tako.Limits{HeaderTimeout: strict, BodyTimeout: strict, IdleTimeout: strict, MinBodyRate: 1 << 20}
	failed := errors.New("failed later")
	many := strings.Repeat("hello", 200)
	together(t, map[string]func(t *testing.T){
		"no body":                hijack("GET"+upgrading+"\r\n", "", tako.Limits{}, nil),
		"no body, failed":        hijack("GET"+upgrading+"\r\n", "", tako.Limits{}, failed),
		"early bytes":            hijack("GET"+upgrading+"\r\nearly", "early", tako.Limits{}, nil),
		"unread body":            hijack(withBody+"hello", "hello", tako.Limits{}, nil),
		"unread body, failed":    hijack(withBody+"hello", "hello", tako.Limits{}, failed),
		"unread body, tight":     hijack(withBody+"hello", "hello", tight, nil),
		"unfinished body":        hijack(withBody+"hel", "hel", tako.Limits{}, nil),
		"unfinished body, tight": hijack(withBody+"hel", "hel", tight, nil),
		"no body, tight":         hijack("GET"+upgrading+"\r\n", "", tight, nil),
		"body and more":          hijack(withBody+many, many, tako.Limits{}, nil),
	})
}

// The one who took a connection over sets its deadlines.
func TestHijackDeadline(t *testing.T) {
	t.Parallel()
	const near, far = 50 * time.Millisecond, 2500 * time.Millisecond
	expires := func(ahead time.Duration, again bool) func(t *testing.T) {
		return func(t *testing.T) {
			ended := make(chan error, 2)
			took := make(chan time.Duration, 1)
			s := start(t, upgrade(func(conn net.Conn, rw *bufio.ReadWriter) {
				began := time.Now()
				_ = conn.SetDeadline(began.Add(ahead))
				_, err := rw.ReadByte()
				took <- time.Since(began)
				ended <- err
				if again {
					_ = conn.SetDeadline(time.Time{})
					_, err = rw.ReadByte()
					ended <- err
				}
			}, nil), tako.Limits{})
			c := dial(t, s)
			c.upgraded("GET" + upgrading + "\r\n")
			assert.ErrorIs(t, <-ended, os.ErrDeadlineExceeded)
			if d := <-took; d < ahead || d > ahead+patience/2 {
				t.Errorf("ended after %v, want soon after %v", d, ahead)
			}
			if again {
				c.send("x")
				assert.NoError(t, <-ended, "after the deadline was taken back")
			}
			c.rest()
		}
	}
	together(t, map[string]func(t *testing.T){
		"near":            expires(near, false),
		"far":             expires(far, false),
		"near taken back": expires(near, true),
		"far taken back":  expires(far, true),
	})
}

// A drain waits for connections that were taken over, and cuts them in the end.
func TestHijackShutdown(t *testing.T) {
	t.Parallel()
	s := start(t, upgrade(echo, nil), tako.Limits{})
	for _, body := range []string{"\r\n", "Content-Length: 5\r\n\r\nhello"} {
		method := "GET"
		if len(body) > 2 {
			method = "POST"
		}
		dial(t, s).upgraded(method + upgrading + body)
	}
	report, err := s.Shutdown(over())
	assert.Equal(t, report.Cut, 2, "cut")
	if err == nil {
		t.Error("got no error of the context")
	}
	assert.Eventually(t, patience, "the connections are gone", func() bool { return s.Stats().Conns == 0 })
}
