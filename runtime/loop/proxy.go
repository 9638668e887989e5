package loop

import (
	"errors"
	"net/netip"
	"os"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/connlimit"
	"github.com/tako-go/tako/internal/proxyproto"
)

// place gives a connection, which has one of the total, its place among those of its
// address. Behind a proxy that is to introduce it, the address is not known yet. It returns
// nil if the connection is to be closed.
func (s *Server) place(ip netip.Addr) (slot *connlimit.Slot, intro bool) {
	switch s.gate.Admit(ip) {
	case proxyproto.Refuse:
		s.count.Release()
		s.untrusted(ip)
		return nil, false
	case proxyproto.Expect:
		return s.count.AdmitKey(netip.Addr{}), true
	}
	if slot = s.count.AdmitKey(connlimit.KeyIP(ip)); slot == nil {
		s.full(ip)
	}
	return slot, false
}

// untrusted logs a connection that is refused because its address may not send PROXY headers.
func (s *Server) untrusted(from netip.Addr) {
	if n := s.stats.refusedHeaders.Add(1); n&(n-1) == 0 {
		s.log.Warn("connection refused: no trusted proxy", "peer", from, "refused", n)
	}
}

// mistaken logs a connection that is refused for its PROXY header, or the lack of one.
func (s *Server) mistaken(info *tako.ConnInfo, err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.stats.timedOut.Add(1)
		return
	}
	if n := s.stats.refusedHeaders.Add(1); n&(n-1) == 0 {
		s.log.Warn("connection refused: PROXY header", "peer", info.Remote, "err", err, "refused", n)
	}
}

// known takes over whom a proxy has introduced. It returns false if the address has too many.
func (s *Server) known(p *peer, info *tako.ConnInfo) bool {
	p.info.Store(info)
	if key := connlimit.Key(info.Remote); !p.slot.Rekey(key) {
		s.full(key)
		return false
	}
	return true
}

// introduced reads the PROXY header of a stream. It reports whether the connection goes on.
func (st *stream) introduced() bool {
	if st.header == nil {
		return true
	}
	info, err := st.header.Introduce(st.peer.connInfo(), time.Now())
	if err != nil {
		if st.state.Load() != streamClosed {
			st.srv.mistaken(st.peer.connInfo(), err)
		}
		return false
	}
	return st.srv.known(st.peer, info)
}
