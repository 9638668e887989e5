package sse_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/openapi"
	"github.com/tako-go/tako/stream/sse"
	"github.com/tako-go/tako/takotest"
)

type point struct {
	X int `json:"x"`
}

// count yields n events.
func count(n int) iter.Seq2[sse.Event[point], error] {
	return func(yield func(sse.Event[point], error) bool) {
		for i := range n {
			if !yield(sse.Event[point]{Name: "point", ID: strconv.Itoa(i), Data: point{i}}, nil) {
				return
			}
		}
	}
}

// An iterator and a channel end the stream with their own end.
func TestSources(t *testing.T) {
	const n = 1000
	overAll(t, func() *tako.Router {
		r := tako.New()
		tako.Get(r, "/events", func(context.Context, struct{}) (sse.Stream[point], error) {
			return sse.Stream[point]{Events: count(n)}, nil
		})
		tako.Get(r, "/channel", func(context.Context, struct{}) (sse.Stream[point], error) {
			ch := make(chan sse.Event[point])
			go func() {
				defer close(ch)
				for e := range count(n) {
					ch <- e
				}
			}()
			return sse.Stream[point]{Channel: ch}, nil
		})
		r.Get("/writer", func(c *tako.Context) error {
			w, err := sse.Open[point](c, sse.Config{})
			if err != nil {
				return err
			}
			for e := range count(n) {
				if err := w.Send(e); err != nil {
					return err
				}
			}
			return nil
		})
		return r
	}, func(t *testing.T, s *carrier) {
		for _, path := range []string{"/events", "/channel", "/writer"} {
			all, err := s.source(t, path).rest()
			assert.Equal(t, len(all), n, path)
			for i, e := range all {
				assert.Equal(t, e, received{"point", fmt.Sprintf(`{"x":%d}`, i), strconv.Itoa(i)}, path)
			}
			assert.ErrorIs(t, err, io.EOF, path)
		}
	})
}

// The head comes at once, then comments; the write timeout of the server does not end it.
func TestSS02Idle(t *testing.T) {
	cfg := sse.Config{KeepAlive: 40 * time.Millisecond, Retry: 1500 * time.Millisecond}
	overLimited(t, tako.Limits{WriteTimeout: 500 * time.Millisecond}, func() *tako.Router {
		r := tako.New()
		r.Timeout(400 * time.Millisecond)
		tako.Get(r, "/stream", stream(sse.Stream[string]{Channel: make(chan sse.Event[string]), Config: cfg}))
		r.Get("/writer", func(c *tako.Context) error {
			w, err := sse.Open[string](c, cfg)
			if err == nil {
				<-w.Context().Done()
				err = context.Cause(w.Context())
			}
			return err
		})
		return r
	}, func(t *testing.T, s *carrier) {
		t.Parallel()
		for _, path := range []string{"/stream", "/writer"} {
			begin := time.Now()
			source := s.source(t, path)
			for range 18 {
				select {
				case comment := <-source.comments:
					assert.Equal(t, comment, "")
				case <-time.After(patience):
					t.Fatal(path, ": no comment")
				}
			}
			if took := time.Since(begin); took < 600*time.Millisecond { // longer than both limits
				t.Errorf("%s: 18 comments after %v, want one each 40 ms", path, took)
			}
			assert.Equal(t, source.retry, "1500", path)
			select {
			case err := <-source.err:
				t.Errorf("%s: ended: %v", path, err)
			default:
			}
			_ = source.body.Close()
		}
	})
}

// Each event is there before the next is made.
func TestSS02Flush(t *testing.T) {
	ch := make(chan sse.Event[string])
	overAll(t, func() *tako.Router {
		r := tako.New()
		tako.Get(r, "/", stream(sse.Stream[string]{Channel: ch}))
		return r
	}, func(t *testing.T, s *carrier) {
		source := s.source(t, "/")
		for i := range 100 {
			ch <- sse.Event[string]{Data: strconv.Itoa(i)}
			assert.Equal(t, source.next().data, strconv.Itoa(i))
		}
		_ = source.body.Close()
	})
}

// A client that leaves ends its source soon, while events come and while none do.
func TestSS04Gone(t *testing.T) {
	stopped := make(chan string, 10)
	overAll(t, func() *tako.Router {
		r := tako.New()
		tako.Get(r, "/waits", func(ctx context.Context, _ struct{}) (sse.Stream[string], error) {
			return sse.Stream[string]{Events: func(yield func(sse.Event[string], error) bool) {
				yield(sse.Event[string]{Data: "first"}, nil)
				<-ctx.Done()
				stopped <- "/waits"
			}}, nil
		})
		tako.Get(r, "/yields", func(context.Context, struct{}) (sse.Stream[string], error) {
			return sse.Stream[string]{Events: func(yield func(sse.Event[string], error) bool) {
				for yield(sse.Event[string]{Data: "first"}, nil) {
				}
				stopped <- "/yields"
			}}, nil
		})
		tako.Get(r, "/channel", func(context.Context, struct{}) (sse.Stream[string], error) {
			ch := make(chan sse.Event[string], 1)
			ch <- sse.Event[string]{Data: "first"}
			return sse.Stream[string]{Channel: ch, Stop: func() { stopped <- "/channel" }}, nil
		})
		r.Get("/writer", func(c *tako.Context) error {
			w, err := sse.Open[string](c, sse.Config{})
			if err == nil {
				err = w.Send(sse.Event[string]{Data: "first"})
			}
			if err == nil {
				<-w.Context().Done()
				assert.ErrorIs(t, w.Send(sse.Event[string]{}), tako.ErrClientGone)
			}
			stopped <- "/writer"
			return err
		})
		return r
	}, func(t *testing.T, s *carrier) {
		for _, path := range []string{"/waits", "/yields", "/channel", "/writer"} {
			source := s.source(t, path)
			assert.Equal(t, source.next().data, "first", path)
			_ = source.body.Close()
			select {
			case which := <-stopped:
				assert.Equal(t, which, path)
			case <-time.After(patience):
				t.Fatal(path, " goes on")
			}
		}
	})
}

// The head, and nothing but the head for HEAD, which touches no source.
func TestSS06Head(t *testing.T) {
	var touched *atomic.Int64 // of the server that is tested
	hub := sse.NewHub[string](sse.HubConfig{})
	overAll(t, func() *tako.Router {
		r, mine := tako.New(), new(atomic.Int64)
		touched = mine
		tako.Get(r, "/stream", func(context.Context, struct{}) (sse.Stream[point], error) {
			return sse.Stream[point]{Events: func(yield func(sse.Event[point], error) bool) { mine.Add(1) }}, nil
		})
		tako.Get(r, "/hub", stream(hub.Stream("topic")))
		r.Get("/writer", func(c *tako.Context) error {
			w, err := sse.Open[string](c, sse.Config{})
			if err == nil && c.Method() == "HEAD" {
				assert.Equal(t, w.Context().Err() != nil, true)
				err = w.Send(sse.Event[string]{})
				assert.ErrorIs(t, err, net.ErrClosed)
			}
			return err
		})
		return r
	}, func(t *testing.T, s *carrier) {
		for _, path := range []string{"/stream", "/hub", "/writer"} {
			for _, method := range []string{"HEAD", "GET"} {
				resp := s.do(t, method, path, nil)
				assert.Equal(t, resp.StatusCode, 200)
				assert.Equal(t, resp.Header.Get("Content-Type"), "text/event-stream")
				assert.Equal(t, resp.Header.Get("Cache-Control"), "no-store")
				assert.Equal(t, resp.Header.Get("X-Accel-Buffering"), "no")
				if s.proto != tako.HTTP11 {
					assert.Equal(t, resp.Header.Values("Connection"), []string(nil))
				}
				if method == "HEAD" {
					body, err := io.ReadAll(resp.Body)
					assert.NoError(t, err)
					assert.Equal(t, string(body), "")
					if path == "/stream" { // before GET comes
						assert.Equal(t, touched.Load(), int64(0))
					}
				}
				_ = resp.Body.Close()
			}
		}
		assert.Eventually(t, patience, "the subscribers to be gone", func() bool { return hub.Stats().Subscribers == 0 })
	})
}

// A drain ends streams soon, with a last word, and well.
func TestDrain(t *testing.T) {
	hub := sse.NewHub[string](sse.HubConfig{Stream: sse.Config{DrainRetry: 4 * time.Second}})
	paths := []string{"/events", "/hub", "/writer"}
	overAll(t, func() *tako.Router {
		r := tako.New()
		tako.Get(r, "/events", func(ctx context.Context, _ struct{}) (sse.Stream[string], error) {
			return sse.Stream[string]{Config: sse.Config{DrainRetry: 4 * time.Second}, Events: func(yield func(sse.Event[string], error) bool) {
				<-ctx.Done()
			}}, nil
		})
		tako.Get(r, "/hub", stream(hub.Stream("topic")))
		r.Get("/writer", func(c *tako.Context) error {
			w, err := sse.Open[string](c, sse.Config{DrainRetry: 4 * time.Second})
			if err != nil {
				return err
			}
			<-w.Context().Done()
			late := w.Send(sse.Event[string]{Data: "late"})
			assert.ErrorIs(t, late, sse.ErrDraining)
			return late // which is no failure
		})
		return r
	}, func(t *testing.T, s *carrier) {
		var sources []*eventSource
		for _, path := range paths {
			sources = append(sources, s.source(t, path))
		}
		s.shut(t)
		for i, source := range sources {
			err := source.end()
			assert.ErrorIs(t, err, io.EOF, paths[i])
			assert.Equal(t, source.retry, "4000", paths[i])
		}
	})
}

var errSource = errors.New("the source is broken")

// A source that fails breaks the response off; the event before it arrives.
func TestSourceFails(t *testing.T) {
	seen := make(chan bool) // a stream of QUIC that is reset loses what was not read
	failing := func(fail func(yield func(sse.Event[string], error) bool)) iter.Seq2[sse.Event[string], error] {
		return func(yield func(sse.Event[string], error) bool) {
			yield(sse.Event[string]{Data: "good"}, nil)
			<-seen
			fail(yield)
		}
	}
	sources := map[string]iter.Seq2[sse.Event[string], error]{
		"error":   failing(func(yield func(sse.Event[string], error) bool) { yield(sse.Event[string]{}, errSource) }),
		"panic":   failing(func(func(sse.Event[string], error) bool) { panic(errSource) }),
		"invalid": failing(func(yield func(sse.Event[string], error) bool) { yield(sse.Event[string]{ID: "\n"}, nil) }),
	}
	outcomes := make(chan tako.Outcome, 1)
	overAll(t, func() *tako.Router {
		r := tako.New()
		r.Use(func(next tako.Handler) tako.Handler {
			return func(c *tako.Context) error {
				c.OnDone(func(o tako.Outcome) { outcomes <- o })
				return next(c)
			}
		})
		for name, source := range sources {
			tako.Get(r, "/"+name, stream(sse.Stream[string]{Events: source}))
		}
		return r
	}, func(t *testing.T, s *carrier) {
		for name := range sources {
			source := s.source(t, "/"+name)
			assert.Equal(t, source.next().data, "good", name)
			seen <- true
			if err := source.end(); ended(err) {
				t.Errorf("%s: the response has ended well", name)
			}
			o := <-outcomes
			assert.Equal(t, o.Aborted, true, name)
			want := errSource
			if name == "invalid" {
				want = sse.ErrEvent
			}
			assert.ErrorIs(t, o.Err, want, name)
		}
	})
}

// A stream has one source, or is a 500; Stop is called all the same.
func TestNoSource(t *testing.T) {
	stops := 0
	r := tako.New()
	r.Log(quiet)
	tako.Get(r, "/none", stream(sse.Stream[int]{Stop: func() { stops++ }}))
	tako.Get(r, "/both", stream(sse.Stream[int]{Events: func(func(sse.Event[int], error) bool) {}, Channel: make(chan sse.Event[int]), Stop: func() { stops++ }}))
	s := takotest.New(t, r)
	s.Get("/none").Problem(http.StatusInternalServerError)
	s.Get("/both").Problem(http.StatusInternalServerError)
	assert.Equal(t, stops, 2)
}

// A document has the type of the data.
func TestDescribed(t *testing.T) {
	r := tako.New()
	tako.Get(r, "/", stream(sse.Stream[point]{}))
	r.Get("/raw", func(*tako.Context) error { return nil }, tako.Returns[point](200, "events", "text/event-stream"))
	doc, err := openapi.Build(r, openapi.Config{})
	assert.NoError(t, err)
	var got struct {
		Paths map[string]map[string]struct {
			Responses map[string]struct {
				Content map[string]struct {
					Schema map[string]any `json:"schema"`
				} `json:"content"`
			} `json:"responses"`
		} `json:"paths"`
	}
	assert.NoError(t, json.Unmarshal(doc.JSON(), &got))
	for _, path := range []string{"/", "/raw"} {
		content := got.Paths[path]["get"].Responses["200"].Content
		assert.Equal(t, len(content), 1)
		ref, _ := content["text/event-stream"].Schema["$ref"].(string)
		assert.Contains(t, ref, "oint")
	}
}

// A client that does not read is cut after the write timeout of the stream.
func TestSS03Slow(t *testing.T) {
	outcomes := make(chan tako.Outcome, 1)
	overAll(t, func() *tako.Router {
		r := tako.New()
		r.Get("/", func(c *tako.Context) error {
			c.OnDone(func(o tako.Outcome) { outcomes <- o })
			flood := sse.Event[string]{Data: strings.Repeat("x", 16<<10)}
			return sse.Stream[string]{Config: sse.Config{WriteTimeout: 300 * time.Millisecond}, Events: func(yield func(sse.Event[string], error) bool) {
				for yield(flood, nil) {
				}
			}}.Respond(c)
		})
		return r
	}, func(t *testing.T, s *carrier) {
		s.do(t, "GET", "/", nil)
		select {
		case o := <-outcomes:
			assert.ErrorIs(t, o.Err, tako.ErrClientGone)
			assert.ErrorIs(t, o.Err, sse.ErrSlow)
			assert.Equal(t, o.Aborted, true)
		case <-time.After(patience):
			t.Fatal("the stream goes on")
		}
	})
}

// A caller by the route gets the events as the handler has sent them.
func TestRouteDo(t *testing.T) {
	r := tako.New()
	route := tako.Get(r, "/", stream(sse.Stream[point]{Events: count(3)}))
	s := takotest.New(t, r)
	got, err := route.Do(t.Context(), s, struct{}{})
	assert.NoError(t, err)
	defer got.Stop()
	n := 0
	for e, err := range got.Events {
		assert.NoError(t, err)
		assert.Equal(t, e, sse.Event[point]{Name: "point", ID: strconv.Itoa(n), Data: point{n}})
		n++
	}
	assert.Equal(t, n, 3)
}

// What is sent behind a pause, the end included, has a deadline of its own.
func TestSS02Pause(t *testing.T) {
	cfg := sse.Config{WriteTimeout: 400 * time.Millisecond, KeepAlive: tako.NoLimit}
	pause := func(send func(e sse.Event[string])) {
		send(sse.Event[string]{Data: "x"})
		<-time.After(900 * time.Millisecond)
	}
	app := func() *tako.Router {
		r := tako.New()
		tako.Get(r, "/stream", stream(sse.Stream[string]{Config: cfg, Events: func(yield func(sse.Event[string], error) bool) {
			pause(func(e sse.Event[string]) { yield(e, nil) })
		}}))
		r.Get("/writer", func(c *tako.Context) error {
			w, err := sse.Open[string](c, cfg)
			if err == nil {
				pause(func(e sse.Event[string]) { assert.NoError(t, w.Send(e)) })
			}
			return err
		})
		return r
	}
	ends := func(t *testing.T, s *carrier) {
		t.Parallel()
		for path, source := range map[string]*eventSource{"/stream": s.source(t, "/stream"), "/writer": s.source(t, "/writer")} {
			all, err := source.rest()
			assert.ErrorIs(t, err, io.EOF, path)
			assert.Equal(t, data(all...), []string{"x"}, path)
		}
	}
	overAll(t, app, ends)
	// A server of net/http ends a stream of HTTP/2 whose deadline passes, though nobody writes.
	t.Run("net/http h2", func(t *testing.T) {
		srv := httptest.NewUnstartedServer(app())
		srv.EnableHTTP2 = true
		srv.StartTLS()
		t.Cleanup(srv.Close)
		ends(t, &carrier{proto: tako.HTTP2, base: srv.URL, RoundTripper: srv.Client().Transport})
	})
}

// A stream that the handler has not sent is stopped.
func TestStreamUnused(t *testing.T) {
	stopped := 0
	app := tako.New()
	tako.Get(app, "/", func(_ context.Context, in struct{ C *tako.Context }) (sse.Stream[string], error) {
		events := make(chan sse.Event[string])
		return sse.Stream[string]{Channel: events, Stop: func() { stopped++ }}, in.C.Text(200, "no events")
	})
	takotest.New(t, app).Get("/").Expect(200)
	assert.Equal(t, stopped, 1)
}
