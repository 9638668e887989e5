package udp

import (
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rawPacket is where the kernel writes the sender and the control messages of a packet.
type rawPacket struct {
	name    unix.RawSockaddrInet6
	control [controlSize / 8]uint64 // as the kernel wants it aligned
}

// mmsghdr is that of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

// batchReader reads several datagrams by one system call.
type batchReader struct {
	k    *socket
	raw  syscall.RawConn
	hdrs []mmsghdr
	iovs []unix.Iovec
	wait func(fd uintptr) bool // try until there is something
	once func(fd uintptr)
	n    int // datagrams of the last call: before the first one all of ps
	err  error
}

// newBatchReader returns nil if the socket cannot be used so.
func newBatchReader(k *socket, batch int) reader {
	raw, err := k.udp.SyscallConn()
	if err != nil {
		return nil
	}
	r := &batchReader{k: k, raw: raw, hdrs: make([]mmsghdr, batch), iovs: make([]unix.Iovec, batch), n: batch}
	r.wait = func(fd uintptr) bool {
		r.try(fd)
		return r.n > 0 || r.err != nil
	}
	r.once = r.try
	return r
}

func (r *batchReader) read(ps []*Packet) (int, error) {
	r.prepare(ps)
	r.n = 0
	if err := r.raw.Read(r.wait); err != nil {
		return 0, err
	}
	return r.finish(ps)
}

func (r *batchReader) poll(ps []*Packet) (int, error) {
	r.prepare(ps)
	r.n = 0
	if err := r.raw.Control(r.once); err != nil {
		return 0, err
	}
	return r.finish(ps)
}

// prepare points the headers that the last call has used at the packets that are there now.
func (r *batchReader) prepare(ps []*Packet) {
	for i, p := range ps[:r.n] {
		r.iovs[i].Base = &p.buf[0]
		r.iovs[i].SetLen(len(p.buf) - 1)
		h := &r.hdrs[i].hdr
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&p.raw.name)), unix.SizeofSockaddrInet6
		h.Iov = &r.iovs[i]
		h.SetIovlen(1)
		h.Flags = 0
		if r.k.tells {
			h.Control = (*byte)(unsafe.Pointer(&p.raw.control))
			h.SetControllen(controlSize)
		}
	}
}

// try sets n and err, both to zero if there is nothing to read.
func (r *batchReader) try(fd uintptr) {
	for {
		n, _, e := unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.hdrs[0])), uintptr(len(r.hdrs)), unix.MSG_DONTWAIT, 0, 0)
		switch e {
		case 0:
			r.n, r.err = int(n), nil
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			r.n, r.err = 0, nil
		default:
			r.n, r.err = 0, os.NewSyscallError("recvmmsg", e)
		}
		return
	}
}

func (r *batchReader) finish(ps []*Packet) (int, error) {
	for i, p := range ps[:r.n] {
		h := &r.hdrs[i]
		var control []byte
		if r.k.tells {
			control = unsafe.Slice((*byte)(unsafe.Pointer(&p.raw.control)), controlSize)[:h.hdr.Controllen]
		}
		r.k.received(p, int(h.len), h.hdr.Flags&unix.MSG_TRUNC != 0, p.raw.sender(), control)
	}
	return r.n, r.err
}

func (p *rawPacket) sender() netip.AddrPort {
	switch p.name.Family {
	case unix.AF_INET:
		a := (*unix.RawSockaddrInet4)(unsafe.Pointer(&p.name))
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), port(&a.Port))
	case unix.AF_INET6:
		a := netip.AddrFrom16(p.name.Addr)
		if p.name.Scope_id != 0 {
			a = a.WithZone(strconv.FormatUint(uint64(p.name.Scope_id), 10))
		}
		return netip.AddrPortFrom(a, port(&p.name.Port))
	}
	return netip.AddrPort{}
}

// port reads a port in the order of the network.
func port(p *uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(p))
	return uint16(b[0])<<8 | uint16(b[1])
}
