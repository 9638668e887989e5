package udp

import (
	"net"
	"net/netip"
)

// socket is one that a server reads.
type socket struct {
	s         *Server
	conn      net.PacketConn
	udp       *net.UDPConn   // conn, if it is one of the net package
	local     netip.AddrPort // what it is bound to; invalid without IP address
	connected bool           // it has one peer only
	tells     bool           // the kernel tells the address that each datagram was sent to
}

func newSocket(s *Server, conn net.PacketConn) *socket {
	k := &socket{s: s, conn: conn}
	if a, ok := conn.LocalAddr().(*net.UDPAddr); ok {
		k.local = unmap(a.AddrPort())
	}
	if k.udp, _ = conn.(*net.UDPConn); k.udp != nil {
		k.connected = k.udp.RemoteAddr() != nil
		k.tells = k.local.Addr().IsUnspecified() && askLocal(k.udp)
	}
	return k
}

func (k *socket) send(b, control []byte, to netip.AddrPort) (int, error) {
	n, _, err := k.udp.WriteMsgUDPAddrPort(b, control, to)
	return k.sent(n, err)
}

// sent counts what was sent.
func (k *socket) sent(n int, err error) (int, error) {
	if err == nil {
		k.s.stats.sent.Add(1)
		k.s.stats.sentBytes.Add(int64(n))
	}
	return n, err
}

// received fills p with what was read into its buffer.
func (k *socket) received(p *Packet, n int, truncated bool, remote netip.AddrPort, control []byte) {
	p.sock, p.Data, p.Truncated = k, p.buf[:n:n], truncated
	p.remote, p.local, p.peer = unmap(remote), k.local, nil
	p.source.reset()
	if k.tells {
		if local := p.source.from(control); local.IsValid() {
			p.local = netip.AddrPortFrom(local, k.local.Port())
		}
	}
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
