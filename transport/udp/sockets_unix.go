//go:build unix

package udp

import (
	"net"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// sharePort lets several sockets have one address.
func sharePort(_, _ string, raw syscall.RawConn) error {
	var setErr error
	err := raw.Control(func(fd uintptr) {
		setErr = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	})
	if err == nil {
		err = os.NewSyscallError("setsockopt", setErr)
	}
	return err
}

// readBuffer returns the size of the kernel's buffer, or size if that cannot be told. Linux
// counts twice what it was asked for.
func readBuffer(conn net.PacketConn, size int) int {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return size
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return size
	}
	got := size
	_ = raw.Control(func(fd uintptr) {
		n, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF)
		if err != nil {
			return
		}
		if got = n; runtime.GOOS == "linux" {
			got = n / 2
		}
	})
	return got
}
