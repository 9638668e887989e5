package sse

import (
	"crypto/rand"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/tako-go/tako"
)

// SlowPolicy says what becomes of a subscriber whose queue is full.
type SlowPolicy uint8

// The policies.
const (
	// DropOldest drops the oldest event that waits for the subscriber, which is not told.
	DropOldest SlowPolicy = iota
	// CloseSlow ends the subscriber's stream. It connects again, and with a replay buffer it
	// misses nothing.
	CloseSlow
	// BlockPublisher has Publish wait, up to HubConfig.BlockTimeout; then the stream is ended.
	// Other publishers of the hub wait behind it.
	BlockPublisher
)

// MissedPolicy says what a client gets whose Last-Event-ID is not known, or so old that events
// behind it are no longer in the replay buffer.
type MissedPolicy uint8

// The answers.
const (
	// MissedReset is an event named [ResetEvent] without data: the client has to read the state
	// anew. Events follow as they are published.
	MissedReset MissedPolicy = iota
	// MissedReplay is all of the buffer. The client may get events twice.
	MissedReplay
	// MissedLive is nothing but what is published from then on.
	MissedLive
)

// ResetEvent is the name of the event that tells a client that it has missed some.
const ResetEvent = "reset"

// HubConfig configures a [Hub]. Zero means the default.
type HubConfig struct {
	// Stream sets the times of the streams, and bounds IDs.
	Stream Config
	// Queue is the number of events that may wait for a subscriber, beside what was replayed.
	// Default: 256.
	Queue int
	// Slow is what is done about a full queue.
	// Default: DropOldest.
	Slow SlowPolicy
	// BlockTimeout bounds how long Publish waits under BlockPublisher.
	// Default: 1 s.
	BlockTimeout time.Duration
	// Replay is how many events are kept for clients that connect again, of all topics
	// together.
	// Default: 0, none.
	Replay int
	// ReplayBytes bounds the bytes of the events that are kept.
	// Default: 1 MiB.
	ReplayBytes int
	// ReplayAge bounds the age of the events that are replayed. Older ones are dropped when
	// the next is published or somebody subscribes.
	// Default: 5 min.
	ReplayAge time.Duration
	// Missed is what clients get that have missed more than is kept.
	// Default: MissedReset.
	Missed MissedPolicy
}

func (cfg HubConfig) withDefaults() HubConfig {
	for _, n := range []struct {
		field *int
		value int
	}{{&cfg.Queue, 256}, {&cfg.ReplayBytes, 1 << 20}} {
		if *n.field <= 0 {
			*n.field = n.value
		}
	}
	if cfg.BlockTimeout <= 0 {
		cfg.BlockTimeout = time.Second
	}
	cfg.Stream = cfg.Stream.withDefaults()
	if cfg.ReplayAge <= 0 {
		cfg.ReplayAge = 5 * time.Minute
	}
	return cfg
}

// Hub sends events to all who have subscribed to their topic. It is used by many goroutines at
// once and needs no end; make one by [NewHub].
//
// An event is encoded once, whatever the number of subscribers. Each of these has the goroutine
// of its handler; one that does not read delays neither publishers nor others, save under
// BlockPublisher.
type Hub[T any] struct {
	cfg   HubConfig
	epoch string        // begins the IDs of this hub, which is not that of the last start
	turn  chan struct{} // held by who publishes under BlockPublisher

	mu     sync.Mutex
	closed bool
	topics map[string]*topic
	subs   map[*subscriber]struct{}
	replay replay

	counters
}

// topic has who listens, and what of it is kept.
type topic struct {
	subs map[*subscriber]struct{}
	kept int    // events in the replay buffer
	gone uint64 // the last event that is no longer in it
}

// message is an event as it is sent, shared by all who get it.
type message struct {
	seq   uint64
	topic string
	id    string // that of the publisher
	at    time.Time
	text  []byte
}

// NewHub returns a hub.
func NewHub[T any](cfg HubConfig) *Hub[T] {
	return &Hub[T]{cfg: cfg.withDefaults(), epoch: rand.Text()[:13], turn: make(chan struct{}, 1),
		topics: map[string]*topic{}, subs: map[*subscriber]struct{}{}, replay: replay{byID: map[ownID]uint64{}}}
}

// Publish sends e to all who have subscribed to the topic. With a replay buffer an event without
// an ID gets one; those that have one have one of their own in the topic. The error is [ErrEvent], one of encoding, or net.ErrClosed after Close.
func (h *Hub[T]) Publish(topic string, e Event[T]) error {
	text, err := appendEvent(nil, &e, h.cfg.Stream.MaxID)
	if err != nil {
		return err
	}
	m := &message{topic: topic, id: e.ID, text: text}
	if h.cfg.Slow != BlockPublisher {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.deliver(m)
	}
	h.turn <- struct{}{}
	defer func() { <-h.turn }()
	limit := time.NewTimer(h.cfg.BlockTimeout)
	defer limit.Stop()
	for late := false; ; {
		h.mu.Lock()
		full := h.full(topic)
		if full == nil || late {
			err := h.deliver(m)
			h.mu.Unlock()
			return err
		}
		h.mu.Unlock()
		select {
		case <-full.room:
		case <-limit.C:
			late = true
		}
	}
}

// full returns a subscriber that has no room. Its room gets a value when it has, or is gone.
func (h *Hub[T]) full(name string) *subscriber {
	if t := h.topics[name]; t != nil {
		for sub := range t.subs {
			if sub.isFull(h.cfg.Queue) {
				return sub
			}
		}
	}
	return nil
}

// deliver has the lock.
func (h *Hub[T]) deliver(m *message) error {
	if h.closed {
		return net.ErrClosed
	}
	h.published.Add(1)
	t := h.topics[m.topic]
	if h.cfg.Replay > 0 {
		h.replay.seq++
		m.seq, m.at = h.replay.seq, time.Now()
		if m.id == "" {
			m.text = append(appendField(make([]byte, 0, len(m.text)+40), "id", h.id(m.seq)), m.text...)
		}
		if t == nil {
			t = h.topic(m.topic)
		}
		h.keep(t, m)
	}
	if t == nil {
		return nil
	}
	for sub := range t.subs {
		switch sub.push(m, h.cfg.Queue, h.cfg.Slow == DropOldest) {
		case pushDropped:
			h.dropped.Add(1)
		case pushFull:
			if sub.end(ErrSlow) {
				h.slow.Add(1)
			}
			h.remove(sub)
		}
	}
	h.prune(m.topic, t)
	return nil
}

// topic makes a topic, of which nothing older than the floor is known.
func (h *Hub[T]) topic(name string) *topic {
	t := &topic{subs: map[*subscriber]struct{}{}, gone: h.replay.floor}
	h.topics[name] = t
	return t
}

func (h *Hub[T]) id(seq uint64) string { return h.epoch + "-" + strconv.FormatUint(seq, 10) }

// Stream is the result that sends what is published in the topics to a client, behind what it has
// missed. It subscribes when it is sent.
func (h *Hub[T]) Stream(topics ...string) Stream[T] {
	topics = slices.Compact(slices.Sorted(slices.Values(topics)))
	return Stream[T]{Config: h.cfg.Stream, serve: func(s *sender) error { return h.serve(s, topics) }}
}

func (h *Hub[T]) serve(s *sender, topics []string) error {
	if s.c.Method() == "HEAD" {
		_, err := s.begin()
		return err
	}
	sub, err := h.subscribe(topics, LastEventID(s.c))
	if err != nil { // those who connect again find another server
		return tako.Errorf(503, "subscribe: %w", err)
	}
	defer h.unsubscribe(sub)
	if _, err := s.begin(); err != nil {
		return err
	}
	err = relay(s, sub.ready, func(out []byte, _ struct{}) ([]byte, error) {
		out, sent, err := sub.take(out)
		h.delivered.Add(int64(sent))
		return out, err
	})
	if errors.Is(err, ErrSlow) && sub.end(ErrSlow) {
		h.slow.Add(1)
	}
	return err
}

// Close ends all streams behind what waits for them. Publish and new streams fail then.
func (h *Hub[T]) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for sub := range h.subs {
		sub.end(io.EOF)
		h.remove(sub)
	}
	h.topics, h.replay = map[string]*topic{}, replay{byID: map[ownID]uint64{}}
}

func (h *Hub[T]) subscribe(topics []string, lastID string) (*subscriber, error) {
	sub := newSubscriber(topics)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, net.ErrClosed
	}
	h.catchUp(sub, lastID)
	h.subs[sub] = struct{}{}
	for _, name := range topics {
		t := h.topics[name]
		if t == nil {
			t = h.topic(name)
		}
		t.subs[sub] = struct{}{}
	}
	return sub, nil
}

func (h *Hub[T]) unsubscribe(sub *subscriber) {
	sub.end(io.EOF)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remove(sub)
}

// remove forgets sub. It has the lock.
func (h *Hub[T]) remove(sub *subscriber) {
	if _, is := h.subs[sub]; !is {
		return
	}
	delete(h.subs, sub)
	for _, name := range sub.topics {
		if t := h.topics[name]; t != nil {
			delete(t.subs, sub)
			h.prune(name, t)
		}
	}
}

// prune forgets a topic that nobody listens to and of which nothing is kept.
func (h *Hub[T]) prune(name string, t *topic) {
	if len(t.subs) == 0 && t.kept == 0 {
		h.replay.floor = max(h.replay.floor, t.gone)
		delete(h.topics, name)
	}
}
