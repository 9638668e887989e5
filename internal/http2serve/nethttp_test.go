package http2serve_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// A handler of net/http sees the request and can do with the response what it can elsewhere.
func TestNetHTTPHandler(t *testing.T) {
	eachClass(t, allTargets, func(t *testing.T, k target, where tako.Option) {
		app := tako.New()
		app.Post("/{name}", tako.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rc := http.NewResponseController(w)
			if _, _, err := rc.Hijack(); err == nil {
				t.Error("took over a connection of HTTP/2")
			}
			w.Header().Set("Link", "</a>")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Set("Trailer", "X-Sum")
			w.WriteHeader(http.StatusCreated)
			if err := rc.Flush(); err != nil {
				t.Error(err)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			_, _ = fmt.Fprint(w, r.Proto, r.ProtoMajor, r.Method, r.PathValue("name"), r.URL.RawQuery, r.Host, r.ContentLength, string(body), r.TLS != nil, r.Header.Get("X-A"))
			w.Header().Set("X-Sum", "7")
		})), where)
		s := k.serve(t, app, config{})
		req := request(t, "POST", s.url("/n?q=1"), strings.NewReader("body"))
		req.Host = "a.example"
		req.Header.Set("X-A", "b")
		got, err := ask(s.client(t), req)
		assert.NoError(t, err)
		assert.Equal(t, got.StatusCode, 201)
		assert.Equal(t, got.body, fmt.Sprint("HTTP/2.0", 2, "POST", "n", "q=1", "a.example", 4, "body", k.tls, "b"))
		assert.Equal(t, got.Trailer.Get("X-Sum"), "7")
	})
}

// Middleware of net/http that answers in place of a handler leaves that handler to end on its
// own.
func TestTimeoutHandler(t *testing.T) {
	eachClass(t, allTargets, func(t *testing.T, k target, where tako.Option) {
		release, ended := make(chan struct{}), make(chan error, 100)
		app := tako.New()
		app.Use(tako.Std(func(next http.Handler) http.Handler {
			impatient, patient := http.TimeoutHandler(next, soon, "too slow"), http.TimeoutHandler(next, patience, "too slow")
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/slow" {
					impatient.ServeHTTP(w, r)
					return
				}
				patient.ServeHTTP(w, r)
			})
		}))
		app.Post("/slow", func(c *tako.Context) error {
			<-release
			_, err := c.ReadBody()
			ended <- err
			return c.Text(http.StatusOK, "late")
		}, where)
		app.Post("/", func(c *tako.Context) error {
			body, err := c.ReadBody()
			if err != nil {
				return err
			}
			return c.Text(http.StatusOK, string(body))
		}, where)
		s := k.serve(t, app, config{})
		c := s.client(t)
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				path, status, want := "/", 200, fmt.Sprint("body ", i)
				if i%2 == 0 {
					path, status, want = "/slow", 503, "too slow"
				}
				got, err := ask(c, request(t, "POST", s.url(path), strings.NewReader(fmt.Sprint("body ", i))))
				if err != nil || got.StatusCode != status || got.body != want {
					t.Errorf("%s: got %v %q and %v", path, got.Response, got.body, err)
				}
			})
		}
		wg.Wait()
		close(release)
		for range 5 {
			await(t, "the end of a late handler", ended)
		}
	})
}

// proxied returns a server that passes everything on to another one.
func (k target) proxied(t *testing.T) *server {
	t.Helper()
	back := tako.New()
	back.Post("/echo", func(c *tako.Context) error {
		_, err := io.Copy(struct{ io.Writer }{c}, c.Body())
		return err
	}, tako.BodyLimit(tako.NoLimit))
	backend := k.serve(t, back, config{})
	to, err := url.Parse(backend.url("/"))
	assert.NoError(t, err)
	proxy := &httputil.ReverseProxy{Transport: backend.client(t).Transport, FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	front := tako.New()
	front.Post("/{path...}", tako.HTTP(proxy), tako.BodyLimit(tako.NoLimit))
	return k.serve(t, front, config{})
}

// A reverse proxy of net/http between two servers passes bodies both ways.
func TestReverseProxy(t *testing.T) {
	over(t, allTargets, func(t *testing.T, k target) {
		s := k.proxied(t)
		c := s.client(t)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				body, _ := noise(1<<20, uint64(i))
				want, _ := io.ReadAll(body)
				body, _ = noise(1<<20, uint64(i))
				got, err := ask(c, request(t, "POST", s.url("/echo"), io.NopCloser(body)))
				if err != nil || got.body != string(want) {
					t.Errorf("echo %d: got %d bytes and %v", i, len(got.body), err)
				}
			})
		}
		wg.Wait()
	})
}

// A body may be closed while another goroutine reads it, which ends the read.
func TestCloseUnderRead(t *testing.T) {
	over(t, allTargets, func(t *testing.T, k target) {
		app := tako.New()
		app.Post("/", tako.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			reads := make(chan error, 1)
			first := make(chan struct{})
			go func() {
				_, err := r.Body.Read(make([]byte, 10))
				close(first)
				for err == nil {
					_, err = r.Body.Read(make([]byte, 10))
				}
				reads <- err
			}()
			<-first
			pass(t, soon/10)
			_ = r.Body.Close()
			_, _ = fmt.Fprint(w, errors.Is(<-reads, http.ErrBodyReadAfterClose))
		})), tako.Blocking())
		s := k.serve(t, app, config{limits: tako.Limits{MinBodyRate: tako.NoLimit}})
		c := s.framed(t).settled()
		for id := uint32(1); id < 20; id += 2 {
			c.head(id, false, "POST", "/")
			c.data(id, false, "some")
			assert.Equal(t, string(c.answered(200, id).body), "true")
		}
	})
}

// The router may be swapped under load; each request is served by one of both.
func TestSwap(t *testing.T) {
	over(t, allTargets, func(t *testing.T, k target) {
		version := func(n int) *tako.Router {
			app := tako.New()
			app.Log(noLog)
			for i := range n + 1 { // routes have other numbers in each
				app.Get(fmt.Sprint("/", i), func(c *tako.Context) error { return c.Text(200, "other") })
			}
			app.Get("/", func(c *tako.Context) error { return c.Text(http.StatusOK, fmt.Sprint("version ", n)) })
			return app
		}
		live := tako.NewLive(version(0))
		s := k.serve(t, live, config{})
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for range 4 {
			c := s.client(t)
			wg.Go(func() {
				last := -1
				for {
					select {
					case <-stop:
						return
					default:
					}
					got, err := ask(c, request(t, "GET", s.url("/"), nil))
					var n int
					if _, serr := fmt.Sscanf(got.body, "version %d", &n); err != nil || serr != nil || n < last {
						t.Errorf("got %q and %v after version %d", got.body, err, last)
						return
					}
					last = n
				}
			})
		}
		for n := 1; n < 50; n++ {
			assert.NoError(t, live.Swap(version(n)))
			pass(t, soon/100)
		}
		close(stop)
		wg.Wait()
		assert.Equal(t, get(t, s.client(t), s.url("/"), 200), "version 49")
	})
}
