package tcp

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// seesSplices says that timeouts can be judged while the kernel copies.
const seesSplices = true

// hungUp reports whether the client has reset the connection, or, unless we have closed our side
// too, closed both of its own.
func hungUp(c net.Conn, halfClosed bool) bool {
	events := poll(c, 0)
	return events&unix.POLLERR != 0 || events&unix.POLLHUP != 0 && !halfClosed
}

// writable reports whether the socket takes more.
func writable(c net.Conn) bool { return poll(c, unix.POLLOUT) != 0 }

func poll(c net.Conn, events int16) (got int16) {
	control(c, func(fd int) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
		if n, err := unix.Poll(fds, 0); err == nil && n > 0 {
			got = fds[0].Revents
		}
	})
	return got
}

// silence returns how long no data has come or gone, as the kernel knows it.
func silence(c net.Conn) (d time.Duration) {
	d = -1
	info(c, func(i *unix.TCPInfo) { d = time.Duration(min(i.Last_data_recv, i.Last_data_sent)) * time.Millisecond })
	return d
}

// acked returns how many bytes the client has taken.
func acked(c net.Conn) (n uint64) {
	info(c, func(i *unix.TCPInfo) { n = i.Bytes_acked })
	return n
}

func info(c net.Conn, f func(i *unix.TCPInfo)) {
	control(c, func(fd int) {
		if i, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			f(i)
		}
	})
}

func control(c net.Conn, f func(fd int)) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := sc.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { f(int(fd)) })
	}
}
