package tcp

import "sync/atomic"

// Stats are counters since the start.
type Stats struct {
	// Accepted connections.
	Accepted int64
	// RefusedConns are connections closed for the limit of their address, or by a layer.
	RefusedConns int64
	// RefusedHeaders are connections closed for their PROXY header, or for sending none.
	RefusedHeaders int64
	// RefusedHandshakes are TLS handshakes that failed.
	RefusedHandshakes int64
	// TimedOut connections: PROXY header, handshake, idle or write.
	TimedOut int64
	// Panics of handlers.
	Panics int64
	// Errors are those that handlers returned and that tell of more than a client that has left.
	Errors int64
	// AcceptErrors is how often accepting failed and was tried again.
	AcceptErrors int64
	// BytesIn and BytesOut are what handlers have read and written; under TLS without its own.
	BytesIn, BytesOut int64
	// Conns is the number of open connections.
	Conns int64
}

type counters struct {
	accepted, refusedConns, refusedHeaders, refusedHandshakes, timedOut, panics, errors, acceptErrors atomic.Int64

	in, out atomic.Int64 // of connections that have ended
}

// Stats returns the counters. It may be called at any time.
func (s *Server) Stats() Stats {
	c := &s.stats
	stats := Stats{Accepted: c.accepted.Load(), RefusedConns: c.refusedConns.Load(), RefusedHeaders: c.refusedHeaders.Load(),
		RefusedHandshakes: c.refusedHandshakes.Load(), TimedOut: c.timedOut.Load(), Panics: c.panics.Load(), Errors: c.errors.Load(),
		AcceptErrors: c.acceptErrors.Load()}
	s.mu.Lock()
	defer s.mu.Unlock()
	stats.BytesIn, stats.BytesOut = c.in.Load(), c.out.Load()
	for conn := range s.conns {
		in, out := conn.Bytes()
		stats.BytesIn += in
		stats.BytesOut += out
	}
	stats.Conns = int64(len(s.conns))
	return stats
}
