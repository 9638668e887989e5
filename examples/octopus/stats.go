package main

import (
	"context"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
)

// meter counts requests, their outcomes included.
type meter struct {
	underWay atomic.Int64
	bytes    atomic.Int64
	classes  [6]atomic.Int64 // by the first digit of the status
}

func (m *meter) count(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		m.underWay.Add(1)
		c.OnDone(func(o tako.Outcome) {
			m.underWay.Add(-1)
			m.bytes.Add(o.Sent)
			m.classes[min(o.Status/100, 5)].Add(1)
		})
		return next(c)
	}
}

type stats struct {
	Uptime     string           `json:"uptime" required:"true"`
	Users      int              `json:"users" required:"true"`
	Reefs      int              `json:"reefs" required:"true"`
	Messages   int              `json:"messages" required:"true"`
	Watchers   int              `json:"watchers" required:"true" doc:"over all transports"`
	Files      int              `json:"files" required:"true"`
	FileBytes  int64            `json:"fileBytes" required:"true"`
	UnderWay   int64            `json:"requestsUnderWay" required:"true"`
	Responses  map[string]int64 `json:"responses" required:"true" nullable:"false" doc:"by the class of their status, such as 2xx"`
	BytesSent  int64            `json:"bytesSent" required:"true"`
	Goroutines int              `json:"goroutines" required:"true"`
}

func (s *service) stats(context.Context, struct{}) (stats, error) {
	out := stats{
		Uptime:     time.Since(s.began).Round(time.Second).String(),
		Users:      s.accounts.Count(),
		UnderWay:   s.meter.underWay.Load(),
		Responses:  map[string]int64{},
		BytesSent:  s.meter.bytes.Load(),
		Goroutines: runtime.NumGoroutine(),
	}
	out.Reefs, out.Messages, out.Watchers = s.reefs.Count()
	out.Watchers += s.hubs.events.Stats().Subscribers + s.hubs.sockets.Stats().Members
	out.Files, out.FileBytes = s.uploads.Count()
	for class := range s.meter.classes {
		if n := s.meter.classes[class].Load(); n > 0 {
			out.Responses[strconv.Itoa(class)+"xx"] = n
		}
	}
	return out, nil
}

func (s *service) addStats(api *tako.Router) {
	tako.Get(api, "/stats", s.stats, tako.Tags("service"), tako.Name("getStats"), tako.Summary("Numbers about the service"),
		tako.Describe("Counted since the service began."))
}
