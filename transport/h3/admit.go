package h3

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/tako-go/tako/internal/connlimit"
)

// verify reports whether a client has to prove its address first.
func (s *Server) verify(from net.Addr) bool {
	switch s.cfg.Retry {
	case RetryAlways:
	case RetryNever:
		return false
	default:
		if !s.busy(from) {
			return false
		}
	}
	s.stats.retries.Add(1)
	return true
}

// busy reports whether handshakes take up so much of a limit that honest clients could be refused
// for those whose sender is false.
func (s *Server) busy(from net.Addr) bool {
	l, enough := &s.cfg.Limits, s.cfg.RetryAfter
	if l.Conns > 0 {
		enough = min(enough, max(l.Conns/4, 1))
	}
	if s.stats.handshakes.Load() >= int64(enough) {
		return true
	}
	return l.ConnsPerAddr > 0 && s.unproven.of(connlimit.Key(from)) >= max(l.ConnsPerAddr/4, 1)
}

// senders counts handshakes by the address that they claim to come from.
type senders struct {
	mu    sync.Mutex
	count map[netip.Addr]int
}

func (u *senders) of(key netip.Addr) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.count[key]
}

func (u *senders) add(key netip.Addr) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.count == nil {
		u.count = map[netip.Addr]int{}
	}
	u.count[key]++
}

// drop takes back an add; an invalid key was none.
func (u *senders) drop(key netip.Addr) {
	if !key.IsValid() {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.count[key]--; u.count[key] <= 0 {
		delete(u.count, key)
	}
}

var errRefused = errors.New("h3: no more connections")

type connKey struct{}

// admit holds connections to their limits before anything is spent on them.
func (s *Server) admit(ctx context.Context, client *quic.ClientInfo) (context.Context, error) {
	// Counted before that look: a drain refuses, and then waits for those that are counted.
	s.stats.handshakes.Add(1)
	if s.refusing.Load() {
		s.stats.handshakes.Add(-1)
		return nil, errRefused
	}
	c := &conn{s: s, started: make(chan struct{})}
	if s.count.Try() {
		c.slot = s.count.Admit(client.RemoteAddr)
	}
	if c.slot == nil {
		s.stats.handshakes.Add(-1)
		if n := s.stats.refusedConns.Add(1); n&(n-1) == 0 { // the 1st, 2nd, 4th …: a flood must not fill the log
			s.log.Warn("connection refused: there are too many, or too many of its address", "peer", client.RemoteAddr, "refused", n)
		}
		return nil, errRefused
	}
	if key := connlimit.Key(client.RemoteAddr); !client.AddrVerified && key.IsValid() {
		c.claims = key
		s.unproven.add(key)
	}
	c.handshaking.Store(true)
	context.AfterFunc(ctx, func() { c.gone(context.Cause(ctx)) })
	// The library waits for certificates where it would look at its own timeout.
	inner, abandon := context.WithCancel(ctx)
	c.abandon = func() {
		if c.handshaking.Load() {
			abandon()
		}
	}
	if d := s.cfg.Limits.HandshakeTimeout; d > 0 {
		c.timeout = time.AfterFunc(d, func() {
			c.tooLate.Store(true)
			c.abandon()
		})
	}
	s.track(c)
	return context.WithValue(inner, connKey{}, c), nil
}
