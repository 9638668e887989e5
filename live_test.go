package tako_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// generation is a router all of whose parts say n.
func generation(n int) *tako.Router {
	name := fmt.Sprint(n)
	r := tako.New()
	r.Use(func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			c.Header().Set("X-Use", name)
			c.BeforeHead(func(h *tako.Head) { h.Header.Set("X-Head", name) })
			return next(c)
		}
	})
	tako.Supply(r, n)
	r.OnError(func(c *tako.Context, err error) error { return c.Text(tako.AsError(err).Status, "error "+name) })
	r.Fallback(says("fallback " + name))
	r.Get("/x", func(c *tako.Context) error {
		state, err := tako.Extract[tako.State[int]](c)
		if err != nil {
			return err
		}
		return c.Text(200, fmt.Sprint("ok ", state.Value))
	})
	r.Get("/error", func(c *tako.Context) error { return tako.Conflict("x") })
	return r
}

func TestLiveSwapUnderLoad(t *testing.T) {
	t.Parallel()
	live := tako.NewLive(generation(0))
	srv := takotest.New(t, live)
	var done atomic.Bool
	var clients, swappers sync.WaitGroup
	var served atomic.Int64
	for i := range 4 {
		clients.Go(func() {
			for n := 0; !done.Load() || n < 50; n++ {
				path := []string{"/x", "/error", "/nope"}[(i+n)%3]
				req, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+path, nil)
				if err != nil {
					t.Error(err)
					return
				}
				w := rawRequest(live, "GET", req.URL.RequestURI())
				served.Add(1)
				_, name, _ := strings.Cut(w.Body.String(), " ")
				if w.Header().Get("X-Use") != name || w.Header().Get("X-Head") != name || name == "" {
					t.Errorf("%s: got middleware %q, hook %q, answer %q, want one router", path, w.Header().Get("X-Use"), w.Header().Get("X-Head"), w.Body.String())
					return
				}
			}
		})
	}
	for i := range 2 {
		swappers.Go(func() {
			for n := range 300 {
				if err := live.Swap(generation(1 + i*1000 + n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	swappers.Wait()
	done.Store(true)
	clients.Wait()
	if served.Load() == 0 {
		t.Error("no request was served")
	}
}

// A request that is under way when the router is replaced ends on its own.
func TestLiveRequestUnderWayKeepsItsRouter(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	first := tako.New()
	tako.Supply(first, "first")
	first.OnError(func(c *tako.Context, err error) error { return c.Text(409, "first") })
	first.Get("/", func(c *tako.Context) error {
		close(entered)
		<-leave
		if state, err := tako.Extract[tako.State[string]](c); err != nil || state.Value != "first" {
			t.Errorf("got state %q, %v", state.Value, err)
		}
		return tako.Conflict("x")
	})
	second := tako.New()
	second.Get("/", says("second"))
	live := tako.NewLive(first)
	srv := takotest.New(t, live)
	var wg sync.WaitGroup
	wg.Go(func() {
		got := rawRequest(live, "GET", "/")
		assert.Equal(t, fmt.Sprint(got.Code, got.Body.String()), "409first")
	})
	<-entered
	assert.NoError(t, live.Swap(second))
	srv.Get("/").Expect(200).ExpectText("second")
	close(leave)
	wg.Wait()
}

func TestLiveSwapOfABrokenRouter(t *testing.T) {
	t.Parallel()
	live := tako.NewLive(generation(1))
	srv := takotest.New(t, live)
	for range 3 {
		broken := generation(2)
		broken.Get("/{", says("x"))
		broken.Use(nil)
		err := live.Swap(broken)
		assert.Contains(t, fmt.Sprint(err), "2 registration mistakes")
		srv.Get("/x").Expect(200).ExpectText("ok 1")
	}
	func() {
		defer func() {
			if v := recover(); v != nil {
				t.Errorf("got panic %v, want an error", v)
			}
		}()
		if err := live.Swap(nil); err == nil {
			t.Error("swap to no router: got no error")
		}
	}()
	srv.Get("/x").Expect(200).ExpectText("ok 1")
	assert.NoError(t, live.Swap(generation(3)))
	srv.Get("/x").Expect(200).ExpectText("ok 3")
	assert.NoError(t, live.Build(), "build after a swap")
	srv.Get("/x").ExpectText("ok 3")
}

func TestLiveWithABrokenFirstRouter(t *testing.T) {
	t.Parallel()
	broken := tako.New()
	broken.Get("bad", says("x"))
	live := tako.NewLive(broken)
	if err := live.Build(); err == nil {
		t.Error("got no error for a router with mistakes")
	}
	assert.Equal(t, rawRequest(live, "GET", "/").Code, 500)
	assert.NoError(t, live.Swap(generation(1)))
	assert.NoError(t, live.Build())
	assert.Equal(t, rawRequest(live, "GET", "/x").Body.String(), "ok 1")
}

// A Live that nobody built is built by its first request, whole.
func TestLiveFirstRequestsAtOnce(t *testing.T) {
	t.Parallel()
	live := tako.NewLive(generation(1))
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			got := rawRequest(live, "GET", "/x")
			assert.Equal(t, got.Body.String()+" "+got.Header().Get("X-Use"), "ok 1 1")
		})
	}
	wg.Wait()
}
