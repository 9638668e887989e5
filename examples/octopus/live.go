package main

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/examples/octopus/reef"
)

// heartbeat keeps proxies from closing a stream on which nothing happens.
const heartbeat = 15 * time.Second

// sign is a line that is no event: "tide" is the heartbeat, "bye" the end because
// the service drains.
type sign struct {
	Type string `json:"type"`
}

// live sends what happens in a reef, one JSON object a line, until the client
// leaves or the server drains.
func (s *service) live(c *tako.Context) error {
	in, err := tako.Extract[tako.Query[struct {
		Since int64 `query:"since" default:"-1" doc:"begin behind the message with this id"`
	}]](c)
	if err != nil {
		return err
	}
	backlog, events, stop, err := s.reefs.Watch(c.Param("reef"), in.Value.Since)
	if err != nil {
		return err
	}
	defer stop()
	c.Header().Set("Content-Type", "application/x-ndjson")
	c.Header().Set("Cache-Control", "no-store")
	if c.Method() == http.MethodHead {
		return nil
	}
	out := json.NewEncoder(c)
	for _, m := range backlog {
		if err := out.Encode(reef.Event{Type: reef.Posted, Message: m}); err != nil {
			return err
		}
	}
	tide := time.NewTicker(heartbeat)
	defer tide.Stop()
	for {
		if err := c.Flush(); err != nil {
			return err
		}
		select {
		case e, ok := <-events:
			if !ok {
				return nil // too slow: the client comes back with since
			}
			err = out.Encode(e)
		case <-tide.C:
			err = out.Encode(sign{"tide"})
		case <-c.Draining():
			return out.Encode(sign{"bye"})
		case <-c.Context().Done():
			return tako.ErrClientGone
		}
		if err != nil {
			return err
		}
	}
}

func (s *service) addLive(api *tako.Router) {
	api.Get("/reefs/{reef}/live", s.live, tako.Timeout(0), tako.Tags("messages"),
		tako.Summary("What happens in a reef, as lines of JSON"))
}
