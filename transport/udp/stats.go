package udp

// Stats are counters since the start. Once nothing waits and no handler runs, Received is
// the sum of Served and Dropped.
type Stats struct {
	// Received datagrams, and the bytes that were read of them.
	Received, ReceivedBytes int64
	// Served datagrams are those whose handler has returned, whatever it returned.
	Served int64
	// Dropped datagrams had no room in the queue, or were in it when the server was cut. What
	// the kernel drops is not among them, nor in Received.
	Dropped int64
	// Forged datagrams have no port that could be answered, or the server itself as their sender.
	// They are refused before all else, and not among those received.
	Forged int64
	// Truncated datagrams were longer than Config.MaxDatagram.
	Truncated int64
	// Sent datagrams, by Reply and WriteTo, and their bytes.
	Sent, SentBytes int64
	// Refused datagrams are those whose handler has returned [ErrRefused]; Errors those with
	// another error, or that ended their goroutine; Panics those that panicked.
	Refused, Errors, Panics int64
	// ReadErrors are failures to receive, such as the ICMP answer to a datagram sent before.
	ReadErrors int64
	// InFlight handlers run and Queued datagrams wait now.
	InFlight, Queued int
}

// Stats returns the counters. It may be called at any time.
func (s *Server) Stats() Stats {
	c := &s.stats
	st := Stats{Received: c.received.Load(), ReceivedBytes: c.receivedBytes.Load(), Dropped: c.dropped.Load(), Forged: c.forged.Load(),
		Truncated: c.truncated.Load(), Sent: c.sent.Load(), SentBytes: c.sentBytes.Load(), Refused: c.refused.Load(),
		Errors: c.errors.Load(), Panics: c.panics.Load(), ReadErrors: c.readErrors.Load()}
	s.mu.Lock()
	q := s.queue
	s.mu.Unlock()
	if q != nil {
		st.Queued, st.InFlight, st.Served = q.counts()
	}
	return st
}
