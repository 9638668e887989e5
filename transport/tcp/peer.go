package tcp

import (
	"net"
	"syscall"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/unixsock"
)

// peer returns who has the other end of a Unix socket, nil if that cannot be told.
func peer(c net.Conn) *tako.PeerCred {
	if _, ok := c.LocalAddr().(*net.UnixAddr); !ok {
		return nil
	}
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	var cred *tako.PeerCred
	_ = raw.Control(func(fd uintptr) {
		if pid, uid, gid, ok := unixsock.Cred(int(fd)); ok {
			cred = &tako.PeerCred{PID: pid, UID: uid, GID: gid}
		}
	})
	return cred
}
