package loop

import (
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// disconnect resets a TCP connection at once, whoever else refers to its socket.
func disconnect(fd int) {
	var unspecified [16]byte
	if _, _, errno := syscall.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&unspecified)), 16); errno != 0 {
		_ = unix.Shutdown(fd, unix.SHUT_RDWR) // a Unix socket cannot be reset
	}
}

// tryRead reads what has come, if anything.
func tryRead(fd int, p []byte) int {
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// tryWrite writes what the socket takes at once. A full socket is no error.
func tryWrite(fd int, p []byte) (int, error) { return trySend(fd, p, 0) }

// trySend is tryWrite with flags.
func trySend(fd int, p []byte, flags uintptr) (int, error) {
	total := 0
	for total < len(p) {
		b := p[total:]
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT|flags, 0, 0)
		switch errno {
		case 0:
			total += int(n)
		case syscall.EINTR:
		case syscall.EAGAIN:
			return total, nil
		default:
			return total, os.NewSyscallError("write", errno)
		}
	}
	return total, nil
}

// tryWritev is tryWrite for several pieces; it advances bufs by what was written.
func tryWritev(fd int, bufs [][]byte) ([][]byte, error) {
	var iov [64]unix.Iovec
	for len(bufs) > 0 {
		if len(bufs[0]) == 0 {
			bufs = bufs[1:]
			continue
		}
		n, want := 0, 0
		for _, b := range bufs[:min(len(bufs), len(iov))] {
			if len(b) > 0 {
				iov[n].Base = unsafe.SliceData(b)
				iov[n].SetLen(len(b))
				n++
				want += len(b)
			}
		}
		msg := unix.Msghdr{Iov: &iov[0]}
		msg.SetIovlen(n)
		sent, _, errno := syscall.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&msg)), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		runtime.KeepAlive(bufs)
		switch errno {
		case 0:
			bufs = advance(bufs, int(sent))
			if int(sent) < want {
				return bufs, nil
			}
		case syscall.EINTR:
		case syscall.EAGAIN:
			return bufs, nil
		default:
			return bufs, os.NewSyscallError("write", errno)
		}
	}
	return bufs, nil
}

// advance takes n bytes off bufs.
func advance(bufs [][]byte, n int) [][]byte {
	for len(bufs) > 0 && n >= len(bufs[0]) {
		n -= len(bufs[0])
		bufs = bufs[1:]
	}
	if n > 0 {
		bufs[0] = bufs[0][n:]
	}
	return bufs
}

// localAddr returns the address of our end of a socket.
func localAddr(fd int) net.Addr {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return nil
	}
	return netAddr(sa)
}

// ends returns the two addresses of a socket; peer is that of the other end if it was asked
// already, when it was there for sure.
func ends(fd int, peer netip.AddrPort) (local, remote net.Addr) {
	if peer.IsValid() {
		if own, ok := addrPort(unix.SYS_GETSOCKNAME, fd); ok && own.IsValid() {
			both := new(tcpEnds)
			return both.addr(0, own), both.addr(1, peer)
		}
		return localAddr(fd), net.TCPAddrFromAddrPort(peer)
	}
	local = localAddr(fd)
	if sa, err := unix.Getpeername(fd); err == nil {
		remote = netAddr(sa)
	}
	return local, remote
}

// tcpEnds are both ends of a connection in one piece of memory.
type tcpEnds struct {
	addrs [2]net.TCPAddr
	ips   [2][16]byte
}

func (e *tcpEnds) addr(i int, a netip.AddrPort) *net.TCPAddr {
	e.ips[i] = a.Addr().As16()
	ip := e.ips[i][:]
	if a.Addr().Is4() {
		ip = ip[12:]
	}
	e.addrs[i] = net.TCPAddr{IP: ip, Port: int(a.Port()), Zone: a.Addr().Zone()}
	return &e.addrs[i]
}

func netAddr(sa unix.Sockaddr) net.Addr {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)))
	case *unix.SockaddrInet6:
		ip := netip.AddrFrom16(sa.Addr).Unmap()
		if sa.ZoneId != 0 {
			if dev, err := net.InterfaceByIndex(int(sa.ZoneId)); err == nil {
				ip = ip.WithZone(dev.Name)
			}
		}
		return net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(sa.Port)))
	case *unix.SockaddrUnix:
		return &net.UnixAddr{Name: sa.Name, Net: "unix"}
	}
	return nil
}

// peerAddr returns the address of the other end, invalid for sockets without IP; gone says
// that there is no other end any more, so nobody knows who it was.
func peerAddr(fd int) (peer netip.AddrPort, gone bool) {
	addr, ok := addrPort(unix.SYS_GETPEERNAME, fd)
	return addr, !ok
}

// addrPort asks for an address, without making memory of it.
func addrPort(call uintptr, fd int) (addr netip.AddrPort, ok bool) {
	var sa unix.RawSockaddrAny
	size := uint32(unsafe.Sizeof(sa))
	_, _, errno := syscall.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return netip.AddrPort{}, false
	}
	switch sa.Addr.Family {
	case unix.AF_INET:
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(&sa))
		return netip.AddrPortFrom(netip.AddrFrom4(in.Addr), port(in.Port)), true
	case unix.AF_INET6:
		in := (*unix.RawSockaddrInet6)(unsafe.Pointer(&sa))
		ip := netip.AddrFrom16(in.Addr).Unmap()
		if in.Scope_id != 0 {
			if dev, err := net.InterfaceByIndex(int(in.Scope_id)); err == nil {
				ip = ip.WithZone(dev.Name)
			}
		}
		return netip.AddrPortFrom(ip, port(in.Port)), true
	}
	return netip.AddrPort{}, true
}

// port turns the bytes of a port, which are in the order of the network.
func port(n uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&n))
	return uint16(b[0])<<8 | uint16(b[1])
}

// netConn makes a connection of Go's poller of a socket, and takes the descriptor.
func netConn(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "")
	defer f.Close()
	return net.FileConn(f)
}

// dup duplicates a descriptor.
func dup(fd int) (int, error) {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	return n, os.NewSyscallError("dup", err)
}

// descriptor returns a duplicate of the socket of a connection.
func descriptor(nc net.Conn) (int, error) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return -1, os.ErrInvalid
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd := -1
	if cerr := raw.Control(func(s uintptr) { fd, err = dup(int(s)) }); cerr != nil {
		return -1, cerr
	}
	return fd, err
}

// pin binds the thread to a processor.
func (l *loop) pin() {
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil || all.Count() == 0 {
		return
	}
	cpu := 0
	for n := l.id % all.Count(); ; cpu++ {
		if all.IsSet(cpu) {
			if n == 0 {
				break
			}
			n--
		}
	}
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		l.srv.log.Warn("event loop cannot be pinned", "loop", l.id, "cpu", cpu, "err", err)
	}
}
