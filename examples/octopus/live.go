package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/examples/octopus/reef"
)

// heartbeat keeps proxies from closing a stream on which nothing happens.
const heartbeat = 15 * time.Second

// sign is a line of the stream: an event, "tide" as the heartbeat, or "bye" because
// the service drains.
type sign struct {
	Type    string        `json:"type" required:"true" enum:"posted,edited,deleted,tide,bye" doc:"tide is a sign of life, bye the end"`
	Message *reef.Message `json:"message,omitempty" doc:"the message, without its text if it was deleted; for all but tide and bye"`
}

type watch struct {
	byReef
	Since int64 `query:"since" minimum:"0" doc:"begin behind the message with this id"`
}

// feed is what happens in a reef, as an answer that does not end.
type feed struct {
	store *reef.Store
	watch
}

func (s *service) live(_ context.Context, in watch) (feed, error) {
	return feed{s.reefs, in}, nil
}

// DescribeOutput tells documents what Respond writes.
func (feed) DescribeOutput(op *tako.Operation) {
	tako.Returns[sign](http.StatusOK, "One JSON object a line, until the client leaves or the service drains.", "application/x-ndjson")(op)
}

// Respond sends lines until the client leaves or the server drains.
func (f feed) Respond(c *tako.Context) error {
	backlog, events, stop, err := f.store.Watch(f.Reef, f.Since)
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
		if err := out.Encode(sign{reef.Posted, &m}); err != nil {
			return err
		}
	}
	return passOn(c, out, events)
}

func passOn(c *tako.Context, out *json.Encoder, events <-chan reef.Event) error {
	tide := time.NewTicker(heartbeat)
	defer tide.Stop()
	for {
		err := c.Flush()
		if err != nil {
			return err
		}
		select {
		case e, ok := <-events:
			if !ok {
				return nil // too slow: the client comes back with since
			}
			err = out.Encode(sign{e.Type, &e.Message})
		case <-tide.C:
			err = out.Encode(sign{Type: "tide"})
		case <-c.Draining():
			return out.Encode(sign{Type: "bye"})
		case <-c.Context().Done():
			return tako.ErrClientGone
		}
		if err != nil {
			return err
		}
	}
}

func (s *service) addLive(live *tako.Router) {
	tako.Get(live, "/reefs/{reef}/live", s.live, tako.Timeout(0), tako.Tags("messages"), tako.Name("watchReef"),
		tako.Summary("What happens in a reef, a line each"),
		tako.Describe("A stream that does not end: what is there already, then each event, and a sign of life every 15 seconds. "+
			"A client that is too slow is cut off and comes back with since."),
		throws(reef.ErrNoReef))
}
