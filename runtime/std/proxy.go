package std

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/connlimit"
	"github.com/tako-go/tako/internal/unixsock"
)

// introduce reads the PROXY header. It is called by who reads, before anything else is read.
func (c *conn) introduce() error {
	_ = c.SetReadDeadline(time.Time{}) // that for a head begins behind the header
	c.intro = false
	info, err := c.header.Introduce(c.info, c.since)
	if err != nil {
		c.broken.Store(true)
		c.mistaken(err)
		return errHandshake
	}
	*c.info = *info // no request has seen it
	if key := connlimit.Key(info.Remote); !c.slot.Rekey(key) {
		c.broken.Store(true)
		c.s.full(info.Remote)
		return errHandshake
	}
	if d := c.s.limits.HeaderTimeout; d > 0 {
		_ = c.SetReadDeadline(time.Now().Add(d))
	}
	return nil
}

// mistaken logs a connection that is refused for its PROXY header, or the lack of one.
func (c *conn) mistaken(err error) {
	s := c.s
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.stats.timedOut.Add(1)
	case c.closed.Load():
	default:
		if n := s.stats.refusedHeaders.Add(1); n&(n-1) == 0 {
			s.log.Warn("connection refused: PROXY header", "peer", c.info.Remote, "err", err, "refused", n)
		}
	}
}

// untrusted logs a connection that is refused because its address may not send PROXY headers.
func (s *Server) untrusted(peer net.Addr) {
	if n := s.stats.refusedHeaders.Add(1); n&(n-1) == 0 {
		s.log.Warn("connection refused: no trusted proxy", "peer", peer, "refused", n)
	}
}

// credOf tells who is at the other end of a Unix socket, nil if that cannot be told.
func credOf(c net.Conn) (cred *tako.PeerCred) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	_ = raw.Control(func(fd uintptr) {
		if pid, uid, gid, ok := unixsock.Cred(int(fd)); ok {
			cred = &tako.PeerCred{PID: pid, UID: uid, GID: gid}
		}
	})
	return cred
}
