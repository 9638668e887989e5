package transport

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/mdlayher/vsock"
	"golang.org/x/sys/unix"
)

// A vsockListener has, other than that of the library, a File, so that its socket can be
// passed on.
type vsockListener struct {
	*vsock.Listener
	file *os.File
}

func listenVSock(cid, port uint32) (net.Listener, error) {
	fd, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if errors.Is(err, unix.EAFNOSUPPORT) {
		return nil, fmt.Errorf("%w: %w", err, errors.ErrUnsupported)
	}
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	file := os.NewFile(uintptr(fd), "vsock:"+vsockText(cid, port))
	if port == 0 {
		port = unix.VMADDR_PORT_ANY
	}
	if err := unix.Bind(fd, &unix.SockaddrVM{CID: cid, Port: port}); err != nil {
		_ = file.Close()
		return nil, os.NewSyscallError("bind", err)
	}
	if err := unix.Listen(fd, unix.SOMAXCONN); err != nil {
		_ = file.Close()
		return nil, os.NewSyscallError("listen", err)
	}
	return newVSockListener(file)
}

// newVSockListener takes over the file.
func newVSockListener(file *os.File) (net.Listener, error) {
	ln, err := vsock.FileListener(file)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &vsockListener{Listener: ln, file: file}, nil
}

// Accept returns a [vsock.Conn] with its own local address: the library has that of the
// listener, which may be any.
func (l *vsockListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if errors.Is(err, unix.EBADF) { // how the library says that it is closed
		return nil, &net.OpError{Op: "accept", Net: "vsock", Addr: l.Addr(), Err: net.ErrClosed}
	}
	if err != nil {
		return nil, err
	}
	conn := &vsockConn{Conn: c.(*vsock.Conn), local: c.LocalAddr()}
	if raw, err := conn.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			if sa, err := unix.Getsockname(int(fd)); err == nil {
				if vm, ok := sa.(*unix.SockaddrVM); ok {
					conn.local = &vsock.Addr{ContextID: vm.CID, Port: vm.Port}
				}
			}
		})
	}
	return conn, nil
}

// File returns a duplicate of the socket.
func (l *vsockListener) File() (*os.File, error) {
	raw, err := l.file.SyscallConn()
	if err != nil {
		return nil, err
	}
	dup, dupErr := -1, error(nil)
	err = raw.Control(func(fd uintptr) { dup, dupErr = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 3) })
	if err := errors.Join(err, os.NewSyscallError("fcntl", dupErr)); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(dup), l.file.Name()), nil
}

// Close closes both descriptors of the socket.
func (l *vsockListener) Close() error {
	err := l.Listener.Close()
	_ = l.file.Close()
	return err
}

type vsockConn struct {
	*vsock.Conn
	local net.Addr
}

func (c *vsockConn) LocalAddr() net.Addr { return c.local }

// vsockName returns the address of a socket, if it is of vsock.
func vsockName(sa unix.Sockaddr) (string, bool) {
	vm, ok := sa.(*unix.SockaddrVM)
	if !ok {
		return "", false
	}
	return vsockText(vm.CID, vm.Port), true
}
