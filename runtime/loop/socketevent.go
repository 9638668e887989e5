package loop

import (
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/tako-go/tako"
)

// socketEvent is a kind of event of a socket.
type socketEvent uint8

const (
	noEvent socketEvent = iota
	openEvent
	dataEvent
	endEvent
	writableEvent
	drainEvent
	callEvent
	closeEvent
	socketEvents
)

// kind is what sockets have in common: those of a [TCPServer], or the upgraded ones of a
// route.
type kind struct {
	srv *Server
	// refs stand for the kinds of events in what is learned of them.
	refs    [socketEvents]tako.RouteRef
	panics  atomic.Int64
	blocked atomic.Int64
}

// newKind makes the kind of this number; of is the route.
func newKind(s *Server, number int, of tako.RouteRef) *kind {
	k := &kind{srv: s}
	for i, name := range [...]string{"", "Open", "Data", "End", "Writable", "Drain", "Do", "Close"} {
		if of.Pattern != "" {
			name = of.Pattern + " " + name
		}
		k.refs[i] = tako.RouteRef{Index: number*int(socketEvents) + i, Method: of.Method, Pattern: name, Mode: of.Mode}
	}
	return k
}

// raw is what a [TCPServer] has that one of HTTP has not.
type raw struct {
	Events
	*kind
	unsent int // bytes that may wait for a client

	mu      sync.Mutex // guards the next two
	streams map[*socketStream]struct{}
	closed  bool // no more come
}

func newRaw(s *Server, events Events, unsent int) *raw {
	return &raw{Events: events, kind: newKind(s, 0, tako.RouteRef{}), unsent: unsent, streams: map[*socketStream]struct{}{}}
}

// newSocket makes the socket of a connection that has its place.
func (r *raw) newSocket(p *peer, host socketHost) *Socket {
	return &Socket{kind: r.kind, peer: p, host: host, room: r.unsent, stall: r.srv.limits.WriteTimeout}
}

// has reports whether there is a function to call for an event.
func (s *Socket) has(event socketEvent) bool {
	if s.ev != nil {
		return true
	}
	switch r := s.kind.srv.raw; event {
	case openEvent:
		return r.Open != nil
	case endEvent:
		return r.End != nil
	case writableEvent:
		return r.Writable != nil
	case drainEvent:
		return r.Drain != nil
	case closeEvent:
		return r.Close != nil
	}
	return true
}

// leaves reports whether a drain may close the connection by default: what the client says first
// may be on its way.
func (s *Socket) leaves() bool {
	srv := s.kind.srv
	return srv.graceOver.Load() || s.heard && !srv.patient.Load()
}

// byDefault does what is due at an event without a function.
func (s *Socket) byDefault(event socketEvent) {
	if event == endEvent || event == drainEvent {
		s.Close()
	}
}

// run calls the function for an event. A panic breaks the connection off.
func (s *Socket) run(event socketEvent, p []byte, call func()) {
	defer func() {
		if v := recover(); v != nil {
			s.panicked(v)
		}
	}()
	s.heard = s.heard || event == dataEvent
	switch {
	case event == callEvent:
		call()
	case s.ev != nil:
		s.runUpgraded(event, p)
	default:
		s.runRaw(event, p)
	}
}

func (s *Socket) runRaw(event socketEvent, p []byte) {
	switch r := s.kind.srv.raw; event {
	case openEvent:
		r.Open(s)
	case dataEvent:
		r.Data(s, p)
	case endEvent:
		r.End(s)
	case writableEvent:
		r.Writable(s)
	case drainEvent:
		r.Drain(s)
	case closeEvent:
		r.Close(s, s.why())
	}
}

func (s *Socket) runUpgraded(event socketEvent, p []byte) {
	switch event {
	case openEvent:
		s.ev.Open(s)
	case dataEvent:
		s.ev.Data(s, p)
	case endEvent:
		s.ev.End(s)
	case writableEvent:
		s.ev.Writable(s)
	case drainEvent:
		s.ev.Drain(s)
	case closeEvent:
		s.ev.Closed(s.why())
	}
}

func (s *Socket) panicked(v any) {
	s.kind.panics.Add(1)
	s.kind.srv.log.Error("panic on a connection", "peer", s.peer.connInfo().Remote, "panic", v, "stack", string(debug.Stack()))
	s.ending, s.fault = breaks, errPanic
	if s.ev != nil {
		s.fault = tako.RecoverError(v)
	}
}

// late logs a function that has blocked its event loop.
func (k *kind) late(p *peer, event socketEvent) {
	if n := k.blocked.Add(1); n&(n-1) == 0 {
		k.srv.log.Warn("a function has blocked its event loop, which goes on without it", "event", k.refs[event].Pattern, "peer", p.connInfo().Remote, "blocked", n)
	}
}

// bury has Close told outside an event loop.
func (s *Socket) bury() {
	defer s.peer.end()
	if (s.opened || s.ev != nil) && s.has(closeEvent) {
		s.run(closeEvent, nil, nil)
	}
}
