package loop

import "sync/atomic"

// Stats are counters since the start.
type Stats struct {
	// Accepted connections, and those closed for the limit of their address.
	Accepted, RefusedConns int64
	// Requests that were answered, and where: Inline on an event loop, Offloaded on
	// a goroutine of their own, Streamed on the goroutine of a connection that has
	// left its loop.
	Requests, Inline, Offloaded, Streamed int64
	// Events were told on upgraded connections that are on an event loop.
	Events int64
	// RefusedRequests were refused before the router: target or head too large or
	// malformed.
	RefusedRequests int64
	// RefusedHandshakes are TLS handshakes that failed.
	RefusedHandshakes int64
	// RefusedHeaders are connections without a valid PROXY header of a trusted source.
	RefusedHeaders int64
	// TimedOut connections: header, body, idle or write.
	TimedOut int64
	// AcceptErrors is how often accepting failed and was tried again.
	AcceptErrors int64
	// Conns is the number of open connections.
	Conns int64
	// Handovers is how often a loop was taken away from a handler that blocked.
	Handovers int64
	// Promotions and Demotions are how often a route was moved to the loops, and
	// away from them.
	Promotions, Demotions int64
	// Routes tells what was learned of each route that had a request.
	Routes []RouteStats
}

// RouteStats is what the dispatch of a route has learned.
type RouteStats struct {
	// Route is its method and pattern.
	Route string
	// Inline says that its handlers run on the loops now.
	Inline bool
	// Fixed says that [tako.Inline] or [tako.Blocking] has decided that.
	Fixed bool
	// Promotions, Demotions and Handovers are those of the route.
	Promotions, Demotions, Handovers int64
}

type counters struct {
	accepted, refusedConns, refusedRequests, timedOut, acceptErrors atomic.Int64
	streamed                                                        atomic.Int64
	refusedHandshakes, refusedHeaders                               atomic.Int64
	handovers                                                       atomic.Int64
}

// tally counts the requests of one loop, apart from those of the others.
type tally struct {
	inline, offloaded, events atomic.Int64
	_                         [104]byte
}

// Stats returns the counters. It may be called at any time.
func (s *Server) Stats() Stats {
	c := &s.stats
	stats := Stats{Accepted: c.accepted.Load(), RefusedConns: c.refusedConns.Load(),
		Streamed:        c.streamed.Load(),
		RefusedRequests: c.refusedRequests.Load(), RefusedHandshakes: c.refusedHandshakes.Load(), RefusedHeaders: c.refusedHeaders.Load(), TimedOut: c.timedOut.Load(), AcceptErrors: c.acceptErrors.Load(),
		Conns: s.open.Load(), Handovers: c.handovers.Load(), Promotions: s.classes.Promotions.Load(), Demotions: s.classes.Demotions.Load(),
	}
	for _, r := range s.classes.Report() {
		stats.Routes = append(stats.Routes, RouteStats(r))
	}
	for i := range s.tallies {
		stats.Inline += s.tallies[i].inline.Load()
		stats.Offloaded += s.tallies[i].offloaded.Load()
		stats.Events += s.tallies[i].events.Load()
	}
	stats.Requests = stats.Inline + stats.Offloaded + stats.Streamed
	return stats
}
