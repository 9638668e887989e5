package transport_test

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/unixsock"
	"github.com/tako-go/tako/transport"
)

// hasUnix says that the system has files of sockets that can be locked.
var hasUnix = slices.Contains([]string{"linux", "darwin", "freebsd", "netbsd", "openbsd", "dragonfly"}, runtime.GOOS)

func TestUnix(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "tako")
	assert.NoError(t, err)
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "s")
	listen := transport.Unix(path, transport.UnixConfig{Mode: 0o606})
	ln, err := listen(t.Context())
	if !hasUnix {
		assert.ErrorIs(t, err, errors.ErrUnsupported)
		return
	}
	assert.NoError(t, err)
	if _, ok := ln.(*unixsock.Listener); !ok {
		t.Errorf("got a %T", ln)
	}
	info, err := os.Lstat(path)
	assert.NoError(t, err)
	assert.Equal(t, info.Mode().Perm(), 0o606)
	_, err = listen(t.Context())
	assert.ErrorIs(t, err, syscall.EADDRINUSE)
	conn, err := net.Dial("unix", path)
	assert.NoError(t, err)
	defer conn.Close()
	assert.NoError(t, ln.Close())
	_, err = conn.Read(make([]byte, 1))
	if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got error %v", err)
	}
	ln, err = listen(t.Context()) // once more, after a stop
	assert.NoError(t, err)
	assert.NoError(t, ln.Close())
}
