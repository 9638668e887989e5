//go:build unix

package std_test

import (
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/std"
)

// shared returns duplicates of the sockets of a listening server.
func shared(t *testing.T, s *std.Server) []*os.File {
	t.Helper()
	files, err := s.Sockets()
	assert.NoError(t, err)
	return files
}

// listening returns a server that listens and is never served.
func listening(t *testing.T) *std.Server {
	t.Helper()
	s := std.New(hello(), std.Config{Addr: "127.0.0.1:0", Log: quiet})
	assert.NoError(t, s.Listen(t.Context()))
	t.Cleanup(func() { _, _ = s.Shutdown(over()) })
	return s
}

// isClosed reports whether a file was closed.
func isClosed(f *os.File) bool { return errors.Is(f.Close(), os.ErrClosed) }

func get(t *testing.T, addr net.Addr) {
	t.Helper()
	res, err := http.Get("http://" + addr.String() + "/")
	assert.NoError(t, err)
	assert.NoError(t, res.Body.Close())
	assert.Equal(t, res.StatusCode, http.StatusOK)
}

func TestInherit(t *testing.T) {
	t.Parallel()
	a, b := listening(t), listening(t)
	files := append(shared(t, a), shared(t, b)...)
	s := std.New(hello(), std.Config{Addr: "192.0.2.1:1", Log: quiet}) // not ours: must not be used
	assert.NoError(t, s.Inherit(files))
	for _, f := range files {
		assert.Equal(t, isClosed(f), true, "closed")
	}
	assert.NoError(t, s.Listen(t.Context()))
	assert.Equal(t, s.Addr().String(), a.Addr().String())
	again := shared(t, s)
	assert.Equal(t, len(again), 2, "sockets")
	for _, f := range again {
		assert.NoError(t, f.Close())
	}
	// The first owners go; what waits in the queues is served.
	_, err := a.Shutdown(t.Context())
	assert.NoError(t, err)
	waiting := []*client{dial(t, a), dial(t, b)}
	for _, c := range waiting {
		c.get("/")
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	for _, c := range waiting {
		assert.Equal(t, c.answer(http.StatusOK), "hello")
	}
	for range 20 {
		get(t, a.Addr())
		get(t, b.Addr())
	}
	late := []*client{dial(t, a), dial(t, b)}
	for _, c := range late {
		c.get("/")
	}
	_, err = s.Shutdown(t.Context())
	assert.NoError(t, err)
	assert.NoError(t, <-served)
	for _, c := range late {
		assert.Equal(t, c.answer(http.StatusOK), "hello")
	}
	if _, err := net.Dial("tcp", a.Addr().String()); err == nil {
		t.Error("a socket is still open")
	}
}

// Who passes a file to another process calls its Fd; the socket must stay as it is.
func TestSocketsStayNonBlocking(t *testing.T) {
	t.Parallel()
	s := start(t, hello(), tako.Limits{})
	for _, f := range shared(t, s) {
		fd := f.Fd()
		flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
		assert.NoError(t, err)
		assert.Equal(t, flags&unix.O_NONBLOCK != 0, true, "non-blocking")
		flags, err = unix.FcntlInt(fd, unix.F_GETFD, 0)
		assert.NoError(t, err)
		assert.Equal(t, flags&unix.FD_CLOEXEC != 0, true, "closed on exec")
		assert.NoError(t, f.Close())
	}
	get(t, s.Addr())
}

func TestSocketsWithout(t *testing.T) {
	t.Parallel()
	s := std.New(hello(), std.Config{Listener: tcp(t), Log: quiet}) // hides File
	if _, err := s.Sockets(); err == nil {
		t.Error("before Listen: got no error")
	}
	assert.NoError(t, s.Listen(t.Context()))
	_, err := s.Sockets()
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	_, _ = s.Shutdown(t.Context())
	_, err = s.Sockets()
	assert.ErrorIs(t, err, net.ErrClosed)
}

func TestInheritRefuses(t *testing.T) {
	t.Parallel()
	owner := listening(t)
	s := std.New(hello(), std.Config{Log: quiet})
	if err := s.Inherit(nil); err == nil {
		t.Error("nothing: got no error")
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	assert.NoError(t, err)
	mixed := append(shared(t, owner), file)
	if err := s.Inherit(mixed); err == nil {
		t.Error("no socket: got no error")
	}
	assert.NoError(t, s.Inherit(shared(t, owner)))
	twice := shared(t, owner)
	if err := s.Inherit(twice); err == nil {
		t.Error("twice: got no error")
	}
	for _, f := range append(mixed, twice...) {
		assert.Equal(t, isClosed(f), true, "closed")
	}
	late := shared(t, owner)
	if err := owner.Inherit(late); err == nil {
		t.Error("after Listen: got no error")
	}
	assert.Equal(t, isClosed(late[0]), true, "closed")
	_, err = s.Shutdown(t.Context())
	assert.NoError(t, err)
}

// Inherited sockets that are never served are not kept.
func TestInheritedAreClosed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		limits tako.Limits
		listen bool
	}{
		{name: "never listened"},
		{name: "bad limits", limits: tako.Limits{Conns: -7}, listen: true},
	}
	for _, tt := range tests {
		owner := listening(t)
		ready := tcp(t)
		s := std.New(hello(), std.Config{Limits: tt.limits, Listener: ready, Log: quiet})
		assert.NoError(t, s.Inherit(shared(t, owner)))
		_, err := owner.Shutdown(t.Context())
		assert.NoError(t, err)
		if tt.listen {
			assert.Equal(t, s.Listen(t.Context()) != nil, true, tt.name)
		} else {
			_, err := s.Shutdown(t.Context())
			assert.NoError(t, err)
		}
		assert.Equal(t, ready.closed.Load(), true, tt.name, ": ready-made listener closed")
		if _, err := net.Dial("tcp", owner.Addr().String()); err == nil {
			t.Errorf("%s: a socket is still open", tt.name)
		}
	}
}
