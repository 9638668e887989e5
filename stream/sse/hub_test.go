package sse_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/sse"
	"github.com/tako-go/tako/takotest"
)

type topics struct {
	Topics []string `query:"topic"`
}

// hubApp serves the topics that the query names.
func hubApp(hub *sse.Hub[string]) *tako.Router {
	r := tako.New()
	r.Log(quiet)
	tako.Get(r, "/", func(_ context.Context, in topics) (sse.Stream[string], error) { return hub.Stream(in.Topics...), nil })
	return r
}

// open opens a stream in memory.
func open(t testing.TB, s *takotest.Server, target, lastID string) *eventSource {
	t.Helper()
	resp := s.Open("GET", target, takotest.Header("Last-Event-Id", lastID))
	assert.Equal(t, resp.StatusCode, 200)
	return newEventSource(t, resp.Body)
}

func publish(t testing.TB, hub *sse.Hub[string], topic string, data ...string) {
	t.Helper()
	for _, text := range data {
		assert.NoError(t, hub.Publish(topic, sse.Event[string]{Data: text}))
	}
}

func data(events ...received) (all []string) {
	for _, e := range events {
		all = append(all, e.data)
	}
	return all
}

// Everybody gets what is published in their topics, once and in order.
func TestHubTopics(t *testing.T) {
	hub := sse.NewHub[string](sse.HubConfig{})
	s := takotest.New(t, hubApp(hub))
	a, b, both := open(t, s, "/?topic=a", ""), open(t, s, "/?topic=b", ""), open(t, s, "/?topic=a&topic=b&topic=a", "")
	assert.Equal(t, hub.Stats().Topics, 2)
	publish(t, hub, "a", "1", "2")
	publish(t, hub, "b", "3")
	publish(t, hub, "c", "4")
	publish(t, hub, "a", "5")
	hub.Close()
	for _, tt := range []struct {
		source *eventSource
		want   []string
	}{{a, []string{"1", "2", "5"}}, {b, []string{"3"}}, {both, []string{"1", "2", "3", "5"}}} {
		all, err := tt.source.rest()
		assert.Equal(t, data(all...), tt.want)
		assert.ErrorIs(t, err, io.EOF)
	}
	stats := hub.Stats()
	assert.Equal(t, stats.Published, int64(5))
	assert.Equal(t, stats.Delivered, int64(8))
	assert.Equal(t, stats.Subscribers+stats.Topics+stats.Waiting, 0)
	assert.ErrorIs(t, hub.Publish("a", sse.Event[string]{}), net.ErrClosed)
	s.Get("/?topic=a").Problem(503)
	assert.ErrorIs(t, hub.Publish("a", sse.Event[string]{ID: "\n"}), sse.ErrEvent)
}

// Clients that connect again at any point, with events published all the time, miss nothing
// and get nothing twice.
func TestSS05Replay(t *testing.T) {
	const n = 3000
	var hub *sse.Hub[string]
	overAll(t, func() *tako.Router {
		hub = sse.NewHub[string](sse.HubConfig{Replay: 2 * n, Queue: n})
		return hubApp(hub)
	}, func(t *testing.T, s *carrier) {
		source := s.source(t, "/?topic=a")
		var wait sync.WaitGroup
		wait.Go(func() {
			for i := range n {
				publish(t, hub, "a", strconv.Itoa(i))
				if i%3 == 0 {
					publish(t, hub, "other", "x")
				}
			}
		})
		lastID := ""
		for i := 0; i < n; i++ {
			e := source.next()
			assert.Equal(t, e.data, strconv.Itoa(i))
			if e.data != strconv.Itoa(i) {
				break
			}
			if lastID = e.id; i%500 == 499 {
				_ = source.body.Close()
				source = s.source(t, "/?topic=a", "Last-Event-ID", lastID)
			}
		}
		wait.Wait()
		_ = source.body.Close()
		assert.Equal(t, hub.Stats().Missed, int64(0))
		assert.Equal(t, hub.Stats().Kept, n+n/3)
	})
}

// A client that left before its first event misses nothing either.
func TestSS05Start(t *testing.T) {
	hub := sse.NewHub[string](sse.HubConfig{Replay: 10})
	s := takotest.New(t, hubApp(hub))
	publish(t, hub, "a", "before")
	first := open(t, s, "/?topic=a", "")
	<-first.began
	_ = first.body.Close()
	<-first.err
	if first.lastID == "" {
		t.Fatal("no ID")
	}
	publish(t, hub, "a", "missed")
	again := open(t, s, "/?topic=a", first.lastID)
	assert.Equal(t, again.next().data, "missed")
	publish(t, hub, "a", "live")
	assert.Equal(t, again.next().data, "live")
}

// What clients get whose ID is unknown or too old.
func TestSS05Missed(t *testing.T) {
	for policy, want := range map[sse.MissedPolicy][]string{
		sse.MissedReset: {"reset:", "message:live"}, sse.MissedReplay: {"message:3", "message:4", "message:live"}, sse.MissedLive: {"message:live"},
	} {
		hub := sse.NewHub[string](sse.HubConfig{Replay: 2, Missed: policy})
		s := takotest.New(t, hubApp(hub))
		first := open(t, s, "/?topic=a", "")
		publish(t, hub, "a", "1", "2")
		old := first.next().id
		publish(t, hub, "a", "3", "4")
		ids := []string{old, "unknown", "\x01\xff", strings.Replace(old, "-1", "-99", 1), strings.Replace(old, "-1", "-x", 1), "x" + old}
		for _, id := range ids {
			source := open(t, s, "/?topic=a", id)
			publish(t, hub, "a", "live")
			publish(t, hub, "a", "end")
			var got []string
			for e := source.next(); e.data != "end"; e = source.next() {
				got = append(got, e.name+":"+e.data)
			}
			_ = source.body.Close()
			if id == old && policy == sse.MissedReplay || policy != sse.MissedReplay {
				assert.Equal(t, got, want, policy, " ", id)
			}
		}
		assert.Equal(t, hub.Stats().Missed, int64(len(ids)), policy)
	}
}

// A reset leads to where the stream goes on: the next time nothing is missed.
func TestSS05Reset(t *testing.T) {
	hub := sse.NewHub[string](sse.HubConfig{Replay: 5})
	s := takotest.New(t, hubApp(hub))
	publish(t, hub, "a", "1")
	e := open(t, s, "/?topic=a", "unknown").next()
	assert.Equal(t, e.name, sse.ResetEvent)
	publish(t, hub, "a", "2")
	assert.Equal(t, open(t, s, "/?topic=a", e.id).next().data, "2")
	assert.Equal(t, hub.Stats().Missed, int64(1))
}

// Events keep the IDs that their publishers have given.
func TestOwnIDs(t *testing.T) {
	hub := sse.NewHub[string](sse.HubConfig{Replay: 5})
	s := takotest.New(t, hubApp(hub))
	for _, id := range []string{"one", "two", "ünï cøde", "four"} {
		assert.NoError(t, hub.Publish("a", sse.Event[string]{ID: id, Data: id}))
	}
	source := open(t, s, "/?topic=a", "two")
	assert.Equal(t, source.next(), received{"message", "ünï cøde", "ünï cøde"})
	assert.Equal(t, open(t, s, "/?topic=a", "ünï cøde").next().data, "four")
}

// A busy topic does not age what is known of a quiet one that somebody listens to.
func TestQuietTopic(t *testing.T) {
	hub := sse.NewHub[string](sse.HubConfig{Replay: 3})
	s := takotest.New(t, hubApp(hub))
	stays, leaves := open(t, s, "/?topic=quiet", ""), open(t, s, "/?topic=quiet", "")
	publish(t, hub, "quiet", "1")
	id := leaves.next().id
	_ = leaves.body.Close()
	for range 100 {
		publish(t, hub, "busy", "x")
	}
	again := open(t, s, "/?topic=quiet", id)
	publish(t, hub, "quiet", "2")
	assert.Equal(t, again.next().data, "2")
	assert.Equal(t, data(stays.next(), stays.next()), []string{"1", "2"})
	assert.Equal(t, hub.Stats().Missed, int64(0))
}

// The buffer is bounded by count, bytes and age; topics that nobody uses are forgotten.
func TestReplayBounds(t *testing.T) {
	hub := sse.NewHub[string](sse.HubConfig{Replay: 100, ReplayBytes: 4000})
	for i := range 1000 {
		publish(t, hub, fmt.Sprint("topic ", i), "x")
	}
	stats := hub.Stats()
	if stats.Kept == 0 || stats.Kept > 100 || stats.KeptBytes > 4000 || stats.Topics != stats.Kept {
		t.Errorf("%+v", stats)
	}
	publish(t, hub, "large", strings.Repeat("x", 5000))
	stats = hub.Stats()
	assert.Equal(t, stats.Kept+stats.KeptBytes+stats.Topics, 0)

	synctest.Test(t, func(t *testing.T) {
		hub := sse.NewHub[string](sse.HubConfig{Replay: 100, ReplayAge: time.Minute})
		publish(t, hub, "a", "1")
		time.Sleep(50 * time.Second)
		publish(t, hub, "a", "2")
		assert.Equal(t, hub.Stats().Kept, 2)
		time.Sleep(50 * time.Second)
		publish(t, hub, "a", "3")
		assert.Equal(t, hub.Stats().Kept, 2)
	})
}

// Handlers get the ID byte for byte.
func TestSS05ID(t *testing.T) {
	overAll(t, func() *tako.Router {
		r := tako.New()
		r.Get("/", func(c *tako.Context) error {
			return c.Bytes(200, "application/octet-stream", []byte(sse.LastEventID(c)))
		})
		return r
	}, func(t *testing.T, s *carrier) {
		for _, id := range []string{"", "1", "a b  c", "ünïcøde ☃", "\xff\xfe raw", `"quoted", and; so on`, "tab\tinside"} {
			body, err := io.ReadAll(s.do(t, "GET", "/", nil, "Last-Event-ID", id).Body)
			assert.NoError(t, err)
			assert.Equal(t, string(body), id)
		}
	})
}
