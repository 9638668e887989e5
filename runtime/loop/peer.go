package loop

import (
	"net"
	"sync/atomic"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/connlimit"
	"github.com/tako-go/tako/internal/reqctx"
)

// peer is what is known of the client of a connection, wherever that is served.
type peer struct {
	srv   *Server
	slot  *connlimit.Slot
	ctx   atomic.Pointer[reqctx.Context] // of the request under way
	over  atomic.Pointer[error]          // why requests have ended, and later ones end at once
	ended atomic.Bool                    // the connection is over
	info  atomic.Pointer[tako.ConnInfo]

	ends addresses
}

// addresses tells the ends of a connection, which costs system calls on a loop.
type addresses interface {
	addrs() (local, remote net.Addr)
	cred() *tako.PeerCred
}

func (p *peer) connInfo() *tako.ConnInfo {
	if info := p.info.Load(); info != nil {
		return info
	}
	local, remote := p.ends.addrs()
	info := &tako.ConnInfo{Local: local, Remote: remote}
	if local != nil {
		info.Transport = local.Network()
	}
	if info.Transport == "unix" {
		info.Peer = p.ends.cred()
	}
	p.info.CompareAndSwap(nil, info)
	return p.info.Load()
}

// leave tells the request under way, and later ones, that the client is gone.
func (p *peer) leave() {
	p.cancel(tako.ErrClientGone)
}

// cancel ends the context of the request under way, and of those that still come.
func (p *peer) cancel(cause error) {
	p.over.CompareAndSwap(nil, &cause)
	if ctx := p.ctx.Load(); ctx != nil {
		ctx.End(cause)
	}
}

// end gives the place of the connection back, once.
func (p *peer) end() {
	if !p.ended.CompareAndSwap(false, true) {
		return
	}
	p.srv.ended(p.slot)
}
