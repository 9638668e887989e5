package udp

import (
	"net"
	"net/netip"
	"time"
)

// reader reads the datagrams of a socket.
type reader interface {
	// read fills some of ps, at least one, and returns how many; it waits until it can.
	read(ps []*Packet) (int, error)
	// poll is a read that does not wait, and returns 0 if there is nothing, or an error.
	poll(ps []*Packet) (int, error)
}

// reader returns how the socket is read, and how many datagrams at once.
func (k *socket) reader(batch int) (reader, int) {
	if k.udp == nil {
		return anyReader{k}, 1
	}
	if r := newBatchReader(k, batch); r != nil && batch > 1 {
		return r, batch
	}
	return &plainReader{k: k, poller: newBatchReader(k, 1)}, 1
}

// emptyAfter is how long a socket must give nothing to count as empty, where that cannot be
// asked.
const emptyAfter = 10 * time.Millisecond

// plainReader reads one datagram at a time from a socket of UDP.
type plainReader struct {
	k       *socket
	control [controlSize]byte
	poller  reader // for poll, where there is a better one
}

func (r *plainReader) read(ps []*Packet) (int, error) {
	p, control := ps[0], r.control[:]
	if !r.k.tells {
		control = nil
	}
	n, controlled, _, remote, err := r.k.udp.ReadMsgUDPAddrPort(p.buf, control)
	if err != nil {
		return 0, err
	}
	r.k.receivedSpare(p, n, remote, control[:controlled])
	return 1, nil
}

func (r *plainReader) poll(ps []*Packet) (int, error) {
	if r.poller != nil {
		return r.poller.poll(ps)
	}
	_ = r.k.conn.SetReadDeadline(time.Now().Add(emptyAfter))
	return r.read(ps)
}

// anyReader reads from what is not a socket of UDP of the net package.
type anyReader struct{ k *socket }

func (r anyReader) read(ps []*Packet) (int, error) {
	p := ps[0]
	n, peer, err := r.k.conn.ReadFrom(p.buf)
	if err != nil {
		return 0, err
	}
	remote := netip.AddrPort{}
	if a, ok := peer.(*net.UDPAddr); ok && a != nil {
		remote = a.AddrPort()
	}
	r.k.receivedSpare(p, n, remote, nil)
	if a, ok := peer.(*net.UnixAddr); !ok || a != nil && a.Name != "" { // else nobody can be answered
		p.peer = peer
	}
	return 1, nil
}

func (r anyReader) poll(ps []*Packet) (int, error) {
	if err := r.k.conn.SetReadDeadline(time.Now().Add(emptyAfter)); err != nil {
		return 0, err
	}
	return r.read(ps)
}

// receivedSpare is received for a read into the whole buffer, which has a byte more than
// datagrams may have.
func (k *socket) receivedSpare(p *Packet, n int, remote netip.AddrPort, control []byte) {
	most := len(p.buf) - 1
	k.received(p, min(n, most), n > most, remote, control)
}
