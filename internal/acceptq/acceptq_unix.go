//go:build unix

package acceptq

import (
	"errors"
	"net"
	"os"
	"syscall"
)

func next(ln net.Listener) (net.Conn, error) {
	sc, ok := ln.(syscall.Conn)
	if !ok {
		return nil, ErrEmpty
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, ErrEmpty
	}
	fd, acceptErr := -1, error(syscall.EAGAIN)
	err = raw.Control(func(s uintptr) {
		// The listening socket is non-blocking already: the poller owns it.
		for range 3 {
			if fd, _, acceptErr = syscall.Accept(int(s)); acceptErr != syscall.EINTR && acceptErr != syscall.ECONNABORTED {
				break
			}
		}
	})
	if err = errors.Join(err, acceptErr); err != nil {
		return nil, ErrEmpty
	}
	syscall.CloseOnExec(fd)
	f := os.NewFile(uintptr(fd), "accepted")
	defer f.Close()
	return net.FileConn(f)
}
