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
	Uptime     string           `json:"uptime"`
	Users      int              `json:"users"`
	Reefs      int              `json:"reefs"`
	Messages   int              `json:"messages"`
	Watchers   int              `json:"watchers"`
	Files      int              `json:"files"`
	FileBytes  int64            `json:"fileBytes"`
	UnderWay   int64            `json:"requestsUnderWay"`
	Responses  map[string]int64 `json:"responses"`
	BytesSent  int64            `json:"bytesSent"`
	Goroutines int              `json:"goroutines"`
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
	out.Files, out.FileBytes = s.uploads.Count()
	for class := range s.meter.classes {
		if n := s.meter.classes[class].Load(); n > 0 {
			out.Responses[strconv.Itoa(class)+"xx"] = n
		}
	}
	return out, nil
}

func (s *service) addStats(api *tako.Router) {
	tako.Get(api, "/stats", s.stats, tako.Tags("service"), tako.Summary("Numbers about the service"))
}
