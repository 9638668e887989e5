package loop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/tako-go/tako/internal/listensock"
	"github.com/tako-go/tako/internal/unixsock"
)

// bind makes the listening sockets: one for each loop that share the address, or
// what is inherited or ready-made.
func (r *reactor) bind(ctx context.Context) (net.Addr, error) {
	s := r.srv
	switch {
	case len(s.inherit) > 0:
		if s.cfg.Listener != nil {
			_ = s.cfg.Listener.Close()
		}
		return r.bindInherited()
	case s.cfg.Listener != nil:
		return r.bindReady(s.cfg.Listener)
	case s.cfg.Listen != nil:
		ln, err := s.cfg.Listen(ctx)
		if err != nil {
			return nil, err
		}
		addr, err := r.bindReady(ln)
		if err != nil {
			_ = ln.Close()
		}
		return addr, err
	}
	addr, err := resolve(ctx, s.cfg.Addr)
	if err != nil {
		return nil, err
	}
	for i := range s.cfg.Loops {
		fd, err := bindTCP(addr, i > 0)
		if err != nil {
			return nil, fmt.Errorf("listen tcp %s: %w", addr, err)
		}
		r.fds = append(r.fds, fd)
		if i == 0 {
			local := localAddr(fd)
			bound, ok := local.(*net.TCPAddr)
			if !ok {
				return nil, fmt.Errorf("listen tcp %s: no address", addr)
			}
			addr.Port = bound.Port
			if addr.IP == nil {
				addr.IP = bound.IP // decides between the families for the others too
			}
		}
	}
	local := localAddr(r.fds[0])
	return local, nil
}

func resolve(ctx context.Context, address string) (*net.TCPAddr, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen tcp: %w", err)
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "tcp", service)
	if err != nil {
		return nil, fmt.Errorf("listen tcp: %w", err)
	}
	if host == "" {
		return &net.TCPAddr{Port: port}, nil
	}
	ips, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("listen tcp: %w", err)
	}
	first := ips[0]
	for _, ip := range ips {
		if ip.IP.To4() != nil { // as the net package prefers it
			first = ip
			break
		}
	}
	return &net.TCPAddr{IP: first.IP, Zone: first.Zone, Port: port}, nil
}

// bindTCP makes one socket. The first one of an address listens alone, so that an
// address in use is noticed; it can be shared only after that.
func bindTCP(addr *net.TCPAddr, shared bool) (fd int, err error) {
	family, sa := sockaddr(addr)
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if errors.Is(err, unix.EAFNOSUPPORT) && addr.IP == nil {
		family, sa = unix.AF_INET, &unix.SockaddrInet4{Port: addr.Port}
		fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	}
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	defer func() {
		if err != nil {
			closeFD(fd)
		}
	}()
	if family == unix.AF_INET6 {
		only := 0
		if addr.IP != nil && !addr.IP.IsUnspecified() {
			only = 1
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return -1, os.NewSyscallError("setsockopt", err)
	}
	if shared {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return -1, os.NewSyscallError("setsockopt", err)
		}
	}
	if err := unix.Bind(fd, sa); err != nil {
		return -1, os.NewSyscallError("bind", err)
	}
	inheritOptions(fd)
	if err := unix.Listen(fd, backlog()); err != nil {
		return -1, os.NewSyscallError("listen", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return -1, os.NewSyscallError("setsockopt", err)
	}
	return fd, nil
}

// inheritOptions sets what accepted connections take over from their listener.
func inheritOptions(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
}

func sockaddr(addr *net.TCPAddr) (int, unix.Sockaddr) {
	if ip := addr.IP.To4(); ip != nil {
		return unix.AF_INET, &unix.SockaddrInet4{Port: addr.Port, Addr: [4]byte(ip)}
	}
	sa := &unix.SockaddrInet6{Port: addr.Port}
	copy(sa.Addr[:], addr.IP.To16())
	if addr.Zone != "" {
		if dev, err := net.InterfaceByName(addr.Zone); err == nil {
			sa.ZoneId = uint32(dev.Index)
		} else if n, err := strconv.Atoi(addr.Zone); err == nil {
			sa.ZoneId = uint32(n)
		}
	}
	return unix.AF_INET6, sa
}

// backlog is the longest accept queue that the system allows.
func backlog() int {
	text, err := os.ReadFile("/proc/sys/net/core/somaxconn")
	if err == nil {
		if n, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && n > 0 {
			return n
		}
	}
	return unix.SOMAXCONN
}

func (r *reactor) bindInherited() (net.Addr, error) {
	for _, f := range r.srv.inherit {
		fd, err := fileDescriptor(f)
		if lns, lnErr := listensock.Listeners([]*os.File{f}); lnErr == nil {
			if _, ok := lns[0].(*unixsock.Listener); ok && r.ln == nil {
				r.ln = lns[0] // for its file
			} else {
				_ = lns[0].Close()
			}
		}
		_ = f.Close()
		if err != nil {
			return nil, fmt.Errorf("inherited socket: %w", err)
		}
		r.fds = append(r.fds, fd)
		if on, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || on == 0 {
			return nil, fmt.Errorf("inherited socket %s does not listen", f.Name())
		}
	}
	r.srv.inherit, r.inherited = nil, true
	local := localAddr(r.fds[0])
	if local == nil {
		return nil, errors.New("inherited socket: it has no address")
	}
	return local, nil
}

// bindReady takes the socket of a ready-made listener; one that is more than its
// socket accepts by itself.
func (r *reactor) bindReady(ln net.Listener) (net.Addr, error) {
	ln = listensock.Own(ln)
	switch ready := ln.(type) {
	case *net.TCPListener, *net.UnixListener, *unixsock.Listener:
		fd, err := fileDescriptor(ready.(syscall.Conn))
		if err != nil {
			return nil, fmt.Errorf("ready-made listener: %w", err)
		}
		r.fds = append(r.fds, fd)
	default:
		r.acceptor = newAccepting(r.srv, ln, r.take)
	}
	r.ln = ln
	return ln.Addr(), nil
}

// fileDescriptor duplicates the descriptor of a listening socket.
func fileDescriptor(sc syscall.Conn) (int, error) {
	raw, err := sc.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd := -1
	if cerr := raw.Control(func(s uintptr) {
		if fd, err = dup(int(s)); err == nil {
			err = unix.SetNonblock(fd, true)
			inheritOptions(fd)
		}
	}); cerr != nil {
		return -1, cerr
	}
	return fd, err
}
