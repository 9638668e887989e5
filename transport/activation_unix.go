//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package transport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	firstFD   = 3 // SD_LISTEN_FDS_START
	maxPassed = 1024
)

// readEnvironment follows sd_listen_fds_with_names(3).
func readEnvironment() *passed {
	p := &passed{taken: map[int]bool{}}
	pid, fds := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS")
	names, named := os.LookupEnv("LISTEN_FDNAMES")
	for _, name := range []string{"LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		_ = os.Unsetenv(name) // has no error for names like these
	}
	if pid == "" || fds == "" {
		return p
	}
	if n, err := strconv.Atoi(pid); err != nil || n <= 0 {
		p.err = fmt.Errorf("LISTEN_PID is %q: it must be the number of a process", pid)
		return p
	} else if n != os.Getpid() {
		p.note = fmt.Sprintf("LISTEN_PID is %d, and this is process %d", n, os.Getpid())
		return p
	}
	count, err := strconv.Atoi(fds)
	if err != nil || count < 0 || count > maxPassed {
		p.err = fmt.Errorf("LISTEN_FDS is %q: it must be a number up to %d", fds, maxPassed)
		return p
	}
	called := make([]string, count)
	for i := range called {
		called[i] = "unknown"
	}
	if named {
		if called = strings.Split(names, ":"); len(called) != count {
			p.err = fmt.Errorf("LISTEN_FDNAMES is %q: it must have as many names as LISTEN_FDS says, %d", names, count)
			return p
		}
	}
	p.sockets, p.err = survey(called)
	return p
}

// survey looks at the descriptors that were passed, and keeps them from programs that this
// one starts.
func survey(names []string) ([]SocketInfo, error) {
	var sockets []SocketInfo
	for i, name := range names {
		fd := firstFD + i
		unix.CloseOnExec(fd)
		s, err := inspect(fd)
		if errors.Is(err, unix.EBADF) {
			return nil, fmt.Errorf("LISTEN_FDS is %d: there is no fd %d", len(names), fd)
		}
		s.Name = name
		sockets = append(sockets, s)
	}
	return sockets, nil
}

// inspect describes a descriptor; the error is that of one that is closed, or no socket.
func inspect(fd int) (SocketInfo, error) {
	s := SocketInfo{FD: fd, Name: "unknown"}
	sort, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return s, os.NewSyscallError("getsockopt", err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return s, nil // of a family that is not known
	}
	listening, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	s.Listening = err == nil && listening != 0
	inet := map[int]string{unix.SOCK_STREAM: "tcp", unix.SOCK_DGRAM: "udp"}
	local := map[int]string{unix.SOCK_STREAM: "unix", unix.SOCK_DGRAM: "unixgram", unix.SOCK_SEQPACKET: "unixpacket"}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		s.Network = inet[sort]
		s.Addr = netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)).String()
	case *unix.SockaddrInet6:
		s.Network = inet[sort]
		s.Addr = netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).WithZone(zone(sa.ZoneId)), uint16(sa.Port)).String()
	case *unix.SockaddrUnix:
		s.Network, s.Addr = local[sort], sa.Name
	default:
		if addr, ok := vsockName(sa); ok && sort == unix.SOCK_STREAM {
			s.Network, s.Addr = "vsock", addr
		}
	}
	return s, nil
}

func zone(id uint32) string {
	if id == 0 {
		return ""
	}
	if ifc, err := net.InterfaceByIndex(int(id)); err == nil {
		return ifc.Name
	}
	return strconv.FormatUint(uint64(id), 10)
}

// take moves a descriptor to a new file, so that its number can be used for others.
func take(fd int, name string) (*os.File, error) {
	moved, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, firstFD)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	file := os.NewFile(uintptr(moved), name)
	if fd >= firstFD {
		err = os.NewSyscallError("close", unix.Close(fd))
	} else {
		err = replaceByNull(fd)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// replaceByNull keeps 0, 1 and 2 from becoming something else.
func replaceByNull(fd int) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	return os.NewSyscallError("dup", dupOnto(int(null.Fd()), fd))
}
