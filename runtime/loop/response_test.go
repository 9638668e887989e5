package loop_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// head is a response without its Date.
func headOf(raw string) string {
	head, _, _ := strings.Cut(raw, "\r\n\r\n")
	var kept []string
	for line := range strings.SplitSeq(head, "\r\n") {
		if !strings.HasPrefix(line, "Date: ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "|")
}

// answering is an app with one handler for all requests.
func answering(w way, h tako.Handler) *tako.Router {
	app := tako.New()
	app.Any("/", h, w.opts...)
	app.Get("/next", func(c *tako.Context) error { return c.Text(200, "next") }, w.opts...)
	return app
}

// The exact bytes of responses.
func TestResponseBytes(t *testing.T) {
	t.Parallel()
	hello := func(c *tako.Context) error { return c.Text(200, "hello") }
	stream := func(c *tako.Context) error {
		for _, part := range []string{"one", "two", "three"} {
			if _, err := c.WriteString(part); err != nil {
				return err
			}
		}
		return nil
	}
	flushing := func(c *tako.Context) error {
		for _, part := range []string{"one", "two"} {
			if _, err := c.WriteString(part); err != nil {
				return err
			}
			if err := c.Flush(); err != nil {
				return err
			}
		}
		return nil
	}
	status := func(status int) tako.Handler {
		return func(c *tako.Context) error {
			if err := c.WriteHead(status); err != nil {
				return err
			}
			_, err := c.WriteString("dropped")
			return err
		}
	}
	fields := func(pairs ...string) tako.Handler {
		return func(c *tako.Context) error {
			for i := 0; i < len(pairs); i += 2 {
				c.Header().Set(pairs[i], pairs[i+1])
			}
			return c.Text(200, "hello")
		}
	}
	const plain = "|Content-Type: text/plain; charset=utf-8"
	type test struct {
		name    string
		handler tako.Handler
		line    string // of the request
		field   string
		head    string
		body    string
		closes  bool
	}
	tests := []test{
		{"length", hello, "GET / HTTP/1.1", "", "HTTP/1.1 200 OK" + plain + "|Content-Length: 5", "hello", false},
		{"head", hello, "HEAD / HTTP/1.1", "", "HTTP/1.1 200 OK" + plain + "|Content-Length: 5", "", false},
		{"client closes", hello, "GET / HTTP/1.1", "Connection: close", "HTTP/1.1 200 OK" + plain + "|Content-Length: 5|Connection: close", "hello", true},
		{"1.0", hello, "GET / HTTP/1.0", "", "HTTP/1.1 200 OK" + plain + "|Content-Length: 5|Connection: close", "hello", true},
		{"1.0 kept", hello, "GET / HTTP/1.0", "Connection: keep-alive", "HTTP/1.1 200 OK" + plain + "|Content-Length: 5|Connection: keep-alive", "hello", false},
		{"stream", stream, "GET / HTTP/1.1", "", "HTTP/1.1 200 OK|Transfer-Encoding: chunked", "", false},
		{"stream, head", stream, "HEAD / HTTP/1.1", "", "HTTP/1.1 200 OK", "", false},
		{"stream, 1.0", stream, "GET / HTTP/1.0", "Connection: keep-alive", "HTTP/1.1 200 OK|Connection: close", "onetwothree", true},
		{"flush", flushing, "GET / HTTP/1.1", "", "HTTP/1.1 200 OK|Transfer-Encoding: chunked", "0003\r\none\r\n0003\r\ntwo\r\n0\r\n\r\n", false},
		{"flush, head", flushing, "HEAD / HTTP/1.1", "", "HTTP/1.1 200 OK", "", false},
		{"204", status(204), "GET / HTTP/1.1", "", "HTTP/1.1 204 No Content", "", false},
		{"304", status(304), "GET / HTTP/1.1", "", "HTTP/1.1 304 Not Modified", "", false},
		{"unknown status", func(c *tako.Context) error { return c.Text(799, "x") }, "GET / HTTP/1.1", "", "", "x", false},
		{"close", fields("Connection", "close"), "GET / HTTP/1.1", "", "HTTP/1.1 200 OK" + plain + "|Content-Length: 5|Connection: close", "hello", true},
		{"close and more", fields("Connection", "X-Hop, Close"), "GET / HTTP/1.1", "", "", "hello", true},
		{"own framing", fields("Transfer-Encoding", "chunked", "Content-Length", "99", "Keep-Alive", "timeout=1"), "GET / HTTP/1.1", "", "HTTP/1.1 200 OK" + plain + "|Content-Length: 5", "hello", false},
		{"keep-alive set", fields("Connection", "keep-alive"), "GET / HTTP/1.1", "Connection: close", "HTTP/1.1 200 OK" + plain + "|Content-Length: 5|Connection: close", "hello", true},
	}
	inWays(t, everyWay, func(t *testing.T, w way) {
		sideBySide(t, tests, func(tt test) string { return tt.name }, func(t *testing.T, tt test) {
			s := w.limited(t, answering(w, tt.handler), tako.Limits{})
			c := reach(t, s)
			field := tt.field
			if field != "" {
				field += "\r\n"
			}
			c.send(tt.line + "\r\nHost: a.example\r\n" + field + "\r\n" + "GET /next HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
			got, err := c.toEnd()
			assert.NoError(t, err, "end of the connection")
			head, body, _ := strings.Cut(got, "\r\n\r\n")
			if tt.head != "" {
				assert.Equal(t, headOf(head), tt.head)
			}
			if strings.Count(head, "\r\nDate: ") != 1 {
				t.Errorf("got %q, want one Date", head)
			}
			if tt.name == "stream" { // how it is cut is free
				body = strings.Replace(body, "000b\r\nonetwothree\r\n0\r\n\r\n", "", 1)
			}
			if tt.closes {
				assert.Equal(t, body, tt.body)
				return
			}
			before, next, ok := strings.Cut(body, "HTTP/1.1 200 OK\r\n")
			if !ok || !strings.HasSuffix(next, "\r\n\r\nnext") {
				t.Errorf("got %q, want the next response", body)
			}
			assert.Equal(t, before, tt.body)
		})
	})
}

// An own Date stays.
func TestResponseDate(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		const own = "Sun, 06 Nov 1994 08:49:37 GMT"
		s := w.limited(t, answering(w, func(c *tako.Context) error {
			if c.RawQuery() == "own" {
				c.Header().Set("Date", own)
			}
			return c.Text(200, "x")
		}), tako.Limits{})
		c := reach(t, s)
		c.send(asking("/?own") + asking("/"))
		resp, _, err := c.respond("GET")
		assert.NoError(t, err)
		assert.Equal(t, resp.Header["Date"], []string{own})
		resp, _, err = c.respond("GET")
		assert.NoError(t, err)
		at, err := http.ParseTime(resp.Header.Get("Date"))
		assert.NoError(t, err)
		if d := time.Since(at); d < -time.Second || d > 3*time.Second {
			t.Errorf("got a Date %v ago", d)
		}
	})
}

// Bodies of all sizes by all calls arrive whole, pipelined and at a slow reader.
func TestResponseBodies(t *testing.T) {
	t.Parallel()
	sizes := []int{0, 1, 1000, 16<<10 - 1, 16 << 10, 16<<10 + 1, 32 << 10, 64 << 10, 64<<10 + 1, 100_000, 3 << 20}
	if testing.Short() {
		sizes = []int{0, 1000, 64<<10 + 1, 3 << 20}
	}
	file := func(t *testing.T, size int) string {
		name := filepath.Join(t.TempDir(), "file")
		assert.NoError(t, os.WriteFile(name, []byte(pattern(size)), 0o600))
		return name
	}
	type test struct {
		name  string
		write func(c *tako.Context, text, file string) error
	}
	parts := func(text string, size int) [][]byte {
		var all [][]byte
		for len(text) > 0 {
			n := min(size, len(text))
			all = append(all, []byte(text[:n]))
			text = text[n:]
		}
		return all
	}
	written := func(size int, flush bool) func(c *tako.Context, text, _ string) error {
		return func(c *tako.Context, text, _ string) error {
			for i, p := range parts(text, size) {
				if _, err := c.Write(p); err != nil {
					return err
				}
				clear(p) // it was taken
				if flush && i%10 == 0 {
					if err := c.Flush(); err != nil {
						return err
					}
				}
			}
			return nil
		}
	}
	opened := func(limit int64, hide bool) func(c *tako.Context, text, file string) error {
		return func(c *tako.Context, text, file string) error {
			f, err := os.Open(file)
			if err != nil {
				return err
			}
			defer f.Close()
			var from io.Reader = f
			if limit > 0 {
				from = io.LimitReader(f, limit)
			}
			if hide {
				from = struct{ io.Reader }{from}
			}
			n, err := c.ReadFrom(from)
			if want := int64(len(text)); err == nil && n != want {
				err = fmt.Errorf("sent %d of %d", n, want)
			}
			return err
		}
	}
	tests := []test{
		{"bytes", func(c *tako.Context, text, _ string) error { return c.Bytes(200, "a/b", []byte(text)) }},
		{"writes of 100", written(100, false)},
		{"writes of 7000", written(7000, true)},
		{"writes of 20000", written(20000, false)},
		{"writes of 100000", written(100_000, true)},
		{"mixed", func(c *tako.Context, text, _ string) error {
			for i := 1; len(text) > 0; i = i * 3 % 50_021 {
				n := min(i, len(text))
				if _, err := c.WriteString(text[:n]); err != nil {
					return err
				}
				text = text[n:]
			}
			return nil
		}},
		{"buffers", func(c *tako.Context, text, _ string) error {
			bufs := net.Buffers(append(parts(text, 999), nil, []byte{}))
			n, err := c.WriteBuffers(bufs)
			if err == nil && n != int64(len(text)) {
				err = fmt.Errorf("sent %d of %d", n, len(text))
			}
			return err
		}},
		{"buffers and writes", func(c *tako.Context, text, _ string) error {
			for i, p := range parts(text, 30_000) {
				var err error
				if i%2 == 0 {
					_, err = c.WriteBuffers(net.Buffers(parts(string(p), 700)))
				} else {
					_, err = c.WriteString(string(p))
				}
				if err != nil {
					return err
				}
			}
			return nil
		}},
		{"file", opened(0, false)},
		{"limited file", opened(1<<40, false)},
		{"hidden file", opened(0, true)},
		{"File", func(c *tako.Context, _, file string) error { return c.File(file) }},
		{"pipe", func(c *tako.Context, text, _ string) error {
			r, pw, err := os.Pipe()
			if err != nil {
				return err
			}
			defer r.Close()
			go func() {
				defer pw.Close()
				_, _ = io.WriteString(pw, text)
			}()
			_, err = c.ReadFrom(r)
			return err
		}},
		{"stream", func(c *tako.Context, text, _ string) error {
			return c.Stream(200, "a/b", strings.NewReader(text))
		}},
	}
	inWays(t, everyWay, func(t *testing.T, w way) {
		sideBySide(t, tests, func(tt test) string { return tt.name }, func(t *testing.T, tt test) {
			texts, files := map[int]string{}, map[int]string{}
			for _, size := range sizes {
				texts[size], files[size] = pattern(size), file(t, size)
			}
			s := w.limited(t, answering(w, func(c *tako.Context) error {
				size, _ := strconv.Atoi(c.Query("size"))
				return tt.write(c, texts[size], files[size])
			}), tako.Limits{})
			c := reach(t, s)
			go func() {
				var all strings.Builder
				for _, size := range sizes {
					all.WriteString(asking("/?size="+strconv.Itoa(size)) + asking("/next"))
				}
				_, _ = io.WriteString(c, all.String())
			}()
			for _, size := range sizes {
				resp, got, err := c.respond("GET")
				assert.NoError(t, err, size)
				assert.Equal(t, resp.StatusCode, 200, size)
				if got != texts[size] {
					t.Fatalf("%d: got %d bytes that are others", size, len(got))
				}
				assert.Equal(t, c.answer(200), "next", size)
			}
			for _, size := range []int{1000, 3 << 20} {
				old := reach(t, s)
				old.send("GET /?size=" + strconv.Itoa(size) + " HTTP/1.0\r\n\r\n")
				assert.Equal(t, old.answer(200), texts[size], size, " over HTTP/1.0")
				heads := reach(t, s)
				heads.send("HEAD /?size=" + strconv.Itoa(size) + " HTTP/1.1\r\nHost: a.example\r\n\r\n" + asking("/next"))
				_, got, err := heads.respond("HEAD")
				assert.NoError(t, err)
				assert.Equal(t, got, "")
				assert.Equal(t, heads.answer(200), "next", size, " behind HEAD")
			}
		})
	})
}

// Early hints come at once, and trailers behind the body.
func TestResponseHintsAndTrailers(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		release := make(chan struct{}, 5)
		s := w.limited(t, answering(w, func(c *tako.Context) error {
			if err := c.EarlyHints("</a.css>; rel=preload", "</b.css>; rel=preload"); err != nil {
				return err
			}
			<-release
			if _, err := c.WriteString("hello"); err != nil {
				return err
			}
			c.Trailer().Set("X-Sum", "5")
			return nil
		}), tako.Limits{})
		c := reach(t, s)
		for range 2 {
			c.send(asking("/"))
			resp, _, err := c.respond("GET")
			assert.NoError(t, err)
			assert.Equal(t, resp.StatusCode, http.StatusEarlyHints)
			assert.Equal(t, resp.Header["Link"], []string{"</a.css>; rel=preload", "</b.css>; rel=preload"})
			release <- struct{}{}
			resp, got, err := c.respond("GET")
			assert.NoError(t, err)
			assert.Equal(t, got, "hello")
			assert.Equal(t, resp.Trailer.Get("X-Sum"), "5")
		}
		release <- struct{}{}
		old := reach(t, s)
		old.send("GET / HTTP/1.0\r\n\r\n")
		assert.Equal(t, old.answer(200), "hello")
	})
}

// A response that was broken off is seen to be: by its length, the missing last
// chunk, or a reset.
func TestResponseBroken(t *testing.T) {
	t.Parallel()
	const some = 1000
	failing := func(write func(c *tako.Context) error, fail func() error) tako.Handler {
		return func(c *tako.Context) error {
			if err := write(c); err != nil {
				return err
			}
			return fail()
		}
	}
	chunked := func(n int) func(c *tako.Context) error {
		return func(c *tako.Context) error {
			_, err := c.WriteString(strings.Repeat("x", n))
			return err
		}
	}
	declared := func(c *tako.Context) error {
		c.Header().Set("Content-Length", strconv.Itoa(2*some))
		return chunked(some)(c)
	}
	flushed := func(c *tako.Context) error {
		if err := chunked(some)(c); err != nil {
			return err
		}
		return c.Flush()
	}
	panics := func() error { panic(http.ErrAbortHandler) }
	boom := func() error { panic("boom") }
	fails := func() error { return errors.New("failed") }
	type test struct {
		name    string
		handler tako.Handler
		request string
	}
	var tests []test
	for _, fail := range []struct {
		name string
		fail func() error
	}{{"aborts", panics}, {"panics", boom}, {"fails", fails}} {
		for name, write := range map[string]func(*tako.Context) error{"chunked": chunked(some), "flushed": flushed, "declared": declared, "large": chunked(200_000)} {
			tests = append(tests,
				test{name + ", " + fail.name, failing(write, fail.fail), asking("/")},
				test{name + ", " + fail.name + ", 1.0", failing(write, fail.fail), "GET / HTTP/1.0\r\n\r\n"},
				test{name + ", " + fail.name + ", body unread", failing(write, fail.fail), posting("/", "Content-Length: 100", "abc")},
				test{name + ", " + fail.name + ", pipelined", failing(write, fail.fail), asking("/next") + asking("/") + asking("/next")})
		}
	}
	tests = append(tests, test{"short", declared, asking("/")}, test{"short, pipelined", declared, asking("/") + asking("/next")})
	inWays(t, everyWay, func(t *testing.T, w way) {
		sideBySide(t, tests, func(tt test) string { return tt.name }, func(t *testing.T, tt test) {
			s := w.limited(t, answering(w, tt.handler), tako.Limits{})
			c := reach(t, s)
			c.send(tt.request)
			if strings.HasPrefix(tt.request, "GET /next") {
				assert.Equal(t, c.answer(200), "next")
			}
			if strings.HasPrefix(tt.request, "GET / HTTP/1.0") && !strings.HasPrefix(tt.name, "declared") {
				if got, err := c.toEnd(); err == nil && strings.Contains(got, "200 OK") {
					t.Errorf("got %q and a plain end", cutText(got))
				}
				return
			}
			resp, body, err := c.respond("GET")
			switch {
			case err == nil && resp.StatusCode == 200:
				t.Errorf("got %q as a whole response", cutText(body))
			case errors.Is(err, os.ErrDeadlineExceeded):
				t.Errorf("got %v, want the end", err)
			}
			if resp == nil || resp.StatusCode == 200 {
				if got := c.rest(); got != "" {
					t.Errorf("got %q behind the broken response", cutText(got))
				}
			}
			assert.Eventually(t, enough, "the connection is gone", func() bool { return resp != nil && resp.StatusCode != 200 || s.Stats().Conns == 0 })
		})
	})
}

// A panic before the head is answered with 500, and the connection goes on or says
// that it does not. An abort before the head is cut without an answer.
func TestResponsePanicBeforeHead(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		s := w.limited(t, answering(w, func(c *tako.Context) error {
			if c.RawQuery() == "abort" {
				panic(http.ErrAbortHandler)
			}
			panic("boom")
		}), tako.Limits{})
		c := reach(t, s)
		c.send(asking("/"))
		resp, _, err := c.respond("GET")
		assert.NoError(t, err)
		assert.Equal(t, resp.StatusCode, 500)
		if !resp.Close {
			c.send(asking("/next"))
			assert.Equal(t, c.answer(200), "next")
		}
		c = reach(t, s)
		c.send(asking("/next") + asking("/?abort") + asking("/next"))
		assert.Equal(t, c.answer(200), "next")
		assert.Equal(t, c.rest(), "")
	})
}

// A file that becomes shorter while it is sent is a broken response.
func TestResponseFileTruncated(t *testing.T) {
	t.Parallel()
	const size = 24 << 20
	inWays(t, everyWay, func(t *testing.T, w way) {
		for _, how := range []string{"declared", "chunked", "1.0"} {
			t.Run(how, func(t *testing.T) {
				name := filepath.Join(t.TempDir(), "file")
				assert.NoError(t, os.WriteFile(name, make([]byte, size), 0o600))
				ended := make(chan error, 1)
				s := w.limited(t, answering(w, func(c *tako.Context) error {
					f, err := os.Open(name)
					if err != nil {
						return err
					}
					defer f.Close()
					if how == "declared" {
						c.Header().Set("Content-Length", strconv.Itoa(size))
					}
					_, err = c.ReadFrom(io.LimitReader(f, size))
					ended <- err
					return err
				}), tako.Limits{})
				c := reach(t, s)
				if how == "1.0" {
					c.send("GET / HTTP/1.0\r\n\r\n")
				} else {
					c.send(asking("/"))
				}
				assert.NoError(t, c.SetReadDeadline(time.Now().Add(enough)))
				_, err := c.in.Peek(1)
				assert.NoError(t, err)
				pass(t, 100*time.Millisecond) // the buffers of the kernel are full
				assert.NoError(t, os.Truncate(name, size/2+100))
				resp, body, err := c.respond("GET")
				if err == nil {
					t.Errorf("got %d bytes as a whole response %v", len(body), resp)
				}
				if errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("got %v, want the end", err)
				}
				await(t, "the handler", ended)
				assert.Eventually(t, enough, "the connection is gone", func() bool { return s.Stats().Conns == 0 })
			})
		}
	})
}

// A client that takes nothing costs little, and is cut at the write timeout.
func TestResponseSlowReader(t *testing.T) {
	t.Parallel()
	type test struct {
		name    string
		request string
	}
	tests := []test{
		{"stream", asking("/stream")},
		{"stream, 1.0", "GET /stream HTTP/1.0\r\n\r\n"},
		{"large", asking("/large")},
		{"file", asking("/file")},
		{"pipelined", strings.Repeat(asking("/60k"), 1000)},
		{"pipelined small", strings.Repeat(asking("/4k"), 10_000)},
		{"body unread", posting("/stream", "Content-Length: 10", "abc")},
	}
	inWays(t, everyWay, func(t *testing.T, w way) {
		name := filepath.Join(t.TempDir(), "file")
		assert.NoError(t, os.WriteFile(name, make([]byte, 32<<20), 0o600))
		large := make([]byte, 32<<20)
		sideBySide(t, tests, func(tt test) string { return tt.name }, func(t *testing.T, tt test) {
			app := tako.New()
			app.Any("/stream", func(c *tako.Context) error { return c.Stream(200, "a/b", unending{}) }, w.opts...)
			app.Get("/large", func(c *tako.Context) error { return c.Bytes(200, "a/b", large) }, w.opts...)
			app.Get("/file", func(c *tako.Context) error { return c.File(name) }, w.opts...)
			app.Get("/60k", func(c *tako.Context) error { return c.Bytes(200, "a/b", large[:60_000]) }, w.opts...)
			app.Get("/4k", func(c *tako.Context) error { return c.Bytes(200, "a/b", large[:4_000]) }, w.opts...)
			s := w.limited(t, app, tako.Limits{WriteTimeout: soon})
			c := reach(t, s)
			go func() {
				_ = c.SetWriteDeadline(time.Now().Add(enough))
				_, _ = io.WriteString(c, tt.request)
			}()
			assert.Eventually(t, enough, "the client is cut", func() bool { st := s.Stats(); return st.TimedOut == 1 && st.Conns == 0 })
			if strings.Contains(tt.request, "HTTP/1.0") {
				if got, err := c.toEnd(); err == nil {
					t.Errorf("got %d bytes and a plain end", len(got))
				}
			}
		})
	})
}

type unending struct{}

func (unending) Read(p []byte) (int, error) { return len(p), nil }

// Many clients that ask and never read hold little memory.
func TestResponseMemory(t *testing.T) {
	large := bytes.Repeat([]byte("x"), 60_000)
	inWays(t, inlineWays, func(t *testing.T, w way) {
		app := tako.New()
		app.Get("/", func(c *tako.Context) error { return c.Bytes(200, "a/b", large) }, w.opts...)
		s := w.limited(t, app, tako.Limits{})
		heap := func() uint64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		before := heap()
		const clients = 20
		text := strings.Repeat(asking("/"), 5000)
		for range clients {
			c := reach(t, s)
			assert.NoError(t, c.SetWriteDeadline(time.Now().Add(soon)))
			_, _ = io.WriteString(c, text)
		}
		if grown := int64(heap()) - int64(before); grown > clients*1<<20 {
			t.Errorf("%d KiB for each client", grown/clients>>10)
		}
	})
}

// The write timeout is for clients that do not take what there is, not for sources
// that have nothing yet.
func TestResponseSlowSource(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		s := w.limited(t, answering(w, func(c *tako.Context) error {
			r, pw := io.Pipe()
			go func() {
				defer pw.Close()
				for range 5 {
					pass(t, soon/2)
					_, _ = io.WriteString(pw, "0123456789")
				}
			}()
			return c.Stream(200, "a/b", r)
		}), tako.Limits{WriteTimeout: soon})
		for _, request := range []string{asking("/"), "GET / HTTP/1.0\r\n\r\n"} {
			c := reach(t, s)
			c.send(request)
			assert.Equal(t, c.answer(200), strings.Repeat("0123456789", 5))
		}
		assert.Equal(t, s.Stats().TimedOut, int64(0), "timed out")
	})
}

// A write deadline of a handler strikes by itself, and is gone for the next request.
func TestResponseWriteDeadline(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		ended := make(chan error, 1)
		app := answering(w, func(c *tako.Context) error {
			if err := c.SetWriteDeadline(time.Now().Add(soon)); err != nil {
				return err
			}
			if c.RawQuery() == "" {
				return c.Text(200, "in time")
			}
			err := c.Stream(200, "a/b", unending{})
			ended <- err
			return err
		})
		s := w.limited(t, app, tako.Limits{})
		c := reach(t, s)
		c.send(asking("/"))
		assert.Equal(t, c.answer(200), "in time")
		c.silent(2 * soon)
		c.send(asking("/next"))
		assert.Equal(t, c.answer(200), "next")
		began := time.Now()
		c.send(asking("/?stream"))
		assert.ErrorIs(t, await(t, "the deadline", ended), os.ErrDeadlineExceeded)
		if d := time.Since(began); d < soon/2 || d > soon+enough/2 {
			t.Errorf("ended after %v, want soon after %v", d, soon)
		}
	})
}

// Who says close closes, also while the client goes on asking.
func TestResponseCloseWhilePipelining(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		s := w.limited(t, answering(w, func(c *tako.Context) error {
			c.Header().Set("Connection", "close")
			return c.Text(200, pattern(5000))
		}), tako.Limits{})
		for range 20 {
			c := reach(t, s)
			go func() { // more than is read at once
				_ = c.SetWriteDeadline(time.Now().Add(enough))
				for range 20 {
					if _, err := io.WriteString(c, strings.Repeat(asking("/"), 100)); err != nil {
						return
					}
				}
			}()
			resp, got, err := c.respond("GET")
			assert.NoError(t, err)
			assert.Equal(t, resp.Close, true, "says close")
			assert.Equal(t, got, pattern(5000))
			assert.Equal(t, c.rest(), "", "behind the last response")
			_ = c.Close()
		}
	})
}
