package udp

import (
	"errors"

	"github.com/tako-go/tako"
)

// work serves datagrams until the queue is closed and empty.
// served is one that it gives back first, if any.
func (s *Server) work(served *Packet) {
	p, ended := served, false
	defer func() {
		if ended {
			s.workers.leave()
			return
		}
		// The handler has called runtime.Goexit: another goroutine takes this one's place.
		s.handled(errGoexit)
		go s.work(p)
	}()
	for {
		if p = s.queue.next(p); p == nil {
			break
		}
		if err := s.call(p); err != nil {
			s.handled(err)
		}
	}
	ended = true
}

var errGoexit = errors.New("handler ended its goroutine")

func (s *Server) call(p *Packet) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = tako.RecoverError(v)
		}
	}()
	return s.handler(s.ctx, p)
}

// handled counts and logs an error of a handler.
func (s *Server) handled(err error) {
	if stack := tako.PanicStack(err); stack != nil {
		if n := s.stats.panics.Add(1); often(n, 1) {
			s.log.Error("udp: handler panicked", "addr", s.Addr(), "err", err, "panics", n, "stack", string(stack))
		}
		return
	}
	if errors.Is(err, ErrRefused) {
		s.stats.refused.Add(1)
		return
	}
	if n := s.stats.errors.Add(1); often(n, 1) {
		s.log.Warn("udp: handler failed", "addr", s.Addr(), "err", err, "errors", n)
	}
}
