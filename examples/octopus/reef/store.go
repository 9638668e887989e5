// Package reef keeps the rooms of the octopus example, called reefs, and their
// messages in memory, and tells watchers what happens in them.
package reef

import (
	"errors"
	"slices"
	"sort"
	"sync"
	"time"
)

// What callers tell apart.
var (
	ErrNoReef    = errors.New("no such reef")
	ErrNoMessage = errors.New("no such message")
	ErrTaken     = errors.New("the reef exists already")
	ErrNotYours  = errors.New("only its author may change a message")
	ErrFull      = errors.New("too many reefs")
)

const (
	maxReefs    = 200
	maxMessages = 10_000 // of a reef; the oldest make room
)

// Reef is a room.
type Reef struct {
	Name     string    `json:"name" required:"true" example:"lagoon"`
	Topic    string    `json:"topic" required:"true"`
	By       string    `json:"by" required:"true" doc:"who founded it"`
	Created  time.Time `json:"created" required:"true"`
	Messages int       `json:"messages" required:"true" doc:"how many there are"`
}

// Message is one text in a reef. IDs grow within the whole store.
type Message struct {
	ID     int64      `json:"id" required:"true"`
	Reef   string     `json:"reef" required:"true"`
	Author string     `json:"author" required:"true"`
	Text   string     `json:"text" required:"true"`
	Posted time.Time  `json:"posted" required:"true"`
	Edited *time.Time `json:"edited,omitempty" doc:"when it was last corrected, if ever"`
}

type room struct {
	Reef
	messages []Message // by ID
	watchers map[*watcher]struct{}
}

// Store holds all reefs. It is safe for concurrent use.
type Store struct {
	mu    sync.RWMutex
	last  int64
	reefs map[string]*room
	names []string // in order of creation
	told  []func(Event)
}

// New returns an empty store.
func New() *Store { return &Store{reefs: map[string]*room{}} }

// Create makes a reef.
func (s *Store) Create(name, topic, by string) (Reef, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.reefs[name] != nil:
		return Reef{}, ErrTaken
	case len(s.reefs) >= maxReefs:
		return Reef{}, ErrFull
	}
	r := &room{Reef: Reef{Name: name, Topic: topic, By: by, Created: time.Now().UTC()}, watchers: map[*watcher]struct{}{}}
	s.reefs[name] = r
	s.names = append(s.names, name)
	return r.Reef, nil
}

// Get returns one reef.
func (s *Store) Get(name string) (Reef, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.reefs[name]
	if r == nil {
		return Reef{}, ErrNoReef
	}
	return r.view(), nil
}

func (r *room) view() Reef {
	v := r.Reef
	v.Messages = len(r.messages)
	return v
}

// List returns all reefs, the oldest first.
func (s *Store) List() []Reef {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]Reef, 0, len(s.names))
	for _, name := range s.names {
		list = append(list, s.reefs[name].view())
	}
	return list
}

// Count returns the numbers of reefs, messages and watchers.
func (s *Store) Count() (reefs, messages, watchers int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, r := range s.reefs {
		messages += len(r.messages)
		watchers += len(r.watchers)
	}
	return len(s.reefs), messages, watchers
}

// Post adds a message.
func (s *Store) Post(name, author, text string) (Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.reefs[name]
	if r == nil {
		return Message{}, ErrNoReef
	}
	s.last++
	m := Message{ID: s.last, Reef: name, Author: author, Text: text, Posted: time.Now().UTC()}
	if len(r.messages) == maxMessages {
		r.messages = slices.Delete(r.messages, 0, 1)
	}
	r.messages = append(r.messages, m)
	s.tell(r, Event{Type: Posted, Message: m})
	return m, nil
}

// Edit changes the text of a message of this author.
func (s *Store) Edit(name string, id int64, author, text string) (Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, i, err := s.own(name, id, author)
	if err != nil {
		return Message{}, err
	}
	now := time.Now().UTC()
	r.messages[i].Text, r.messages[i].Edited = text, &now
	s.tell(r, Event{Type: Edited, Message: r.messages[i]})
	return r.messages[i], nil
}

// Delete removes a message of this author.
func (s *Store) Delete(name string, id int64, author string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, i, err := s.own(name, id, author)
	if err != nil {
		return err
	}
	m := r.messages[i]
	m.Text = ""
	r.messages = slices.Delete(r.messages, i, i+1)
	s.tell(r, Event{Type: Deleted, Message: m})
	return nil
}

func (s *Store) own(name string, id int64, author string) (*room, int, error) {
	r := s.reefs[name]
	if r == nil {
		return nil, 0, ErrNoReef
	}
	i := r.after(id - 1)
	switch {
	case i == len(r.messages) || r.messages[i].ID != id:
		return nil, 0, ErrNoMessage
	case r.messages[i].Author != author:
		return nil, 0, ErrNotYours
	}
	return r, i, nil
}

// after returns the index of the first message with an ID over id.
func (r *room) after(id int64) int {
	return sort.Search(len(r.messages), func(i int) bool { return r.messages[i].ID > id })
}

// Message returns one message.
func (s *Store) Message(name string, id int64) (Message, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.reefs[name]
	if r == nil {
		return Message{}, ErrNoReef
	}
	if i := r.after(id - 1); i < len(r.messages) && r.messages[i].ID == id {
		return r.messages[i], nil
	}
	return Message{}, ErrNoMessage
}

// Before returns the newest messages with an ID below id, at most limit, oldest
// first, and whether there are older ones. Zero stands for the end.
func (s *Store) Before(name string, id int64, limit int) (page []Message, older bool, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.reefs[name]
	if r == nil {
		return nil, false, ErrNoReef
	}
	end := len(r.messages)
	if id > 0 {
		end = r.after(id - 1)
	}
	begin := max(end-limit, 0)
	return append([]Message{}, r.messages[begin:end]...), begin > 0, nil
}

// Since returns the oldest messages with an ID over id, at most limit.
func (s *Store) Since(name string, id int64, limit int) ([]Message, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.reefs[name]
	if r == nil {
		return nil, ErrNoReef
	}
	begin := r.after(id)
	return append([]Message{}, r.messages[begin:min(begin+limit, len(r.messages))]...), nil
}
