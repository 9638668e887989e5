package sse_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/sse"
	"github.com/tako-go/tako/takotest"
)

func publishAs(t testing.TB, hub *sse.Hub[string], topic string, ids ...string) {
	t.Helper()
	for _, id := range ids {
		assert.NoError(t, hub.Publish(topic, sse.Event[string]{ID: id, Data: topic + id}))
	}
}

// Topics may count their events each by itself. An ID that two of them have does not tell what the
// client has seen.
func TestOwnIDsByTopic(t *testing.T) {
	hub := sse.NewHub[string](sse.HubConfig{Replay: 100})
	s := takotest.New(t, hubApp(hub))
	publishAs(t, hub, "a", "1", "2")
	publishAs(t, hub, "b", "1")
	publishAs(t, hub, "a", "3")
	source := open(t, s, "/?topic=a", "1")
	assert.Equal(t, data(source.next(), source.next()), []string{"a2", "a3"})
	assert.Equal(t, hub.Stats().Missed, int64(0))
	assert.Equal(t, open(t, s, "/?topic=a&topic=b", "1").next().name, sse.ResetEvent)
	source = open(t, s, "/?topic=a&topic=b", "2")
	assert.Equal(t, data(source.next(), source.next()), []string{"b1", "a3"})
}

// A client that has an ID of the publisher keeps one, so that another process knows it too.
func TestOwnIDsRoam(t *testing.T) {
	for _, lastID := range []string{"3", "", "unknown"} { // nothing missed, new, and reset
		first := sse.NewHub[string](sse.HubConfig{Replay: 100})
		publishAs(t, first, "a", "1", "2", "3")
		publish(t, first, "b", "counts too")
		resp := takotest.New(t, hubApp(first)).Open("GET", "/?topic=a", takotest.Header("Last-Event-Id", lastID))
		first.Close()
		text, err := io.ReadAll(resp.Body)
		assert.NoError(t, err)
		if _, id, _ := parse(string(text)); id != "3" && (id != "" || lastID != "3") {
			t.Errorf("Last-Event-ID %q: the next one is %q", lastID, id)
		}
	}
	second := sse.NewHub[string](sse.HubConfig{Replay: 100})
	publishAs(t, second, "a", "3", "4")
	assert.Equal(t, open(t, takotest.New(t, hubApp(second)), "/?topic=a", "3").next().data, "a4")
	assert.Equal(t, second.Stats().Missed, int64(0))
}

// Topics of which nothing is kept any more are forgotten when somebody connects to another.
func TestOldTopicsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := sse.NewHub[string](sse.HubConfig{Replay: 100, ReplayAge: time.Minute})
		s := takotest.New(t, hubApp(hub))
		for _, topic := range []string{"a", "b", "c"} {
			publish(t, hub, topic, "x")
			time.Sleep(2 * time.Minute)
			resp := s.Open("GET", "/?topic=other")
			_ = resp.Body.Close()
			synctest.Wait()
		}
		assert.Equal(t, hub.Stats().Topics, 0)
	})
}
