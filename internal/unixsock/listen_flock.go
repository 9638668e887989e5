//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package unixsock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// maxName is what fits into sun_path before the NUL that ends it.
const maxName = len(syscall.RawSockaddrUnix{}.Path) - 1

// backlog is more than systems allow, which they cut down to what they do.
const backlog = 1<<16 - 1

func listenAbstract(ctx context.Context, name string, cfg Config) (*Listener, error) {
	if runtime.GOOS != "linux" {
		return nil, fmt.Errorf("unix socket %s: abstract names with %s: %w", name, runtime.GOOS, errors.ErrUnsupported)
	}
	if cfg != (Config{}) {
		return nil, fmt.Errorf("unix socket %s: an abstract name has no file, so no mode, owner or group", name)
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "unix", name)
	if err != nil {
		return nil, fmt.Errorf("unix socket: %w", err)
	}
	return &Listener{UnixListener: ln.(*net.UnixListener)}, nil
}

func listenPath(ctx context.Context, name string, cfg Config) (*Listener, error) {
	uid, gid, err := owners(cfg)
	if err != nil {
		return nil, fmt.Errorf("unix socket %s: %w", name, err)
	}
	path := absolute(name)
	unlock, err := lockFolder(ctx, filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("unix socket %s: %w", name, err)
	}
	defer unlock()
	if err := makeWay(path); err != nil {
		return nil, fmt.Errorf("unix socket %s: %w", name, err)
	}
	ln, err := bind(name, path, cfg.Mode, uid, gid)
	if err != nil {
		return nil, fmt.Errorf("unix socket %s: %w", name, err)
	}
	return ln, nil
}

// absolute returns the path as it is good after the process has changed its folder, if that
// is short enough to connect to.
func absolute(name string) string {
	if path, err := filepath.Abs(name); err == nil && len(path) <= maxName {
		return path
	}
	return name
}

// bind makes the file and the socket. It listens last, so that nobody can connect before the
// file is as it should be; the umask, which would do for the mode, is the whole process's.
func bind(name, path string, mode fs.FileMode, uid, gid int) (_ *Listener, err error) {
	fd, err := newSocket()
	if err != nil {
		return nil, err
	}
	socket := os.NewFile(uintptr(fd), name)
	defer socket.Close()
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: name}); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	defer func() {
		if err != nil {
			_ = syscall.Unlink(path)
		}
	}()
	if err := os.Chmod(path, mode); err != nil {
		return nil, err
	}
	if uid >= 0 || gid >= 0 {
		if err := os.Lchown(path, uid, gid); err != nil {
			return nil, err
		}
	}
	id, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if err := syscall.Listen(fd, backlog); err != nil {
		return nil, os.NewSyscallError("listen", err)
	}
	ln, err := net.FileListener(socket) // does not unlink
	if err != nil {
		return nil, err
	}
	return &Listener{UnixListener: ln.(*net.UnixListener), file: &file{path, id}}, nil
}

func newSocket() (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return openSocket()
}

// openSocket is called with ForkLock held, so that no child gets the socket.
func openSocket() (int, error) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	syscall.CloseOnExec(fd)
	if err := syscall.SetNonblock(fd, true); err != nil {
		_ = syscall.Close(fd)
		return -1, os.NewSyscallError("fcntl", err)
	}
	return fd, nil
}
