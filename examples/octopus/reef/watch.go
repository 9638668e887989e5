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
	Type    string  `json:"type" required:"true" enum:"posted,edited,deleted"`
	Message Message `json:"message" required:"true"`
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

// Observe has f called with each event of all reefs, in their order. Observers are added before the
// store is shared; f must neither wait nor use the store, which is locked.
func (s *Store) Observe(f func(Event)) { s.told = append(s.told, f) }

// tell never waits for a watcher. The store is locked.
func (s *Store) tell(r *room, e Event) {
	for _, f := range s.told {
		f(e)
	}
	for w := range r.watchers {
		select {
		case w.events <- e:
		default:
			close(w.events)
			delete(r.watchers, w)
		}
	}
}
