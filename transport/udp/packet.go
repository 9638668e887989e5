package udp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/tako-go/tako"
)

// Packet is a datagram. It and its Data are valid until the handler returns, and are then
// used for another one: a handler that passes them on copies what it needs. The methods may
// be called concurrently.
type Packet struct {
	// Data is what was received. The handler may change it.
	Data []byte
	// Truncated says that the datagram was longer than Config.MaxDatagram.
	Truncated bool

	sock   *socket
	remote netip.AddrPort
	local  netip.AddrPort
	peer   net.Addr // of sockets other than those of UDP
	buf    []byte
	source sourceControl // makes replies leave from the address that was asked
	raw    rawPacket
}

// Remote is who sent the datagram; the zero value if that has no IP address. An IPv4
// address is never written as an IPv6 one.
func (p *Packet) Remote() netip.AddrPort { return p.remote }

// Local is where the datagram was sent to; the zero value for sockets without IP address.
// On a socket for all addresses of the machine it has the one that was used on Linux and
// macOS, the unspecified address elsewhere.
func (p *Packet) Local() netip.AddrPort { return p.local }

// isForged reports whether an answer would come back as the next datagram, for ever if that is
// answered too, or has no port to go to.
func (p *Packet) isForged() bool {
	switch {
	case !p.remote.IsValid():
		return false
	case p.remote.Port() == 0:
		return true
	case p.remote.Port() != p.sock.local.Port():
		return false
	}
	from := p.remote.Addr()
	return from.WithZone("") == p.local.Addr().WithZone("") || from.IsLoopback() && p.sock.local.Addr().IsUnspecified()
}

// Info describes both ends as other servers do: the transport is "udp", or "unix". Unlike
// Remote and Local it allocates, and stays valid.
func (p *Packet) Info() *tako.ConnInfo {
	if !p.remote.IsValid() {
		transport := "udp"
		if n := p.sock.conn.LocalAddr().Network(); n == "unixgram" {
			transport = "unix"
		}
		return &tako.ConnInfo{Transport: transport, Remote: p.peer, Local: p.sock.conn.LocalAddr()}
	}
	return &tako.ConnInfo{Transport: "udp", Remote: net.UDPAddrFromAddrPort(p.remote), Local: net.UDPAddrFromAddrPort(p.local)}
}

// Draining is closed when the server begins to drain.
func (p *Packet) Draining() <-chan struct{} { return p.sock.s.draining }

// errNoSender is of datagrams from a Unix socket that is not bound.
var errNoSender = errors.New("udp: reply: the sender has no address")

// Reply sends b to the sender, from the address that the datagram was sent to. After the
// server has been cut the error matches [net.ErrClosed].
func (p *Packet) Reply(b []byte) (int, error) {
	k := p.sock
	switch {
	case k.udp != nil && k.connected:
		return k.sent(k.udp.Write(b))
	case k.udp != nil:
		return k.send(b, p.source.control(), p.remote)
	case p.peer == nil:
		return 0, errNoSender
	}
	return k.sent(k.conn.WriteTo(b, p.peer))
}

// WriteTo sends b to any address, from the one that the datagram was sent to. The error
// matches [errors.ErrUnsupported] if the socket has no IP addresses.
func (p *Packet) WriteTo(b []byte, to netip.AddrPort) (int, error) {
	k := p.sock
	if k.udp == nil {
		if _, ok := k.conn.LocalAddr().(*net.UDPAddr); !ok {
			return 0, fmt.Errorf("udp: write to %v: %w", to, errors.ErrUnsupported)
		}
		return k.sent(k.conn.WriteTo(b, net.UDPAddrFromAddrPort(to)))
	}
	control := p.source.control()
	if to.Addr().Unmap().Is4() != p.local.Addr().Is4() {
		control = nil
	}
	return k.send(b, control, to)
}

// over makes later use of the packet fail, where mistakes shall be found.
func (p *Packet) over() {
	p.Data, p.buf, p.sock = nil, nil, nil
}
