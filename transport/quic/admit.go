package quic

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	lib "github.com/quic-go/quic-go"

	"github.com/tako-go/tako/internal/connlimit"
)

// busyAt is the number of open handshakes from which on clients have to prove their address.
const busyAt = 256

var errRefused = errors.New("quic: no more connections")

type slotKey struct{}

// slot is the place of a connection, from its first packet on.
type slot struct {
	place     *connlimit.Slot
	handshake func() // counts it out
}

// busy reports whether a client has to prove its address before anything is spent on it: handshakes
// of false senders could take all places else.
func (s *Server) busy(net.Addr) bool {
	enough := int64(busyAt)
	for _, limit := range []int{s.cfg.Limits.Conns, s.cfg.Limits.ConnsPerAddr} {
		if limit > 0 {
			enough = min(enough, int64(max(limit/4, 1)))
		}
	}
	return s.handshakes.Load() >= enough
}

// admit holds connections to their limits.
func (s *Server) admit(ctx context.Context, client *lib.ClientInfo) (context.Context, error) {
	var place *connlimit.Slot
	if s.count.Try() {
		place = s.count.Admit(client.RemoteAddr)
	}
	if place == nil {
		if n := s.refused.Add(1); n&(n-1) == 0 { // the 1st, 2nd, 4th …: a flood must not fill the log
			s.log.Warn("connection refused: there are too many, or too many of its address", "peer", client.RemoteAddr, "refused", n)
		}
		return nil, errRefused
	}
	inner, ended := s.handshake(ctx)
	a := &slot{place: place, handshake: ended}
	context.AfterFunc(ctx, func() {
		a.handshake()
		place.Release()
	})
	return context.WithValue(inner, slotKey{}, a), nil
}

// lateGrace is how much later than the library a handshake is given up that is too slow: it closes
// all that do not wait for certificates, which the end of their context would not.
const lateGrace = 50 * time.Millisecond

// handshake counts one in, and returns its context, which certificates are waited for with: the
// library waits for them where it would look at its own timeout, at the client or at the listener.
// The handshake does not end its context, nor does anything behind it.
func (s *Server) handshake(ctx context.Context) (inner context.Context, ended func()) {
	s.handshakes.Add(1)
	inner, abandon := context.WithCancel(ctx)
	unbind := context.AfterFunc(s.abandoned, abandon)
	stop := func() bool { return true }
	if d := s.cfg.Limits.HandshakeTimeout; d > 0 {
		stop = time.AfterFunc(d+lateGrace, abandon).Stop
	}
	return inner, sync.OnceFunc(func() {
		unbind()
		stop()
		s.handshakes.Add(-1)
	})
}
