package tako_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/middleware"
	"github.com/tako-go/tako/takotest"
)

// raw sends bytes to the server and returns what comes until it closes.
func raw(t *testing.T, s *takotest.Server, request string) string {
	t.Helper()
	conn := s.Dial()
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Logf("read: %v", err)
	}
	return string(answer)
}

func TestDeclaredLength(t *testing.T) {
	t.Parallel()
	recordLogs()
	declare := func(n string, f func(c *tako.Context) error) tako.Handler {
		return func(c *tako.Context) error {
			c.Header().Set("Content-Length", n)
			if err := c.WriteHead(200); err != nil {
				return err
			}
			return f(c)
		}
	}
	for _, tt := range []struct {
		name    string
		handler tako.Handler
		text    string
		broken  bool
	}{
		{"exact", declare("5", writes("he", "llo")), "hello", false},
		{"excess ignored", declare("5", func(c *tako.Context) error {
			n, err := c.WriteString("hello, world")
			assert.Equal(t, n, 5)
			assert.ErrorIs(t, err, tako.ErrContentLength)
			n, err = c.WriteString("more")
			assert.Equal(t, n, 0)
			assert.ErrorIs(t, err, tako.ErrContentLength)
			return nil
		}), "hello", false},
		{"excess in buffers", declare("5", func(c *tako.Context) error {
			n, err := c.WriteBuffers(net.Buffers{[]byte("hel"), []byte("lo, world")})
			assert.Equal(t, n, int64(5))
			assert.ErrorIs(t, err, tako.ErrContentLength)
			return nil
		}), "hello", false},
		{"excess in reader", declare("5", func(c *tako.Context) error {
			n, err := c.ReadFrom(strings.NewReader("hello, world"))
			assert.Equal(t, n, int64(5))
			assert.ErrorIs(t, err, tako.ErrContentLength)
			return nil
		}), "hello", false},
		{"shortage", declare("5", writes("he")), "he", true},
		{"shortage of all", declare("5", writes()), "", true},
		{"shortage in buffers", declare("5", func(c *tako.Context) error {
			return ignore(c.WriteBuffers(net.Buffers{[]byte("h"), []byte("e")}))
		}), "he", true},
		{"shortage in reader", declare("5", func(c *tako.Context) error { return ignore(c.ReadFrom(strings.NewReader("he"))) }), "he", true},
		{"limited reader", declare("5", func(c *tako.Context) error {
			return ignore(c.ReadFrom(&io.LimitedReader{R: strings.NewReader("hello, world"), N: 5}))
		}), "hello", false},
		{"shortage before a trailer", declare("5", func(c *tako.Context) error {
			c.Trailer().Set("X-Sum", "1")
			return writes("he")(c)
		}), "he", true},
		{"shortage behind a trailer", func(c *tako.Context) error {
			c.Trailer().Set("X-Sum", "1")
			c.Header().Set("Content-Length", "5")
			return writes("he")(c)
		}, "he", true},
		{"excess behind a trailer", func(c *tako.Context) error {
			c.Trailer().Set("X-Sum", "1")
			c.Header().Set("Content-Length", "5")
			_, err := c.WriteString("hello, world")
			assert.ErrorIs(t, err, tako.ErrContentLength)
			return nil
		}, "hello", false},
		{"error after all", declare("5", func(c *tako.Context) error {
			_, err := c.WriteString("hel")
			return errors.Join(err, errBoom)
		}), "hel", true},
	} {
		for _, staging := range []string{"", " with a stage"} {
			overBoth(t, func() *tako.Router {
				r := tako.New()
				if staging != "" {
					r.Use(around(func(c *tako.Context) { staged(c, "s", new(journal)) }))
				}
				r.Get("/", tt.handler)
				return r
			}, func(t *testing.T, s *takotest.Server) {
				resp, err := s.Client.Get(s.URL + "/")
				if err != nil {
					if !tt.broken {
						t.Errorf("%s%s: got %v, want a response", tt.name, staging, err)
					}
					return
				}
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				if (err != nil) != tt.broken || !tt.broken && string(body) != tt.text || !strings.HasPrefix(tt.text, string(body)) {
					t.Errorf("%s%s: got %q, %v, want %q, broken %v", tt.name, staging, body, err, tt.text, tt.broken)
				}
			})
		}
	}
}

func TestNoBodyOnTheWire(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, method string
		handler      tako.Handler
		written      int64
		has, hasNot  []string
	}{
		{"HEAD text", "HEAD", text("hello"), 5, []string{"200 OK", "Content-Length: 5"}, []string{"hello", "chunked"}},
		{"HEAD stream", "HEAD", writes("hel", "lo"), 5, []string{"200 OK"}, []string{"hello", "\r\n0\r\n"}},
		{"HEAD flush", "HEAD", func(c *tako.Context) error {
			return errors.Join(ignore(c.WriteString("hello")), c.Flush(), ignore(c.WriteString("hello")))
		}, 10, []string{"200 OK"}, []string{"hello", "\r\n0\r\n"}},
		{"HEAD buffers", "HEAD", func(c *tako.Context) error { return ignore(c.WriteBuffers(net.Buffers{[]byte("hello")})) }, 5, []string{"200 OK"}, []string{"hello"}},
		{"HEAD reader", "HEAD", func(c *tako.Context) error { return c.Stream(200, "a/b", strings.NewReader("hello")) }, -1, []string{"200 OK", "a/b"}, []string{"hello"}},
		{"204", "GET", func(c *tako.Context) error { return c.Text(204, "hello") }, 5, []string{"204 No Content"}, []string{"hello", "Content-Length", "Transfer-Encoding"}},
		{"204 stream", "GET", func(c *tako.Context) error {
			return errors.Join(c.WriteHead(204), ignore(c.WriteString("hello")), c.Flush())
		}, 5, []string{"204 No Content"}, []string{"hello", "Content-Length", "Transfer-Encoding"}},
		{"204 declared", "GET", func(c *tako.Context) error {
			c.Header().Set("Content-Length", "5")
			return errors.Join(c.WriteHead(204), ignore(c.WriteString("hello")))
		}, 5, []string{"204 No Content"}, []string{"hello", "Content-Length", "Transfer-Encoding"}},
		{"304", "GET", func(c *tako.Context) error { return c.Text(304, "hello") }, 5, []string{"304 Not Modified"}, []string{"hello", "Transfer-Encoding"}},
		{"304 buffers", "GET", func(c *tako.Context) error {
			return errors.Join(c.WriteHead(304), ignore(c.WriteBuffers(net.Buffers{[]byte("hello")})))
		}, 5, []string{"304 Not Modified"}, []string{"hello", "Transfer-Encoding"}},
		{"HEAD error", "HEAD", func(*tako.Context) error { return tako.Conflict("hello") }, -1, []string{"409 Conflict", "Content-Length"}, []string{"hello"}},
	} {
		for _, wrap := range []string{"", " held", " staged"} {
			t.Run(tt.name+wrap, func(t *testing.T) {
				t.Parallel()
				done := make(chan tako.Outcome, 2)
				r := tako.New()
				r.Use(outcomes(done))
				switch wrap {
				case " held":
					r.Use(around(func(c *tako.Context) { c.Hold(1000, func(*tako.Head, []byte) error { return nil }) }))
				case " staged":
					r.Use(around(func(c *tako.Context) { staged(c, "s", new(journal)) }))
				}
				r.Get("/a", tt.handler)
				r.Get("/b", text("the second"))
				got := raw(t, takotest.Serve(t, r), tt.method+" /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
				first, second, ok := strings.Cut(got, "\r\n\r\n")
				if !ok || !strings.HasPrefix(second, "HTTP/1.1 200 OK\r\n") || !strings.HasSuffix(second, "the second") {
					t.Fatalf("got %q, want two responses and no byte between", got)
				}
				for _, part := range tt.has {
					assert.Contains(t, first, part)
				}
				for _, part := range tt.hasNot {
					if strings.Contains(first, part) {
						t.Errorf("got %q, want no %q", first, part)
					}
				}
				if o := <-done; tt.written >= 0 && o.Written != tt.written || o.Sent != 0 {
					t.Errorf("got %d written and %d sent, want %d and 0", o.Written, o.Sent, tt.written)
				}
			})
		}
	}
}

// endless yields bytes for ever and counts them.
type endless struct {
	t      *testing.T
	read   int
	closed bool
}

func (e *endless) Read(p []byte) (int, error) {
	if e.read += len(p); e.read > 16<<20 {
		e.t.Error("a body that is not sent is read without end")
		return 0, io.EOF
	}
	return len(p), nil
}

func (e *endless) Close() error { e.closed = true; return nil }

func TestHeadOfAnEndlessStream(t *testing.T) {
	t.Parallel()
	body := &endless{t: t}
	r := tako.New()
	r.Get("/", func(c *tako.Context) error { return c.Stream(200, "a/b", body) })
	takotest.New(t, r).Do("HEAD", "/").Expect(200).ExpectHeader("Content-Type", "a/b")
	assert.Equal(t, body.closed, true, "closed")
}

// failing yields some bytes and then an error.
func reads(s string) io.Reader { return strings.NewReader(s) }

func failing(s string) io.Reader { return io.MultiReader(strings.NewReader(s), errReader{}) }

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errBoom }

func TestBrokenStreamIsVisible(t *testing.T) {
	t.Parallel()
	recordLogs()
	for name, h := range map[string]tako.Handler{
		"error": func(c *tako.Context) error { return errors.Join(writes("abc")(c), c.Flush(), errBoom) },
		"panic": func(c *tako.Context) error { _ = writes("abc")(c); _ = c.Flush(); panic("p") },
		"abort": func(c *tako.Context) error { _ = writes("abc")(c); _ = c.Flush(); panic(http.ErrAbortHandler) },
		"gone":  func(c *tako.Context) error { return errors.Join(writes("abc")(c), c.Flush(), tako.ErrClientGone) },
		"reader": func(c *tako.Context) error {
			_ = writes("abc")(c)
			return errors.Join(c.Flush(), ignore(c.ReadFrom(failing("abc"))))
		},
		"public error": func(c *tako.Context) error { return errors.Join(writes("abc")(c), c.Flush(), tako.NotFound("x")) },
	} {
		for _, wrap := range []bool{false, true} {
			overBoth(t, func() *tako.Router {
				r := tako.New()
				r.Use(middleware.ETag())
				if wrap {
					r.Use(around(func(c *tako.Context) { staged(c, "s", new(journal)) }))
				}
				r.Get("/", h)
				return r
			}, func(t *testing.T, s *takotest.Server) {
				resp := s.Get("/")
				if resp.StatusCode != 200 || resp.Broken == nil || !strings.HasPrefix("abcabc", resp.Text) || len(resp.Text) < 3 {
					t.Errorf("%s: got status %d, %q, broken %v, want 200 and a cut abc", name, resp.StatusCode, resp.Text, resp.Broken)
				}
			})
		}
	}
}

func TestStreamArrivesWhileItIsWritten(t *testing.T) {
	t.Parallel()
	overBoth(t, func() *tako.Router {
		r := tako.New()
		r.Use(middleware.SecurityHeaders(), middleware.ETag())
		r.Post("/", func(c *tako.Context) error {
			if err := c.EnableFullDuplex(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
				return err
			}
			lines := bufio.NewReader(c.Body())
			for {
				line, err := lines.ReadString('\n')
				if err == io.EOF {
					return nil
				}
				if err != nil {
					return err
				}
				if _, err := c.WriteString("re: " + line); err != nil {
					return err
				}
				if err := c.Flush(); err != nil {
					return err
				}
			}
		})
		return r
	}, func(t *testing.T, s *takotest.Server) {
		pr, pw := io.Pipe()
		go func() { _, _ = io.WriteString(pw, "one\n") }()
		resp := s.Open("POST", "/", takotest.Reader("text/plain", pr))
		lines := bufio.NewReader(resp.Body)
		for _, want := range []string{"one\n", "two\n"} {
			if want != "one\n" {
				_, _ = io.WriteString(pw, want)
			}
			line, err := lines.ReadString('\n')
			assert.NoError(t, err)
			assert.Equal(t, line, "re: "+want)
		}
		_ = pw.Close()
		_, err := lines.ReadByte()
		assert.Equal(t, err, io.EOF)
		assert.Equal(t, resp.Header.Get("Etag"), "")
	})
}

func TestTrailers(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]tako.Handler{
		"short body": writes("hello"),
		"no body":    writes(),
		"long body":  writes(strings.Repeat("x", 100<<10)),
		"flushed":    func(c *tako.Context) error { return errors.Join(writes("x")(c), c.Flush()) },
		"buffers":    func(c *tako.Context) error { return ignore(c.WriteBuffers(net.Buffers{[]byte("a"), []byte("b")})) },
		"reader":     func(c *tako.Context) error { return c.Stream(200, "a/b", bytes.NewReader([]byte("abc"))) },
	} {
		for _, wrap := range []string{"", " staged", " in net/http", " in time"} {
			overBoth(t, func() *tako.Router {
				r := tako.New()
				switch wrap {
				case " staged":
					r.Use(around(func(c *tako.Context) { staged(c, "s", new(journal)) }))
				case " in net/http":
					r.Use(tako.Std(func(next http.Handler) http.Handler { return next }))
				case " in time":
					r.Use(middleware.Timeout(1 << 40))
				}
				r.Get("/", func(c *tako.Context) error {
					c.Trailer().Set("x-sum", "early")
					err := h(c)
					c.Trailer().Set("x-sum", "late")
					return err
				})
				return r
			}, func(t *testing.T, s *takotest.Server) {
				resp := s.Get("/").Expect(200)
				if got := resp.Trailer.Get("X-Sum"); got != "late" || resp.Header.Get("X-Sum") != "" {
					t.Errorf("%s%s: got trailer %q, header %v, want late in the trailer alone", name, wrap, got, resp.Header)
				}
			})
		}
	}
}
