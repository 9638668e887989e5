//go:build linux || darwin || freebsd

package unixsock_test

import (
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/unixsock"
)

func cred(t *testing.T, conn net.Conn) (pid, uid, gid int, ok bool) {
	t.Helper()
	raw, err := conn.(syscall.Conn).SyscallConn()
	assert.NoError(t, err)
	assert.NoError(t, raw.Control(func(fd uintptr) { pid, uid, gid, ok = unixsock.Cred(int(fd)) }))
	return pid, uid, gid, ok
}

func TestCred(t *testing.T) {
	t.Parallel()
	_, server := meet(t, listen(t, place(t), unixsock.Config{}))
	pid, uid, gid, ok := cred(t, server)
	assert.Equal(t, ok, true)
	if runtime.GOOS != "freebsd" {
		assert.Equal(t, pid, os.Getpid())
	}
	assert.Equal(t, uid, os.Geteuid())
	assert.Equal(t, gid, os.Getegid())
}

func TestCredOfTCP(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	defer ln.Close()
	conn, err := net.Dial("tcp", ln.Addr().String())
	assert.NoError(t, err)
	defer conn.Close()
	_, _, _, ok := cred(t, conn)
	assert.Equal(t, ok, false)
}
