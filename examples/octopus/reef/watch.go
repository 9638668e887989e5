package reef

import "slices"

// The types of events.
const (
	Posted  = "posted"
	Edited  = "edited"
	Deleted = "deleted"
)

// Event is something that happened to a message. A deleted one has no text.
type Event struct {
	Type    string  `json:"type"`
	Message Message `json:"message"`
}

// behind is how many events a watcher may fall behind before it is dropped.
const behind = 256

type watcher struct{ events chan Event }

// Watch returns the messages with an ID over since, and the events from then on:
// nothing in between is lost. The channel is closed when the watcher is too slow;
// stop must be called in any case.
func (s *Store) Watch(name string, since int64) (backlog []Message, events <-chan Event, stop func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.reefs[name]
	if r == nil {
		return nil, nil, nil, ErrNoReef
	}
	w := &watcher{make(chan Event, behind)}
	r.watchers[w] = struct{}{}
	stop = func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(r.watchers, w)
	}
	return slices.Clone(r.messages[r.after(since):]), w.events, stop, nil
}

// tell never waits for a watcher. The store is locked.
func (r *room) tell(e Event) {
	for w := range r.watchers {
		select {
		case w.events <- e:
		default:
			close(w.events)
			delete(r.watchers, w)
		}
	}
}
