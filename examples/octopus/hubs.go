package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/examples/octopus/reef"
	"github.com/tako-go/tako/stream/sse"
	"github.com/tako-go/tako/stream/ws"
)

// hubs tell clients what happens: each reef is a topic of one and a room of the other. Those who
// are too slow are cut off, so that they know, and come back.
type hubs struct {
	events  *sse.Hub[reef.Event]
	sockets ws.Hub
}

func newHubs() *hubs {
	return &hubs{
		events: sse.NewHub[reef.Event](sse.HubConfig{Replay: 1000, Slow: sse.CloseSlow,
			Stream: sse.Config{KeepAlive: heartbeat, Retry: time.Second}}),
	}
}

// tell is called in the order in which things happen, and waits for nobody.
func (h *hubs) tell(e reef.Event) {
	name := e.Message.Reef
	if err := h.events.Publish(name, sse.Event[reef.Event]{Data: e}); err != nil {
		slog.Error("event is not told", "err", err)
	}
	if h.sockets.Members(name) == 0 {
		return
	}
	p, err := ws.PrepareJSON(told{Type: e.Type, Message: &e.Message})
	if err != nil {
		slog.Error("event is not told", "err", err)
		return
	}
	h.sockets.Broadcast(name, p)
}

// events is what an EventSource reads. When it connects again it gets what it has missed, or an
// event "reset" if that is not known any more.
func (s *service) events(_ context.Context, in byReef) (sse.Stream[reef.Event], error) {
	_, err := s.reefs.Get(in.Reef)
	return s.hubs.events.Stream(in.Reef), err
}

func (s *service) addEvents(live *tako.Router) {
	tako.Get(live, "/reefs/{reef}/events", s.events, tako.Timeout(0), tako.Tags("messages"), tako.Name("followReef"),
		tako.Summary("What happens in a reef, as server-sent events"),
		tako.Describe("For EventSource: a client that was away gets what it has missed, or an event named reset if that is not known any more. "+
			"It does not end."), throws(reef.ErrNoReef))
}
