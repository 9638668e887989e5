//go:build unix

package std

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// duplicate returns the socket of ln. The file that File returns would do, were it
// not that its Fd, which os/exec calls, makes the socket blocking for everybody
// who shares it; that of a file made from a non-blocking descriptor does not.
func duplicate(ln net.Listener) (*os.File, error) {
	owner, ok := ln.(interface{ File() (*os.File, error) })
	if !ok {
		return nil, errNoSocket
	}
	f, err := owner.File()
	if err != nil {
		return nil, fmt.Errorf("std: sockets: %w", err)
	}
	defer f.Close()
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("std: sockets: %w", err)
	}
	fd, dupErr := -1, error(nil)
	err = raw.Control(func(s uintptr) {
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		if fd, dupErr = syscall.Dup(int(s)); dupErr == nil {
			syscall.CloseOnExec(fd)
		}
	})
	if err == nil {
		err = dupErr
	}
	if err != nil {
		return nil, fmt.Errorf("std: sockets: %w", err)
	}
	return os.NewFile(uintptr(fd), ln.Addr().String()), nil
}
