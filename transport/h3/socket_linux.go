package h3

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"
)

// socket is a UDP socket that may be shared with another process. The library reads it by
// ReadBatch alone, on one goroutine.
type socket struct {
	*net.UDPConn
	batch batchReader
	log   *slog.Logger  // nil, or set before the first read
	wake  chan struct{} // ends a pause after an error

	// ways are where datagrams of processes before this one go, nil without.
	ways atomic.Pointer[[]way]
	// from is where our own come from since the socket was let go of.
	from atomic.Pointer[net.UnixConn]
	buf  []byte // of what comes from there
	// reading is set while we may read the socket; who lets go of it then waits for stopped.
	reading atomic.Bool
	stopped chan struct{}

	mu      sync.Mutex
	by      time.Time     // the library's deadline
	offered *net.UnixConn // to a successor that has not begun
	closed  bool
}

type batchReader interface {
	ReadBatch(ms []ipv4.Message, flags int) (int, error)
}

// ReadBatch reads datagrams that are for this process, at least one. It goes on after errors of
// the system: the library would end.
func (s *socket) ReadBatch(ms []ipv4.Message, flags int) (int, error) {
	delay := time.Duration(0)
	for {
		n, from, err := s.readOnce(ms, flags)
		switch {
		case err == nil:
			if n = s.keepOwn(ms[:n]); n > 0 {
				return n, nil
			}
		case from == nil && s.from.Load() != nil: // it was let go of meanwhile
		case from != nil && hasEnded(err):
			if err := s.takeBack(from); err != nil {
				return 0, err
			}
		case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded):
			return n, err
		default:
			delay = s.failed(err, delay)
		}
	}
}

// readOnce reads from the socket, or, if it was let go of, from its successor.
func (s *socket) readOnce(ms []ipv4.Message, flags int) (n int, from *net.UnixConn, err error) {
	s.reading.Store(true)
	if from = s.from.Load(); from == nil {
		n, err = s.batch.ReadBatch(ms, flags)
	}
	s.reading.Store(false)
	if s.from.Load() != nil {
		select {
		case s.stopped <- struct{}{}:
		default:
		}
	}
	if from != nil {
		n, err = s.readHandedOn(from, ms)
	}
	return n, from, err
}

// The pauses after errors of reading, each twice as long as the one before.
const (
	firstDelay = 5 * time.Millisecond
	lastDelay  = time.Second
)

// failed waits where trying again at once would only cost time. It returns how long.
func (s *socket) failed(err error, delay time.Duration) time.Duration {
	delay = min(max(2*delay, firstDelay), lastDelay)
	if s.log != nil {
		s.log.Warn("receive failed, trying again", "addr", s.LocalAddr(), "err", err, "delay", delay)
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.wake:
	}
	return delay
}

// rouse has a read that waits try again.
func (s *socket) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// letGo makes the library read what the successor hands on. It returns when the socket is not
// read any more: what is for the successor's connections would be reset.
func (s *socket) letGo(from *net.UnixConn) error {
	if err := s.switchTo(from); err != nil {
		return err
	}
	if s.reading.Load() {
		<-s.stopped
	}
	return nil
}

func (s *socket) switchTo(from *net.UnixConn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.offered != from {
		return net.ErrClosed
	}
	s.offered = nil
	if err := from.SetReadDeadline(s.by); err != nil {
		return err
	}
	select {
	case <-s.stopped: // from an earlier time
	default:
	}
	s.from.Store(from)
	s.rouse()
	return s.UDPConn.SetReadDeadline(time.Unix(1, 0)) // ends the read under way; this descriptor is ours alone
}

// takeBack reads the socket again. Each successor has a way to all before it, so that nobody is
// left to read it when all have closed theirs.
func (s *socket) takeBack(from *net.UnixConn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	_ = from.Close()
	s.from.Store(nil)
	return s.UDPConn.SetReadDeadline(s.by)
}

// offer keeps our end until letGo; that of an earlier offer is closed.
func (s *socket) offer(ours *net.UnixConn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return net.ErrClosed
	case s.from.Load() != nil:
		return errors.New("another process has the socket already")
	}
	if s.offered != nil {
		_ = s.offered.Close()
	}
	s.offered = ours
	return nil
}

// SetReadDeadline bounds reads, wherever they read from.
func (s *socket) SetReadDeadline(by time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by = by
	defer s.rouse()
	if from := s.from.Load(); from != nil {
		return from.SetReadDeadline(by)
	}
	return s.UDPConn.SetReadDeadline(by)
}

// Close closes our descriptor of the socket, and the ways to other processes.
func (s *socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	s.closed = true
	defer s.rouse()
	if s.offered != nil {
		_ = s.offered.Close()
	}
	if from := s.from.Load(); from != nil {
		_ = from.Close()
	}
	for _, w := range s.others() {
		_ = w.to.Close()
	}
	return s.UDPConn.Close()
}
