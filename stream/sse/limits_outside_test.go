package sse_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/sse"
	"github.com/tako-go/tako/takotest"
)

// A silent stream has a comment each 15 s, or as often as is set.
func TestOutsideKeepAlive(t *testing.T) {
	for _, tt := range []struct{ set, want time.Duration }{
		{0, 15 * time.Second}, {time.Hour, time.Hour}, {tako.NoLimit, 0},
	} {
		cfg := sse.Config{KeepAlive: tt.set}
		synctest.Test(t, func(t *testing.T) {
			app := tako.New()
			hub := sse.NewHub[string](sse.HubConfig{Stream: cfg})
			uploads := sse.NewUploads(sse.UploadsConfig{Stream: cfg, Expiry: 10000 * time.Hour})
			silent := make(chan sse.Event[string])
			tako.Get(app, "/stream", stream(sse.Stream[string]{Channel: silent, Config: cfg}))
			tako.Get(app, "/hub", stream(hub.Stream("topic")))
			tako.Get(app, "/uploads", stream(uploads.Stream("one")))
			app.Get("/writer", func(c *tako.Context) error {
				w, err := sse.Open[string](c, cfg)
				if err == nil {
					<-w.Context().Done()
				}
				return err
			})
			s := takotest.New(t, app)
			for _, path := range []string{"/stream", "/hub", "/uploads", "/writer"} {
				body := s.Open("GET", path).Body
				began := time.Now()
				if tt.want == 0 {
					ended := time.AfterFunc(100*time.Hour, func() { _ = body.Close() })
					_, err := body.Read(make([]byte, 10))
					assert.Equal(t, err != nil, true, path)
					assert.Equal(t, time.Since(began), 100*time.Hour, path)
					ended.Stop()
					continue
				}
				for i := range time.Duration(3) {
					buf := make([]byte, 10)
					n, err := body.Read(buf)
					assert.NoError(t, err, path)
					assert.Equal(t, string(buf[:n]), ":\n\n", path)
					assert.Equal(t, time.Since(began), (i+1)*tt.want, path)
				}
				_ = body.Close()
			}
		})
	}
}

// bounded is a response that notes what time it is given.
type bounded struct {
	*httptest.ResponseRecorder
	limits map[time.Duration]bool
}

func (b *bounded) SetWriteDeadline(by time.Time) error {
	if !by.IsZero() {
		b.limits[time.Until(by)] = true
	}
	return nil
}

// What is sent at once has 10 s, or what is set, and an eighth more.
func TestOutsideWriteTimeout(t *testing.T) {
	for _, tt := range []struct{ set, want time.Duration }{
		{0, 11250 * time.Millisecond}, {8 * time.Hour, 9 * time.Hour}, {tako.NoLimit, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			app := tako.New()
			app.Get("/", func(c *tako.Context) error {
				w, err := sse.Open[string](c, sse.Config{WriteTimeout: tt.set, Retry: time.Second})
				if err != nil {
					return err
				}
				<-time.After(20 * time.Hour)
				return w.Send(sse.Event[string]{Data: "x"})
			})
			w := &bounded{httptest.NewRecorder(), map[time.Duration]bool{}}
			app.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			assert.Contains(t, w.Body.String(), "retry: 1000\n")
			assert.Contains(t, w.Body.String(), "data: x\n\n")
			if tt.want == 0 {
				assert.Equal(t, len(w.limits), 0)
				return
			}
			assert.Equal(t, w.limits[tt.want], true, w.limits)
		})
	}
}

// The queue of a subscriber has 256 places, or as many as are set, and BlockTimeout is a second.
func TestOutsideQueue(t *testing.T) {
	for _, tt := range []struct{ set, want int }{{0, 256}, {3, 3}, {1000, 1000}} {
		for _, slow := range []sse.SlowPolicy{sse.DropOldest, sse.CloseSlow, sse.BlockPublisher} {
			for _, wait := range []time.Duration{0, time.Hour} {
				synctest.Test(t, func(t *testing.T) {
					hub := sse.NewHub[string](sse.HubConfig{Queue: tt.set, Slow: slow, BlockTimeout: wait, Stream: sse.Config{KeepAlive: tako.NoLimit}})
					s := takotest.New(t, hubApp(hub))
					stalled := s.Open("GET", "/?topic=a")
					publish(t, hub, "a", "taken")
					synctest.Wait() // it is on its way, and fills that
					want := sse.HubStats{Subscribers: 1, Topics: 1, Published: 1, Waiting: 0}
					for range tt.want {
						publish(t, hub, "a", "waits")
					}
					want.Published += int64(tt.want)
					want.Waiting = tt.want
					got := hub.Stats()
					got.Delivered = 0
					assert.Equal(t, got, want)
					began := time.Now()
					publish(t, hub, "a", "too much")
					took := time.Since(began)
					want.Published++
					switch slow {
					case sse.DropOldest:
						want.Dropped++
					default:
						want.Slow++
						want.Subscribers, want.Topics, want.Waiting = 0, 0, 0
					}
					got = hub.Stats()
					got.Delivered = 0
					assert.Equal(t, got, want, slow)
					blocks := map[bool]time.Duration{true: wait}[slow == sse.BlockPublisher]
					if slow == sse.BlockPublisher && wait == 0 {
						blocks = time.Second
					}
					assert.Equal(t, took, blocks)
					_ = stalled.Body.Close()
				})
			}
		}
	}
}

// The replay buffer is off by default; with it there are 1 MiB and 5 minutes unless others are set.
func TestOutsideReplay(t *testing.T) {
	for _, tt := range []struct {
		cfg   sse.HubConfig
		bytes int
		age   time.Duration
	}{
		{sse.HubConfig{Replay: 1 << 20}, 1 << 20, 5 * time.Minute},
		{sse.HubConfig{Replay: 1 << 20, ReplayBytes: 4000, ReplayAge: time.Hour}, 4000, time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			hub := sse.NewHub[string](tt.cfg)
			publish(t, hub, "a", "x")
			each := hub.Stats().KeptBytes
			for range 2 * tt.bytes / each {
				publish(t, hub, "a", "x")
			}
			stats := hub.Stats()
			if stats.KeptBytes > tt.bytes || stats.KeptBytes < tt.bytes-2*each-20 {
				t.Errorf("got %d bytes in a buffer of %d", stats.KeptBytes, tt.bytes)
			}
			<-time.After(tt.age - time.Nanosecond)
			publish(t, hub, "a", "x")
			if kept := hub.Stats().Kept; kept < stats.Kept-1 {
				t.Errorf("got %d events, want about %d", kept, stats.Kept)
			}
			<-time.After(2 * time.Nanosecond)
			publish(t, hub, "a", "x")
			assert.Equal(t, hub.Stats().Kept, 2)
		})
	}
	hub := sse.NewHub[string](sse.HubConfig{})
	publish(t, hub, "a", "x")
	assert.Equal(t, hub.Stats(), sse.HubStats{Published: 1})
}

// A client that connects again is counted, with what it gets again.
func TestOutsideReplayed(t *testing.T) {
	hub := sse.NewHub[string](sse.HubConfig{Replay: 3})
	s := takotest.New(t, hubApp(hub))
	publishAs(t, hub, "a", "1", "2", "3", "4")
	source := open(t, s, "/?topic=a", "2")
	assert.Equal(t, data(source.next(), source.next()), []string{"a3", "a4"})
	_ = source.body.Close()
	lost := open(t, s, "/?topic=a", "unknown")
	assert.Equal(t, lost.next().name, sse.ResetEvent)
	_ = lost.body.Close()
	assert.Eventually(t, patience, "both are gone", func() bool { return hub.Stats().Subscribers == 0 })
	got := hub.Stats()
	got.KeptBytes = 0
	assert.Equal(t, got, sse.HubStats{Topics: 1, Published: 4, Delivered: got.Delivered, Replayed: 2, Missed: 1, Kept: 3})
}

// Of uploads 1024 are known at once for a minute after their end, or what is set.
func TestOutsideUploads(t *testing.T) {
	for _, tt := range []struct {
		cfg    sse.UploadsConfig
		max    int
		expiry time.Duration
	}{
		{sse.UploadsConfig{}, 1024, time.Minute},
		{sse.UploadsConfig{Max: 2, Expiry: time.Hour}, 2, time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			uploads := sse.NewUploads(tt.cfg)
			s := takotest.New(t, uploadApp(uploads))
			for i := range tt.max {
				s.Post(fmt.Sprint("/", i), takotest.Body("text/plain", "x")).Expect(200)
			}
			assert.Equal(t, uploads.Known(), tt.max)
			s.Post("/more", takotest.Body("text/plain", "x")).Problem(503)
			<-time.After(tt.expiry - time.Nanosecond)
			s.Post("/0", takotest.Body("text/plain", "x")).Problem(409)
			s.Post("/more", takotest.Body("text/plain", "x")).Problem(503)
			<-time.After(2 * time.Nanosecond)
			s.Post("/0", takotest.Body("text/plain", "x")).Expect(200)
			began := time.Now() // what does not begin is awaited as long
			s.Get("/none/progress").Expect(200)
			assert.Equal(t, time.Since(began), tt.expiry)
		})
	}
	s := takotest.New(t, uploadApp(sse.NewUploads(sse.UploadsConfig{})))
	longest := strings.Repeat("x", 128)
	s.Post("/"+longest, takotest.Body("text/plain", "x")).Expect(200)
	s.Post("/"+longest+"x", takotest.Body("text/plain", "x")).Problem(400)
}

// Progress is told as often as is set.
func TestOutsideUploadProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		uploads := sse.NewUploads(sse.UploadsConfig{Progress: tako.ProgressConfig{Bytes: 1 << 10, Interval: time.Nanosecond}})
		app := uploadApp(uploads)
		app.Get("/watched", func(c *tako.Context) error { return uploads.Stream("one").Respond(c) })
		s := takotest.New(t, app)
		watcher := newEventSource(t, s.Open("GET", "/watched").Body)
		s.Post("/one", takotest.Body("text/plain", strings.Repeat("x", 10<<10))).Expect(200)
		all, _ := watcher.rest()
		last := progressOf(t, all[len(all)-1])
		assert.Equal(t, last, sse.UploadProgress{Read: 10 << 10, Total: 10 << 10, Done: true})
	})
}

// An event of more than 1 MiB is an error of who reads it, and one of 1 MiB is none.
func TestOutsideTooLarge(t *testing.T) {
	app := tako.New()
	route := tako.Get(app, "/{size}", func(_ context.Context, in struct {
		Size int `path:"size"`
	}) (sse.Stream[string], error) {
		ch := make(chan sse.Event[string], 1)
		ch <- sse.Event[string]{Data: strings.Repeat("x", in.Size)}
		close(ch)
		return sse.Stream[string]{Channel: ch}, nil
	})
	s := takotest.New(t, app)
	for size, want := range map[int]error{1<<20 - len("data: \n"): nil, 1<<20 + 1: sse.ErrTooLarge} {
		got, err := route.Do(t.Context(), s, struct {
			Size int `path:"size"`
		}{size})
		assert.NoError(t, err)
		n := 0
		for e, err := range got.Events {
			if n++; want != nil {
				assert.ErrorIs(t, err, want)
				continue
			}
			assert.NoError(t, err)
			assert.Equal(t, len(e.Data), size)
		}
		assert.Equal(t, n, 1)
		got.Stop()
	}
}

// A Stream that is not sent can be closed, and one can be described by hand.
func TestOutsideStream(t *testing.T) {
	stopped := 0
	st := sse.Stream[point]{Stop: func() { stopped++ }}
	assert.NoError(t, st.Close())
	assert.NoError(t, sse.Stream[point]{}.Close())
	assert.Equal(t, stopped, 1)
	var op tako.Operation
	st.DescribeOutput(&op)
	var out bytes.Buffer
	for _, r := range op.Responses {
		fmt.Fprint(&out, r.Status, " ", r.Type, " ", r.Media)
	}
	assert.Equal(t, out.String(), "200 sse_test.point [text/event-stream]")
}
