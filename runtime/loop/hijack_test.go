package loop_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

const switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

const upgrading = " / HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: echo\r\n"

// upgrader makes of each request a raw connection that use has for itself; the
// handler returns result.
func upgrader(w way, use func(conn net.Conn, rw *bufio.ReadWriter), result error) *tako.Router {
	app := greeterAt(w, "/hello")
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
	app.Get("/", handler, w.opts...)
	app.Post("/", handler, w.opts...)
	return app
}

func greeterAt(w way, path string) *tako.Router {
	app := tako.New()
	app.Get(path, func(c *tako.Context) error { return c.Text(http.StatusOK, "hello") }, w.opts...)
	return app
}

func echoing(conn net.Conn, rw *bufio.ReadWriter) { _, _ = io.Copy(conn, rw) }

// A connection that was taken over belongs to the handler, with all bytes that came,
// and to no limit of the server.
func TestHijackEcho(t *testing.T) {
	t.Parallel()
	const withBody = "POST" + upgrading + "Content-Length: 5\r\n\r\n"
	const strict = 3 * soon // the request must have come by then, on a busy machine too
	tight := tako.Limits{HeaderTimeout: strict, BodyTimeout: strict, IdleTimeout: strict, WriteTimeout: strict, MinBodyRate: 1 << 20}
	many := strings.Repeat("hello", 30_000)
	type test struct {
		name, raw, early string
		limits           tako.Limits
		result           error
	}
	tests := []test{
		{"no body", "GET" + upgrading + "\r\n", "", tako.Limits{}, nil},
		{"no body, failed", "GET" + upgrading + "\r\n", "", tako.Limits{}, errors.New("failed later")},
		{"early bytes", "GET" + upgrading + "\r\nearly", "early", tako.Limits{}, nil},
		{"many early bytes", "GET" + upgrading + "\r\n" + many, many, tako.Limits{}, nil},
		{"behind others", asking("/hello") + asking("/hello") + "GET" + upgrading + "\r\nearly", "early", tako.Limits{}, nil},
		{"unread body", withBody + "hello", "hello", tako.Limits{}, nil},
		{"unread body, failed", withBody + "hello", "hello", tako.Limits{}, errors.New("failed later")},
		{"unread body, tight", withBody + "hello", "hello", tight, nil},
		{"unfinished body", withBody + "hel", "hel", tako.Limits{}, nil},
		{"unfinished body, tight", withBody + "hel", "hel", tight, nil},
		{"no body, tight", "GET" + upgrading + "\r\n", "", tight, nil},
		{"body and more", withBody + many, many, tako.Limits{}, nil},
	}
	inWays(t, everyWay, func(t *testing.T, w way) {
		sideBySide(t, tests, func(tt test) string { return tt.name }, func(t *testing.T, tt test) {
			s := w.limited(t, upgrader(w, echoing, tt.result), tt.limits)
			c := reach(t, s)
			go func() { _, _ = io.WriteString(c, tt.raw) }()
			for range strings.Count(tt.raw, "/hello") {
				assert.Equal(t, c.answer(200), "hello")
			}
			c.takes(switched)
			c.takes(tt.early)
			c.silent(1500 * time.Millisecond)
			c.send("ping")
			c.takes("ping")
			assert.Equal(t, s.Stats().TimedOut, int64(0), "timed out")
			assert.Equal(t, s.Stats().Conns, int64(1), "connections")
			halfClose(t, c)
			assert.Equal(t, c.rest(), "")
			assert.Eventually(t, enough, "the connection is gone", func() bool { return s.Stats().Conns == 0 })
		})
	})
}

// The one who took a connection over sets its deadlines.
func TestHijackDeadline(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		for _, req := range []string{"GET" + upgrading + "\r\n", "POST" + upgrading + "Content-Length: 10\r\n\r\n"} {
			ended := make(chan error, 2)
			took := make(chan time.Duration, 1)
			s := w.limited(t, upgrader(w, func(conn net.Conn, rw *bufio.ReadWriter) {
				began := time.Now()
				_ = conn.SetDeadline(began.Add(soon))
				_, err := rw.ReadByte()
				took <- time.Since(began)
				ended <- err
				_ = conn.SetDeadline(time.Time{})
				_, err = rw.ReadByte()
				ended <- err
			}, nil), tako.Limits{})
			c := reach(t, s)
			c.send(req)
			c.takes(switched)
			assert.ErrorIs(t, await(t, "the deadline", ended), os.ErrDeadlineExceeded)
			if d := <-took; d < soon || d > soon+enough/2 {
				t.Errorf("ended after %v, want soon after %v", d, soon)
			}
			c.send("x")
			assert.NoError(t, await(t, "the byte", ended), "after the deadline was taken back")
			c.rest()
		}
	})
}

// The place of a connection is given back once, when it is closed.
func TestHijackPlace(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		conns := make(chan net.Conn, 1)
		s := w.limited(t, upgrader(w, func(conn net.Conn, rw *bufio.ReadWriter) {
			conns <- conn
			echoing(conn, rw)
			_ = conn.Close()
		}, nil), tako.Limits{Conns: 1})
		for range 5 {
			c := reach(t, s)
			c.send("GET" + upgrading + "\r\n")
			c.takes(switched)
			conn := <-conns
			if conn.RemoteAddr().String() != c.LocalAddr().String() || conn.LocalAddr().String() != c.RemoteAddr().String() {
				t.Errorf("got addresses %v, %v", conn.RemoteAddr(), conn.LocalAddr())
			}
			waiting := reach(t, s)
			waiting.send(asking("/hello"))
			waiting.silent(50 * time.Millisecond)
			assert.Equal(t, s.Stats().Conns, int64(1))
			assert.NoError(t, conn.Close())
			_ = conn.Close()
			assert.Equal(t, waiting.answer(200), "hello")
			assert.Equal(t, s.Stats().Conns, int64(1))
			_ = waiting.Close()
			assert.Eventually(t, enough, "the connection is gone", func() bool { return s.Stats().Conns == 0 })
		}
	})
}

// What was taken over once cannot be taken again, nor written to.
func TestHijackTwice(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		for _, req := range []string{"GET" + upgrading + "\r\n", "POST" + upgrading + "Content-Length: 10\r\n\r\n"} {
			app := tako.New()
			results := make(chan error, 5)
			handler := func(c *tako.Context) error {
				conn, _, err := c.Hijack()
				results <- err
				if err != nil {
					return err
				}
				defer conn.Close()
				_, _, err = c.Hijack()
				results <- err
				results <- c.Text(200, "late")
				_, err = c.WriteString("late")
				results <- err
				results <- c.Flush()
				_, err = io.WriteString(conn, switched)
				return err
			}
			app.Get("/", handler, w.opts...)
			app.Post("/", handler, w.opts...)
			s := w.limited(t, app, tako.Limits{})
			c := reach(t, s)
			c.send(req)
			assert.NoError(t, await(t, "the connection", results))
			for _, what := range []string{"Hijack", "Text", "WriteString", "Flush"} {
				if err := await(t, what, results); err == nil {
					t.Errorf("%s behind Hijack: got no error", what)
				}
			}
			assert.Equal(t, c.rest(), switched)
			assert.Eventually(t, enough, "the connection is gone", func() bool { return s.Stats().Conns == 0 })
		}
	})
}

// A handler that writes cannot take the connection over any more; early hints do no
// harm.
func TestHijackLate(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		app := tako.New()
		app.Get("/late", func(c *tako.Context) error {
			if err := c.WriteHead(200); err != nil {
				return err
			}
			if _, _, err := c.Hijack(); err == nil {
				t.Error("behind the head: got no error")
			}
			_, err := c.WriteString("goes on")
			return err
		}, w.opts...)
		app.Get("/hints", func(c *tako.Context) error {
			if err := c.EarlyHints("</a.css>; rel=preload"); err != nil {
				return err
			}
			conn, _, err := c.Hijack()
			if err != nil {
				return err
			}
			defer conn.Close()
			_, err = io.WriteString(conn, switched)
			return err
		}, w.opts...)
		s := w.limited(t, app, tako.Limits{})
		c := reach(t, s)
		c.send(asking("/late") + asking("/late"))
		assert.Equal(t, c.answer(200), "goes on")
		assert.Equal(t, c.answer(200), "goes on")
		c.send(asking("/late") + asking("/hints"))
		assert.Equal(t, c.answer(200), "goes on")
		resp, _, err := c.respond("GET")
		assert.NoError(t, err)
		assert.Equal(t, resp.StatusCode, http.StatusEarlyHints)
		assert.Equal(t, c.rest(), switched)
	})
}

// A drain waits for connections that were taken over, and cuts them in the end.
func TestHijackShutdown(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		requests := []string{"GET" + upgrading + "\r\n", "POST" + upgrading + "Content-Length: 5\r\n\r\nhello", "POST" + upgrading + "Content-Length: 50\r\n\r\nhello"}
		t.Run("cut", func(t *testing.T) {
			s := w.limited(t, upgrader(w, echoing, nil), tako.Limits{})
			for _, req := range requests {
				c := reach(t, s)
				c.send(req)
				c.takes(switched)
			}
			report, err := s.Shutdown(overContext())
			assert.Equal(t, report.Cut, 3, "cut")
			if err == nil {
				t.Error("got no error of the context")
			}
			assert.Eventually(t, enough, "the connections are gone", func() bool { return s.Stats().Conns == 0 })
		})
		t.Run("waits", func(t *testing.T) {
			app := upgrader(w, echoing, nil)
			drains := make(chan (<-chan struct{}), 1)
			app.Get("/drains", func(c *tako.Context) error { drains <- c.Draining(); return c.NoContent() }, w.opts...)
			s := w.limited(t, app, tako.Limits{})
			c := reach(t, s)
			c.send(asking("/drains"))
			c.answer(http.StatusNoContent)
			c.send(requests[0])
			c.takes(switched)
			done := make(chan tako.Report, 1)
			go func() {
				report, err := s.Shutdown(t.Context())
				if err != nil {
					t.Error(err)
				}
				done <- report
			}()
			await(t, "the drain to begin", <-drains)
			c.send("ping")
			c.takes("ping")
			select {
			case <-done:
				t.Error("the drain has not waited")
			default:
			}
			_ = c.Close()
			report := await(t, "the drain", done)
			assert.Equal(t, report.Drained, 1, "drained")
			assert.Equal(t, report.Cut, 0, "cut")
		})
		t.Run("meanwhile", func(t *testing.T) {
			entered := make(chan struct{}, 2)
			app := tako.New()
			handler := func(c *tako.Context) error {
				entered <- struct{}{}
				<-c.Draining()
				conn, rw, err := c.Hijack()
				if err != nil {
					return err
				}
				_, _ = io.WriteString(conn, switched)
				go func() {
					defer conn.Close()
					echoing(conn, rw)
				}()
				return nil
			}
			app.Get("/", handler, w.opts...)
			app.Post("/", handler, w.opts...)
			s := w.limited(t, app, tako.Limits{})
			a, b := reach(t, s), reach(t, s)
			a.send(requests[0])
			b.send(requests[2])
			<-entered
			<-entered
			done := make(chan tako.Report, 1)
			go func() {
				report, _ := s.Shutdown(t.Context())
				done <- report
			}()
			a.takes(switched)
			b.takes(switched)
			a.send("ping")
			a.takes("ping")
			_, _ = a.Close(), b.Close()
			report := await(t, "the drain", done)
			assert.Equal(t, report.Drained, 2, "drained")
		})
	})
}

// A handler that takes its connection over when the server has ended gets an error
// or a connection that is closed, and nothing hangs.
func TestHijackAfterCut(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		entered, release, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
		app := tako.New()
		app.Get("/", func(c *tako.Context) error {
			defer close(ended)
			close(entered)
			<-release
			conn, _, err := c.Hijack()
			if err != nil {
				return err
			}
			defer conn.Close()
			_, err = conn.Read(make([]byte, 1))
			if err == nil {
				t.Error("the connection lives")
			}
			return nil
		}, w.opts...)
		s := w.limited(t, app, tako.Limits{})
		c := reach(t, s)
		c.send("GET" + upgrading + "\r\n")
		<-entered
		report, _ := s.Shutdown(overContext())
		assert.Equal(t, report.Cut, 1, "cut")
		close(release)
		await(t, "the handler", ended)
		c.rest()
		assert.Eventually(t, enough, "the connection is gone", func() bool { return s.Stats().Conns == 0 })
	})
}

// A proxy of net/http passes upgrades on.
func TestHijackReverseProxy(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		behind := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Upgrade") == "" {
				_, _ = io.Copy(rw, r.Body)
				return
			}
			conn, brw, err := rw.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, switched)
			_, _ = io.Copy(conn, brw)
		}))
		defer behind.Close()
		target, err := url.Parse(behind.URL)
		assert.NoError(t, err)
		proxy := httputil.NewSingleHostReverseProxy(target)
		app := tako.New()
		app.Any("/{rest...}", tako.HTTP(proxy), w.opts...)
		s := w.limited(t, app, tako.Limits{})
		c := reach(t, s)
		c.send(posting("/echo", "Content-Length: 5", "hello"))
		assert.Equal(t, c.answer(200), "hello")
		c.send("GET" + upgrading + "\r\n")
		assert.NoError(t, c.SetReadDeadline(time.Now().Add(enough)))
		resp, err := http.ReadResponse(c.in, nil)
		assert.NoError(t, err)
		assert.Equal(t, resp.StatusCode, http.StatusSwitchingProtocols)
		for _, text := range []string{"ping", strings.Repeat("pong", 50_000)} {
			go func() { _, _ = io.WriteString(c, text) }()
			c.takes(text)
		}
		_ = c.Close()
		assert.Eventually(t, enough, "the connection is gone", func() bool { return s.Stats().Conns == 0 })
	})
}
