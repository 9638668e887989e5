package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/client"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/takotest"
)

type reef struct {
	Name string `json:"name"`
	Via  string `json:"via"`
}

type getReef struct {
	C     *tako.Context
	Ocean string `path:"ocean"`
	Page  int    `query:"page"`
}

var errGone = &tako.Error{Status: 410, Type: "https://reefs.example/gone", Title: "Gone"}

type service struct {
	app    *tako.Router
	get    tako.Route[getReef, reef]
	put    tako.Route[struct{ Body reef }, tako.Created[reef]]
	gone   tako.Route[struct{}, reef]
	away   tako.Route[struct{}, reef]
	moved  tako.Route[struct{}, tako.Redirect]
	large  tako.Route[struct{}, string]
	flow   tako.Route[struct{}, tako.Stream]
	silent tako.Route[struct{}, reef]
}

func newService(entered chan<- struct{}) service {
	app := tako.New()
	var s service
	s.app = app
	s.get = tako.Get(app, "/oceans/{ocean}/reef", func(_ context.Context, in getReef) (reef, error) {
		return reef{in.Ocean, fmt.Sprint(in.C.Host(), " ", in.C.Path(), " ", in.Page, " ", in.C.RequestHeader("X-Own"), " ", in.C.RequestHeader("Authorization"))}, nil
	})
	s.put = tako.Put(app, "/reef", func(_ context.Context, in struct{ Body reef }) (tako.Created[reef], error) {
		return tako.Created[reef]{Location: "/reefs/1", Body: in.Body}, nil
	})
	s.gone = tako.Get(app, "/gone", func(context.Context, struct{}) (reef, error) { return reef{}, errGone }, tako.Throws(errGone))
	s.away = tako.Get(app, "/away", func(_ context.Context, _ struct{}) (reef, error) { return reef{}, nil })
	s.moved = tako.Get(app, "/moved", func(context.Context, struct{}) (tako.Redirect, error) { return tako.Redirect{Location: "/gone"}, nil })
	s.large = tako.Get(app, "/large", func(context.Context, struct{}) (string, error) { return strings.Repeat("x", 998), nil }) // 1000 bytes of JSON
	s.flow = tako.Get(app, "/flow", func(context.Context, struct{}) (tako.Stream, error) {
		return tako.Stream{Body: io.LimitReader(endless{}, 1<<20)}, nil
	})
	s.silent = tako.Get(app, "/silent", func(ctx context.Context, _ struct{}) (reef, error) {
		entered <- struct{}{}
		<-ctx.Done()
		return reef{}, ctx.Err()
	}, tako.Blocking())
	return s
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func newClient(t *testing.T, url string, cfg client.Config) *client.Client {
	t.Helper()
	c, err := client.New(url, cfg)
	assert.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// overAll calls f with a server of each kind.
func overAll(t *testing.T, f func(t *testing.T, s service, server *takotest.Server)) {
	t.Helper()
	for name, serve := range map[string]func(testing.TB, tako.App) *takotest.Server{
		"std": takotest.Serve,
		"loop": func(t testing.TB, app tako.App) *takotest.Server {
			return takotest.Run(t, loop.New(app, loop.Config{Addr: "127.0.0.1:0"}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(nil)
			f(t, s, serve(t, s.app))
		})
	}
}

func TestCall(t *testing.T) {
	t.Parallel()
	overAll(t, func(t *testing.T, s service, server *takotest.Server) {
		c := newClient(t, server.URL, client.Config{})
		host := strings.TrimPrefix(server.URL, "http://")
		got, err := client.Call(t.Context(), c, s.get, getReef{Ocean: "a/b ü", Page: 2})
		assert.NoError(t, err)
		assert.Equal(t, got, reef{"a/b ü", host + " /oceans/a%2Fb%20%C3%BC/reef 2  "})
		made, err := client.Call(t.Context(), c, s.put, struct{ Body reef }{reef{Name: "r"}})
		assert.NoError(t, err)
		assert.Equal(t, made, tako.Created[reef]{Location: "/reefs/1", Body: reef{Name: "r"}})
		_, err = client.Call(t.Context(), c, s.gone, struct{}{})
		assert.ErrorIs(t, err, errGone)
		to, err := client.Call(t.Context(), c, s.moved, struct{}{})
		assert.NoError(t, err)
		assert.Equal(t, to, tako.Redirect{Status: 303, Location: "/gone"})
		flow, err := client.Call(t.Context(), c, s.flow, struct{}{})
		assert.NoError(t, err)
		n, err := io.Copy(io.Discard, flow.Body)
		assert.NoError(t, err)
		assert.NoError(t, flow.Close())
		assert.Equal(t, n, int64(1<<20))
	})
}

func TestBasePathHeaderAndAuth(t *testing.T) {
	t.Parallel()
	s := newService(nil)
	outer := tako.New()
	outer.Mount("/api/v 1", s.app)
	if err := outer.Build(); err == nil {
		t.Fatal("a prefix with a space was mounted")
	}
	s = newService(nil)
	outer = tako.New()
	outer.Mount("/api/v1", s.app)
	server := takotest.Run(t, std.New(outer, std.Config{Addr: "127.0.0.1:0"}))
	own := http.Header{"X-Own": {"ours"}}
	c := newClient(t, server.URL+"/api/v1/", client.Config{Header: own, Auth: func(req *http.Request) error {
		if req.URL.Path == "/api/v1/gone" {
			return errGone
		}
		req.Header.Set("Authorization", "Bearer "+req.URL.Host)
		return nil
	}})
	own.Set("X-Own", "changed later")
	host := strings.TrimPrefix(server.URL, "http://")
	got, err := client.Call(t.Context(), c, s.get, getReef{Ocean: "a/b"})
	assert.NoError(t, err)
	assert.Equal(t, got.Via, host+" /api/v1/oceans/a%2Fb/reef 0 ours Bearer "+host)
	got, err = client.Call(t.Context(), c, s.get, getReef{Ocean: "x"}, func(req *http.Request) {
		req.Header.Set("X-Own", "theirs")
		req.Host = "other.example"
	})
	assert.NoError(t, err)
	assert.Equal(t, got.Via, "other.example /api/v1/oceans/x/reef 0 theirs Bearer "+host)
	_, err = client.Call(t.Context(), c, s.gone, struct{}{})
	assert.ErrorIs(t, err, errGone)
	assert.Contains(t, err.Error(), "client: credentials: ")
}

func TestRequestIsNotChanged(t *testing.T) {
	t.Parallel()
	s := newService(nil)
	c := newClient(t, "http://reefs.example/v1", client.Config{Header: http.Header{"X-Own": {"ours"}}, Transport: takotest.New(t, s.app)})
	req, err := s.gone.Request(t.Context(), struct{}{})
	assert.NoError(t, err)
	resp, err := c.RoundTrip(req)
	assert.NoError(t, err)
	assert.NoError(t, resp.Body.Close())
	assert.Equal(t, fmt.Sprint(req.URL, req.Header["X-Own"]), "http://tako.invalid/gone []")
}

func TestResponseLimit(t *testing.T) {
	t.Parallel()
	s := newService(nil)
	server := takotest.Serve(t, s.app)
	for limit, ok := range map[int64]bool{999: false, 1000: true, client.NoLimit: true, 0: true} {
		c := newClient(t, server.URL, client.Config{MaxResponse: limit})
		got, err := client.Call(t.Context(), c, s.large, struct{}{})
		if errors.Is(err, client.ErrResponseTooLarge) == ok || ok && len(got) != 998 {
			t.Errorf("limit %d: got %d bytes, %v", limit, len(got), err)
		}
		flow, err := client.Call(t.Context(), c, s.flow, struct{}{})
		assert.NoError(t, err)
		n, err := io.Copy(io.Discard, flow.Body)
		assert.NoError(t, flow.Close())
		if limit > 0 && (n != limit || !errors.Is(err, client.ErrResponseTooLarge)) || limit <= 0 && (n != 1<<20 || err != nil) {
			t.Errorf("limit %d: got %d bytes of a stream, %v", limit, n, err)
		}
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{}, 1)
	s := newService(entered)
	server := takotest.Serve(t, s.app)
	_, err := client.Call(t.Context(), newClient(t, server.URL, client.Config{Timeout: 2 * time.Second}), s.silent, struct{}{})
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Contains(t, err.Error(), "GET /silent: client: no answer within 2s")
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-entered; cancel() }()
	_, err = client.Call(ctx, newClient(t, server.URL, client.Config{Timeout: client.NoLimit}), s.silent, struct{}{})
	assert.ErrorIs(t, err, context.Canceled)
}

// stalling is a transport whose responses never end.
type stalling struct{}

func (stalling) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: -1, Body: stalled{req.Context()}}, nil
}

type stalled struct{ ctx context.Context }

func (s stalled) Read([]byte) (int, error) { <-s.ctx.Done(); return 0, s.ctx.Err() }
func (s stalled) Close() error             { return nil }

func TestTimeoutOfTheBody(t *testing.T) {
	t.Parallel()
	c := newClient(t, "http://reefs.example", client.Config{Transport: stalling{}, Timeout: 50 * time.Millisecond})
	_, err := client.Call(t.Context(), c, newService(nil).away, struct{}{})
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Contains(t, err.Error(), "no answer within 50ms")
}

// counting counts the requests and redirects each elsewhere.
type counting struct{ n *atomic.Int32 }

func (c counting) RoundTrip(req *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return &http.Response{StatusCode: 307, Header: http.Header{"Location": {"http://evil.example/"}}, Body: http.NoBody, Request: req}, nil
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	c := newClient(t, "http://reefs.example", client.Config{Transport: counting{&n}})
	_, err := client.Call(t.Context(), c, newService(nil).away, struct{}{})
	assert.Contains(t, fmt.Sprint(err), `redirected to "http://evil.example/"`)
	assert.Equal(t, n.Load(), int32(1))
}

func TestCutResponseIsAnError(t *testing.T) {
	t.Parallel()
	app := tako.New()
	route := tako.Get(app, "/", func(_ context.Context, in struct{ C *tako.Context }) (string, error) {
		in.C.Header().Set("Content-Type", "application/json")
		in.C.Header().Set("Content-Length", "9")
		_, err := in.C.WriteString(`"abc"`)
		return "", errors.Join(err, in.C.Flush())
	})
	server := takotest.Serve(t, app)
	_, err := client.Call(t.Context(), newClient(t, server.URL, client.Config{}), route, struct{ C *tako.Context }{})
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestBodyIsClosedWhenNothingIsSent(t *testing.T) {
	t.Parallel()
	c := newClient(t, "http://reefs.example", client.Config{Auth: func(*http.Request) error { return errGone }})
	closed := false
	req, err := http.NewRequestWithContext(t.Context(), "POST", "http://x.example/", closer{strings.NewReader("x"), &closed})
	assert.NoError(t, err)
	_, err = c.RoundTrip(req)
	assert.ErrorIs(t, err, errGone)
	assert.Equal(t, closed, true)
}

type closer struct {
	io.Reader
	closed *bool
}

func (c closer) Close() error { *c.closed = true; return nil }

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"": "no scheme", "reefs.example": "no scheme", "ftp://reefs.example": "no scheme", "http://": "no host", "http://:80": "no host",
		"http://u:secret@reefs.example": "has credentials", "http://reefs.example/?a=secret": "has a query", "http://reefs.example/#": "fragment",
		"http://reefs.example/?": "has a query", "http://u:secret@reefs .example/": "base URL: ", "http://reefs.example:x/": "base URL: ",
	} {
		_, err := client.New(url, client.Config{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, want an error with %q", url, err, want)
		}
	}
	for _, cfg := range []client.Config{{Timeout: -2}, {MaxResponse: -2}} {
		if _, err := client.New("http://reefs.example", cfg); err == nil {
			t.Errorf("%+v: got no error", cfg)
		}
	}
}
