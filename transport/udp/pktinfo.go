//go:build linux || darwin

package udp

import (
	"encoding/binary"
	"net"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The layouts of in_pktinfo and in6_pktinfo.
const (
	pktinfo4Size = 12 // index of the interface, address to send from, address of the header
	pktinfo6Size = 20 // address, index of the interface
)

// controlSize is enough for both kinds, as a socket for IPv6 and IPv4 gets them.
const controlSize = 128

// askLocal makes the kernel tell the address of each datagram, and reports whether it does.
func askLocal(conn *net.UDPConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	told := false
	_ = raw.Control(func(fd uintptr) {
		v6 := unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1) == nil
		v4 := unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1) == nil
		told = v4 || v6
	})
	return told
}

// sourceControl is the control message that makes a datagram leave from an address.
type sourceControl struct {
	words [(unix.SizeofCmsghdr + pktinfo6Size + 16) / 8]uint64 // as the kernel wants it aligned
	size  int
}

func (c *sourceControl) reset() { c.size = 0 }

// control returns the message, nil if there is none.
func (c *sourceControl) control() []byte {
	if c.size == 0 {
		return nil
	}
	return c.bytes()[:c.size]
}

func (c *sourceControl) bytes() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&c.words)), len(c.words)*8)
}

// from returns the address that a datagram was sent to, by the control messages it came
// with, and keeps the one to answer from. A socket for IPv6 and IPv4 gets two messages for
// IPv4, of which that of IPv4 tells more.
func (c *sourceControl) from(received []byte) (local netip.Addr) {
	for len(received) >= unix.SizeofCmsghdr {
		h, data, rest, err := unix.ParseOneSocketControlMessage(received)
		if err != nil {
			break
		}
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= pktinfo4Size:
			local = netip.AddrFrom4([4]byte(data[8:12]))
			source := [4]byte(data[4:8])
			if source == [4]byte{} {
				source = local.As4()
			}
			c.set4(source)
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= pktinfo6Size && !local.IsValid():
			local = netip.AddrFrom16([16]byte(data[:16])).Unmap()
			if local.Is4() {
				c.set4(local.As4())
			} else {
				c.set6(local, binary.NativeEndian.Uint32(data[16:]))
			}
		}
		received = rest
	}
	return local
}

// set4 and set6 leave out what is no address of a host: multicast, and broadcast.
func (c *sourceControl) set4(source [4]byte) {
	if c.size = 0; source == [4]byte{} || source[0] >= 224 {
		return
	}
	data := c.message(unix.IPPROTO_IP, unix.IP_PKTINFO, pktinfo4Size)
	copy(data[4:], source[:])
}

// set6 names the interface only where the address does not do without: otherwise routing
// decides, as it does for others.
func (c *sourceControl) set6(source netip.Addr, index uint32) {
	if source.IsMulticast() || source.IsUnspecified() {
		return
	}
	data := c.message(unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, pktinfo6Size)
	a := source.As16()
	copy(data, a[:])
	if source.IsLinkLocalUnicast() {
		binary.NativeEndian.PutUint32(data[16:], index)
	}
}

// message begins a control message and returns its data, which is zero.
func (c *sourceControl) message(level, kind int32, size int) []byte {
	clear(c.words[:])
	h := (*unix.Cmsghdr)(unsafe.Pointer(&c.words))
	h.Level, h.Type = level, kind
	h.SetLen(unix.CmsgLen(size))
	c.size = unix.CmsgSpace(size)
	return c.bytes()[unix.CmsgLen(0):unix.CmsgLen(size)]
}
