package proxyproto

import (
	"net"

	"github.com/tako-go/tako"
)

// Info is what a gate tells of a header.
func (h *Header) Info(remote, local net.Addr) *tako.ProxyHeader {
	p := new(tako.ProxyHeader)
	h.fill(p, remote, local)
	return p
}
