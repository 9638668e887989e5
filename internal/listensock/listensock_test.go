//go:build unix

package listensock

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tako-go/tako/internal/assert"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

func TestDuplicates(t *testing.T) {
	a, b := listen(t), listen(t)
	files, err := DuplicateAll([]net.Listener{a, b})
	assert.NoError(t, err)
	for _, f := range files {
		flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
		assert.NoError(t, err)
		assert.Equal(t, flags&unix.O_NONBLOCK != 0, true, "non-blocking after Fd")
		flags, err = unix.FcntlInt(f.Fd(), unix.F_GETFD, 0)
		assert.NoError(t, err)
		assert.Equal(t, flags&unix.FD_CLOEXEC != 0, true, "closed on exec")
	}
	lns, err := Listeners(files)
	assert.NoError(t, err)
	CloseFiles(files)
	_ = a.Close()
	_ = b.Close()
	for i, first := range []net.Listener{a, b} {
		assert.Equal(t, lns[i].Addr().String(), first.Addr().String())
		client, err := net.Dial("tcp", first.Addr().String())
		assert.NoError(t, err)
		served, err := lns[i].Accept()
		assert.NoError(t, err)
		_ = served.Close()
		_ = client.Close()
		_ = lns[i].Close()
	}
}

func TestAllOrNone(t *testing.T) {
	hidden := struct{ net.Listener }{listen(t)}
	_, err := DuplicateAll([]net.Listener{listen(t), hidden})
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	assert.NoError(t, err)
	defer file.Close()
	ln := listen(t)
	socket, err := Duplicate(ln)
	assert.NoError(t, err)
	defer socket.Close()
	if _, err := Listeners([]*os.File{socket, file}); err == nil {
		t.Error("a plain file: got no error")
	}
}
