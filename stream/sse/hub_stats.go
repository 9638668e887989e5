package sse

import "sync/atomic"

// HubStats are the figures of a [Hub].
type HubStats struct {
	// Subscribers is the number of open streams, Topics that of topics which have some, or
	// events in the replay buffer.
	Subscribers, Topics int
	// Published counts the events that were published, Delivered what was made of them: events
	// given to the connections of subscribers.
	Published, Delivered int64
	// Dropped counts events that subscribers did not get because their queue was full.
	Dropped int64
	// Slow counts streams that were ended because the client was too slow.
	Slow int64
	// Replayed counts events that were sent again to clients that have connected again, Missed
	// those clients that had missed more than was kept.
	Replayed, Missed int64
	// Waiting is the number of events in the queues of all subscribers.
	Waiting int
	// Kept and KeptBytes are the events of the replay buffer.
	Kept, KeptBytes int
}

type counters struct{ published, delivered, dropped, slow, replayed, missed atomic.Int64 }

// Stats returns the figures of the moment.
func (h *Hub[T]) Stats() HubStats {
	h.mu.Lock()
	defer h.mu.Unlock()
	stats := HubStats{Subscribers: len(h.subs), Topics: len(h.topics), Published: h.published.Load(), Delivered: h.delivered.Load(),
		Dropped: h.dropped.Load(), Slow: h.slow.Load(), Replayed: h.replayed.Load(), Missed: h.missed.Load(),
		Kept: len(h.replay.kept), KeptBytes: h.replay.bytes}
	for sub := range h.subs {
		sub.mu.Lock()
		stats.Waiting += sub.waiting
		sub.mu.Unlock()
	}
	return stats
}
