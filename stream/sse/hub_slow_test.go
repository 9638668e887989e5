package sse_test

import (
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/sse"
	"github.com/tako-go/tako/takotest"
)

// One client of many that does not read delays nobody, and its queue is bounded.
func TestSS03Stalled(t *testing.T) {
	const events = 300
	for policy, name := range map[sse.SlowPolicy]string{sse.DropOldest: "drop", sse.CloseSlow: "close"} {
		t.Run(name, func(t *testing.T) {
			var hub *sse.Hub[string]
			overAll(t, func() *tako.Router {
				hub = sse.NewHub[string](sse.HubConfig{Slow: policy, Stream: sse.Config{WriteTimeout: time.Minute}})
				return hubApp(hub)
			}, func(t *testing.T, s *carrier) {
				readers := 100
				if s.proto == tako.HTTP11 && !raceEnabled {
					readers = 1000
				}
				stalled := s.do(t, "GET", "/?topic=all&topic=bulk", nil)
				sources := make([]*eventSource, readers)
				for i := range sources {
					sources[i] = s.source(t, "/?topic=all")
				}
				assert.Equal(t, hub.Stats().Subscribers, readers+1)
				large := strings.Repeat("x", 64<<10)
				delivered, still := int64(0), 0
				assert.Eventually(t, 2*patience, "the client to stall", func() bool {
					stats := hub.Stats()
					if policy == sse.CloseSlow || stats.Waiting == 0 { // more than is taken without a reader
						for range 300 {
							publish(t, hub, "bulk", large)
						}
						return hub.Stats().Slow > 0
					}
					if still++; stats.Delivered != delivered || delivered == 0 { // or it had no turn yet
						delivered, still = stats.Delivered, 0
					}
					return still >= 25
				})
				begin := time.Now()
				for i := range events {
					publish(t, hub, "all", strconv.Itoa(i))
					if i%100 == 99 { // the others have queues too
						for _, source := range sources {
							for range 100 {
								if e := source.next(); e.data != strconv.Itoa(i-99) && len(e.data) > 3 {
									t.Fatalf("got %q", e.data)
								}
							}
						}
					}
				}
				if took := time.Since(begin); took > patience {
					t.Errorf("the others took %v", took)
				}
				stats := hub.Stats()
				switch policy {
				case sse.DropOldest:
					assert.Equal(t, stats.Waiting, 256)
					assert.Equal(t, stats.Subscribers, readers+1)
					assert.Equal(t, stats.Slow, int64(0))
				case sse.CloseSlow:
					assert.Equal(t, stats.Waiting, 0)
					assert.Equal(t, stats.Subscribers, readers)
					assert.Equal(t, stats.Slow, int64(1))
					assert.Equal(t, stats.Dropped, int64(0))
				}
				_ = stalled.Body.Close()
				for _, source := range sources {
					_ = source.body.Close()
				}
				assert.Eventually(t, patience, "all to be gone", func() bool { return hub.Stats().Subscribers == 0 })
			})
		})
	}
}

// Publishers wait for a client that is slow for a while, and give one up that is stalled.
func TestSS03Block(t *testing.T) {
	const n = 500
	hub := sse.NewHub[string](sse.HubConfig{Slow: sse.BlockPublisher, Queue: 2, BlockTimeout: patience})
	s := takotest.New(t, hubApp(hub))
	first, second := open(t, s, "/?topic=a", ""), open(t, s, "/?topic=a", "")
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			for i := range n {
				publish(t, hub, "a", strconv.Itoa(i))
			}
		})
	}
	for range 2 * n {
		assert.Equal(t, first.next(), second.next())
	}
	wait.Wait()
	assert.Equal(t, hub.Stats().Dropped+hub.Stats().Slow, int64(0))

	hub = sse.NewHub[string](sse.HubConfig{Slow: sse.BlockPublisher, Queue: 2, BlockTimeout: 50 * time.Millisecond})
	s = takotest.New(t, hubApp(hub))
	stalled := s.Open("GET", "/?topic=a")
	defer stalled.Body.Close()
	for range 10 {
		publish(t, hub, "a", "x")
	}
	assert.Equal(t, hub.Stats().Slow, int64(1))
	assert.Equal(t, hub.Stats().Subscribers, 0)
}

// A million events with a client that does not read keep memory flat, and the figures say what
// became of them.
func TestSS03Million(t *testing.T) {
	const n = 1_000_000
	hub := sse.NewHub[string](sse.HubConfig{Replay: 1000, Stream: sse.Config{WriteTimeout: time.Minute}})
	s := takotest.New(t, hubApp(hub))
	stalled := s.Open("GET", "/?topic=a")
	defer stalled.Body.Close()
	for range n {
		publish(t, hub, "a", "some text")
	}
	stats := hub.Stats()
	assert.Equal(t, stats.Published, int64(n))
	assert.Equal(t, stats.Kept, 1000)
	assert.Equal(t, stats.Dropped > 0, true)
	assert.Equal(t, stats.Waiting <= 256, true)
	assert.Eventually(t, patience, "the figures to agree", func() bool { // some may be on their way to the client
		stats = hub.Stats()
		return stats.Dropped+stats.Delivered+int64(stats.Waiting) == n
	})
}

// A client whose stream the publisher has ended, while its handler waits for it, counts once.
func TestSS03Once(t *testing.T) {
	hub := sse.NewHub[string](sse.HubConfig{Slow: sse.CloseSlow, Queue: 4, Stream: sse.Config{WriteTimeout: 300 * time.Millisecond}})
	done := make(chan struct{})
	r := tako.New()
	r.Log(quiet)
	r.Get("/", func(c *tako.Context) error {
		c.OnDone(func(tako.Outcome) { close(done) })
		return hub.Stream("a").Respond(c)
	})
	conn := takotest.Serve(t, r).Dial() // of which nothing is read
	_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
	assert.NoError(t, err)
	large := strings.Repeat("x", 1<<20)
	assert.Eventually(t, patience, "the client to stall", func() bool {
		publish(t, hub, "a", large)
		return hub.Stats().Slow > 0
	})
	<-done
	assert.Equal(t, hub.Stats().Slow, int64(1))
}
