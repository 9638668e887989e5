package sse

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// replay has the last events of all topics, the oldest first.
type replay struct {
	seq   uint64 // of the last event
	floor uint64 // nothing up to here is known of topics that were forgotten
	kept  []*message
	bytes int
	byID  map[ownID]uint64 // events whose publisher has given an ID
}

// ownID is an ID that a publisher has given: each topic may count by itself.
type ownID struct{ topic, id string }

// keep puts m into the buffer, which it keeps within its bounds.
func (h *Hub[T]) keep(t *topic, m *message) {
	r := &h.replay
	r.kept = append(r.kept, m)
	r.bytes += len(m.text)
	t.kept++
	if m.id != "" {
		r.byID[ownID{m.topic, m.id}] = m.seq
	}
	h.evict(m.at, t)
}

// evict drops what is too much or too old, and topics that are of no use then, but for spare.
func (h *Hub[T]) evict(now time.Time, spare *topic) {
	r := &h.replay
	n := 0
	for ; n < len(r.kept); n++ {
		m := r.kept[n]
		if len(r.kept)-n <= h.cfg.Replay && r.bytes <= h.cfg.ReplayBytes && now.Sub(m.at) <= h.cfg.ReplayAge {
			break
		}
		r.bytes -= len(m.text)
		if own := (ownID{m.topic, m.id}); r.byID[own] == m.seq {
			delete(r.byID, own)
		}
		t := h.topics[m.topic]
		t.kept--
		t.gone = m.seq
		if t != spare {
			h.prune(m.topic, t)
		}
		r.kept[n] = nil
	}
	r.kept = r.kept[n:] // append moves the rest to new memory now and then
}

// catchUp gives sub what it has missed since lastID, and the ID to go on from.
func (h *Hub[T]) catchUp(sub *subscriber, lastID string) {
	if h.cfg.Replay <= 0 {
		return
	}
	h.evict(time.Now(), nil)
	since, known := h.replay.seq, true
	if lastID != "" {
		since, known = h.find(sub.topics, lastID)
	}
	if !known {
		h.missed.Add(1)
		if since = h.replay.seq; h.cfg.Missed == MissedReplay {
			since = 0
		}
	}
	var missed []*message
	first, _ := slices.BinarySearchFunc(h.replay.kept, since+1, func(m *message, seq uint64) int {
		return int(int64(m.seq - seq))
	})
	for _, m := range h.replay.kept[first:] {
		if slices.Contains(sub.topics, m.topic) {
			missed = append(missed, m)
		}
	}
	h.replayed.Add(int64(len(missed)))
	if len(missed) > 0 {
		sub.begin(nil, missed)
		return
	}
	if known && lastID != "" && !strings.HasPrefix(lastID, h.epoch+"-") {
		return // it goes on from what its publisher calls it, which other processes know too
	}
	// So that what comes before the first event is not lost either.
	text := appendField(nil, "id", h.newest(sub.topics))
	if !known && h.cfg.Missed == MissedReset {
		text = append(appendField(text, "event", ResetEvent), "data: \n"...)
	}
	sub.begin(append(text, '\n'), nil)
}

// newest returns an ID behind which a client that knows all of the topics goes on: that of a
// publisher, if the newest event that is kept has one.
func (h *Hub[T]) newest(topics []string) string {
	for _, m := range slices.Backward(h.replay.kept) {
		if !slices.Contains(topics, m.topic) {
			continue
		}
		if m.id != "" {
			if seq, known := h.find(topics, m.id); known && seq == m.seq {
				return m.id
			}
		}
		break
	}
	return h.id(h.replay.seq)
}

// find returns the number of the event with this ID, and whether all that followed it in the
// topics is in the buffer. An ID that several of the topics have is not known.
func (h *Hub[T]) find(topics []string, id string) (seq uint64, known bool) {
	for _, name := range topics {
		if n, is := h.replay.byID[ownID{name, id}]; is {
			if known {
				return 0, false
			}
			seq, known = n, true
		}
	}
	if digits, own := strings.CutPrefix(id, h.epoch+"-"); own && !known {
		n, err := strconv.ParseUint(digits, 10, 64)
		seq, known = n, err == nil && n <= h.replay.seq
	}
	for _, name := range topics {
		gone := h.replay.floor
		if t := h.topics[name]; t != nil {
			gone = t.gone
		}
		known = known && seq >= gone
	}
	return seq, known
}
