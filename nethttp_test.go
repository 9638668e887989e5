package tako_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/middleware"
	"github.com/tako-go/tako/takotest"
)

// passes is the ways a handler of net/http may stand in a router.
var passes = []struct {
	name string
	mw   func() tako.Middleware
}{
	{"plain", func() tako.Middleware { return around(func(*tako.Context) {}) }},
	{"std", func() tako.Middleware { return tako.Std(func(next http.Handler) http.Handler { return next }) }},
	{"std twice", func() tako.Middleware {
		std := tako.Std(func(next http.Handler) http.Handler { return next })
		return func(next tako.Handler) tako.Handler { return std(std(next)) }
	}},
	{"timeout", func() tako.Middleware { return middleware.Timeout(time.Hour) }},
	{"std in timeout", func() tako.Middleware {
		std := tako.Std(func(next http.Handler) http.Handler { return next })
		return func(next tako.Handler) tako.Handler { return middleware.Timeout(time.Hour)(std(next)) }
	}},
}

func TestHTTPHandlerSeesRequest(t *testing.T) {
	t.Parallel()
	for _, way := range passes {
		overBoth(t, func() *tako.Router {
			r := tako.New()
			r.Use(way.mw())
			g := r.Group("/g")
			g.Post("/{id}/{rest...}", tako.HTTP(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				body, err := io.ReadAll(req.Body)
				fmt.Fprint(w, req.Method, " ", req.Pattern, " ", req.PathValue("id"), " ", req.PathValue("rest"), " ", req.URL.Path, " ", req.URL.RawPath, " ",
					req.URL.RawQuery, " ", req.Host, " ", req.Header.Get("X-H"), " ", string(body), " ", err, " ", req.Trailer.Get("X-Sum"), " ", req.ContentLength)
			})))
			return r
		}, func(t *testing.T, s *takotest.Server) {
			resp := s.Post("/./g//a%2Fb/c/d%20e?x=%20", takotest.Reader("text/plain", strings.NewReader("body")), takotest.Header("X-H", "h"),
				takotest.Host("a.test"), func(r *http.Request) {
					r.Trailer = http.Header{"X-Sum": {"sum"}}
				})
			want := "POST POST /g/{id}/{rest...} a/b c/d e /g/a/b/c/d e /g/a%2Fb/c/d%20e x=%20 a.test h body <nil> sum -1"
			assert.Equal(t, resp.Text, want, way.name)
		})
	}
}

func TestHTTPHandlerWrites(t *testing.T) {
	t.Parallel()
	recordLogs()
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		status  int
		text    string
		fields  map[string]string
		trailer string
		broken  bool
	}{
		{"nothing", func(http.ResponseWriter, *http.Request) {}, 200, "", nil, "", false},
		{"sniffed", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, 200, "<html>", map[string]string{"Content-Type": "text/html; charset=utf-8"}, "", false},
		{"status", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(418)
			w.WriteHeader(200)
			fmt.Fprint(w, "t")
		}, 418, "t", nil, "", false},
		{"error", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 403) }, 403, "no\n", map[string]string{"X-Content-Type-Options": "nosniff"}, "", false},
		{"late field", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(200)
			w.Header().Set("X-Late", "1")
		}, 200, "", map[string]string{"X-Late": ""}, "", false},
		{"deletes a field", func(w http.ResponseWriter, _ *http.Request) { w.Header().Del("X-Outer") }, 200, "", map[string]string{"X-Outer": ""}, "", false},
		{"keeps a field", func(w http.ResponseWriter, _ *http.Request) { w.Header().Add("X-Outer", "2") }, 200, "", map[string]string{"X-Outer": "1, 2"}, "", false},
		{"odd value", func(w http.ResponseWriter, _ *http.Request) { w.Header()["X-Odd"] = []string{"a\r\nX-Evil: b"} }, 200, "", map[string]string{"X-Evil": ""}, "", false},
		{"trailer announced", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-T")
			fmt.Fprint(w, "x")
			w.Header().Set("X-T", "t")
		}, 200, "x", nil, "t", false},
		{"trailer prefix", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "x")
			w.(http.Flusher).Flush()
			w.Header().Set(http.TrailerPrefix+"X-T", "t")
		}, 200, "x", nil, "t", false},
		{"controller", func(w http.ResponseWriter, _ *http.Request) {
			if err := http.NewResponseController(w).Flush(); err != nil {
				panic(err)
			}
			_, _ = io.Copy(w, strings.NewReader("copied"))
		}, 200, "copied", nil, "", false},
		{"304", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304); fmt.Fprint(w, "x") }, 304, "", nil, "", false},
		{"too short", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			fmt.Fprint(w, "x")
		}, 200, "x", nil, "", true},
		{"abort", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "x")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, 200, "x", nil, "", true},
		{"panic", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Etag", `"x"`); panic(errBoom) }, 500, "", map[string]string{"Etag": "", "X-Outer": "1"}, "", false},
	} {
		for _, way := range passes {
			overBoth(t, func() *tako.Router {
				r := tako.New()
				r.Use(around(func(c *tako.Context) { c.Header().Set("X-Outer", "1") }), way.mw())
				r.Get("/", tako.HTTP(tt.handler))
				return r
			}, func(t *testing.T, s *takotest.Server) {
				resp, err := s.Client.Get(s.URL + "/")
				if err != nil {
					if !tt.broken {
						t.Errorf("%s %s: got %v, want a response", tt.name, way.name, err)
					}
					return
				}
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				if resp.StatusCode != tt.status || (err != nil) != tt.broken || tt.status != 500 && string(body) != tt.text {
					t.Errorf("%s %s: got %d %q %v, want %d %q, broken %v", tt.name, way.name, resp.StatusCode, body, err, tt.status, tt.text, tt.broken)
				}
				for name, want := range tt.fields {
					if got := strings.Join(resp.Header.Values(name), ", "); got != want {
						t.Errorf("%s %s: got %s %q, want %q", tt.name, way.name, name, got, want)
					}
				}
				if got := resp.Trailer.Get("X-T"); got != tt.trailer {
					t.Errorf("%s %s: got trailer %q, want %q", tt.name, way.name, got, tt.trailer)
				}
			})
		}
	}
}

func TestEarlyHints(t *testing.T) {
	t.Parallel()
	for _, way := range passes {
		for name, h := range map[string]tako.Handler{
			"context": func(c *tako.Context) error {
				c.Header().Set("X-Final", "1")
				return errors.Join(c.EarlyHints("</a>; rel=preload"), c.Text(200, "x"))
			},
			"writer": tako.HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Link", "</a>; rel=preload")
				w.WriteHeader(103)
				w.Header().Del("Link")
				w.Header().Set("X-Final", "1")
				fmt.Fprint(w, "x")
			})),
		} {
			t.Run(way.name+" "+name, func(t *testing.T) {
				t.Parallel()
				r := tako.New()
				r.Use(way.mw())
				r.Get("/", h)
				got := raw(t, takotest.Serve(t, r), "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
				hints, final, ok := strings.Cut(got, "\r\n\r\n")
				if !ok || !strings.HasPrefix(hints, "HTTP/1.1 103 Early Hints\r\n") || !strings.Contains(hints, "Link: </a>; rel=preload") ||
					strings.Contains(hints, "X-Final") && name == "context" || !strings.HasPrefix(final, "HTTP/1.1 200 OK\r\n") ||
					strings.Contains(final, "Link") || !strings.Contains(final, "X-Final: 1") {
					t.Errorf("got %q, want 103 with Link, then 200 with X-Final alone", got)
				}
			})
		}
	}
}

func TestHijack(t *testing.T) {
	t.Parallel()
	for _, way := range passes {
		for name, h := range map[string]tako.Handler{
			"context": func(c *tako.Context) error {
				conn, rw, err := c.Hijack()
				if err != nil {
					return err
				}
				defer conn.Close()
				if _, err := c.Write([]byte("x")); err == nil {
					t.Error("got no error of a write after Hijack")
				}
				line, _ := rw.ReadString('\n')
				_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n"+line)
				return err
			},
			"writer": tako.HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				conn, rw, err := http.NewResponseController(w).Hijack()
				if err != nil {
					panic(err)
				}
				defer conn.Close()
				line, _ := rw.ReadString('\n')
				_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n"+line)
			})),
		} {
			t.Run(way.name+" "+name, func(t *testing.T) {
				t.Parallel()
				done := make(chan tako.Outcome, 1)
				r := tako.New()
				r.Use(outcomes(done), middleware.SecurityHeaders(), middleware.ETag(), way.mw())
				r.Get("/", h)
				conn := takotest.Serve(t, r).Dial()
				_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nping\n")
				got, err := io.ReadAll(conn)
				if err != nil || string(got) != "HTTP/1.1 101 Switching Protocols\r\n\r\nping\n" {
					t.Errorf("got %q, %v, want 101 and ping", got, err)
				}
				if o := <-done; !o.Upgraded || o.Aborted {
					t.Errorf("got outcome %+v, want it upgraded", o)
				}
			})
		}
	}
}

func TestHijackIsUnsupported(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/", func(c *tako.Context) error {
		_, _, err := c.Hijack()
		assert.ErrorIs(t, err, errors.ErrUnsupported)
		return c.Text(200, "still here")
	})
	takotest.New(t, r).Get("/").Expect(200).ExpectText("still here")
}

func TestRouterInsideNetHTTP(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/", text("root"))
	r.Get("/a/{x}", func(c *tako.Context) error { return c.Text(200, c.Path()+" "+c.Param("x")+" "+c.Target()) })
	r.Get("/panic", func(*tako.Context) error { panic(http.ErrAbortHandler) })
	mux := http.NewServeMux()
	mux.Handle("/app/", http.StripPrefix("/app", r))
	mux.Handle("/x/{y}", http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("X-Around", "1")
		w.Header().Set("Content-Type", "a/b")
		req.URL.Path = "/a/z"
		r.ServeHTTP(w, req)
	}))
	for _, tt := range []struct{ path, text, kind, around string }{
		{"/app/", "root", "text/plain; charset=utf-8", ""},
		{"/app/a/b%2Fc", "/a/b%2Fc b/c /app/a/b%2Fc", "text/plain; charset=utf-8", ""},
		{"/x/y", "/a/z z /x/y", "a/b", "1"},
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", tt.path, nil))
		if w.Code != 200 || w.Body.String() != tt.text || w.Header().Get("Content-Type") != tt.kind || w.Header().Get("X-Around") != tt.around {
			t.Errorf("%s: got %d %q %v, want 200 %q %s %s", tt.path, w.Code, w.Body, w.Header(), tt.text, tt.kind, tt.around)
		}
	}
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("got panic %v, want ErrAbortHandler", v)
		}
	}()
	mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/app/panic", nil))
}

func TestHTTPFileServer(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{
		"a.txt":        {Data: []byte("0123456789"), ModTime: time.Unix(1e9, 0)},
		"d/index.html": {Data: []byte("<p>")},
	}
	overBoth(t, func() *tako.Router {
		r := tako.New()
		r.Get("/f/{path...}", tako.HTTP(http.StripPrefix("/f", http.FileServerFS(fsys))))
		return r
	}, func(t *testing.T, s *takotest.Server) {
		s.Get("/f/a.txt").Expect(200).ExpectText("0123456789").ExpectHeader("Content-Type", "text/plain; charset=utf-8")
		s.Get("/f/a.txt", takotest.Header("Range", "bytes=2-4")).Expect(206).ExpectText("234").ExpectHeader("Content-Range", "bytes 2-4/10")
		s.Get("/f/a.txt", takotest.Header("Range", "bytes=20-")).Expect(416)
		s.Get("/f/a.txt", takotest.Header("If-Modified-Since", time.Unix(1e9, 0).UTC().Format(http.TimeFormat))).Expect(304).ExpectText("")
		head := s.Do("HEAD", "/f/a.txt").Expect(200).ExpectText("")
		assert.Equal(t, head.ContentLength, int64(10))
		s.Get("/f/d/").Expect(200).ExpectText("<p>")
		s.Get("/f/none").Expect(404)
	})
}

func TestExpectContinue(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Post("/", func(c *tako.Context) error {
		body, err := c.ReadBody()
		if err != nil {
			return err
		}
		return c.Bytes(200, "a/b", body)
	}, tako.BodyLimit(5))
	r.Post("/m", func(c *tako.Context) error { t.Error("the handler runs"); return nil }, tako.With(middleware.BodyLimit(5)))
	s := takotest.Serve(t, r)
	for _, path := range []string{"/", "/m"} {
		got := raw(t, s, "POST "+path+" HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 413 ") {
			t.Errorf("%s: got %q, want 413 without 100", path, got)
		}
	}
	conn := s.Dial()
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n")
	lines := bufio.NewReader(conn)
	line, _ := lines.ReadString('\n')
	assert.Equal(t, line, "HTTP/1.1 100 Continue\r\n")
	_, _ = io.WriteString(conn, "hello")
	rest, _ := io.ReadAll(lines)
	assert.Contains(t, string(rest), "HTTP/1.1 200 OK\r\n")
}
