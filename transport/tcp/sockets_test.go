//go:build unix

package tcp_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/tcp"
)

func listening(t *testing.T) *tcp.Server {
	t.Helper()
	s := tcp.New(echo, tcp.Config{Addr: "127.0.0.1:0", Log: quiet})
	assert.NoError(t, s.Listen(t.Context()))
	t.Cleanup(func() { _, _ = s.Shutdown(over()) })
	return s
}

func shared(t *testing.T, s *tcp.Server) []*os.File {
	t.Helper()
	files, err := s.Sockets()
	assert.NoError(t, err)
	return files
}

func TestInherit(t *testing.T) {
	t.Parallel()
	a, b := listening(t), listening(t)
	files := append(shared(t, a), shared(t, b)...)
	ready := listener(t)
	s := tcp.New(echo, tcp.Config{Addr: "192.0.2.1:1", Listener: ready, Log: quiet}) // neither must be used
	assert.NoError(t, s.Inherit(files))
	for _, f := range files {
		assert.ErrorIs(t, f.Close(), os.ErrClosed)
	}
	assert.NoError(t, s.Listen(t.Context()))
	assert.Equal(t, ready.closed.Load(), true, "closed")
	assert.Equal(t, s.Addr().String(), a.Addr().String())
	again := shared(t, s)
	assert.Equal(t, len(again), 2, "sockets")
	for _, f := range again {
		assert.NoError(t, f.Close())
	}
	for _, owner := range []*tcp.Server{a, b} {
		_, err := owner.Shutdown(t.Context())
		assert.NoError(t, err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	for _, owner := range []net.Addr{s.Addr(), b.Addr()} {
		conn, err := net.Dial("tcp", owner.String())
		assert.NoError(t, err)
		wrap(t, conn).asks("hello")
	}
	_, err := s.Shutdown(t.Context())
	assert.NoError(t, err)
	assert.NoError(t, <-served)
	assert.Equal(t, refuses(s), true, "socket closed")
}

func TestInheritRefuses(t *testing.T) {
	t.Parallel()
	owner := listening(t)
	s := tcp.New(echo, tcp.Config{Log: quiet})
	if err := s.Inherit(nil); err == nil {
		t.Error("nothing: got no error")
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	assert.NoError(t, err)
	if err := s.Inherit(append(shared(t, owner), file)); err == nil {
		t.Error("no socket: got no error")
	}
	assert.NoError(t, s.Inherit(shared(t, owner)))
	if err := s.Inherit(shared(t, owner)); err == nil {
		t.Error("twice: got no error")
	}
	late := shared(t, owner)
	if err := owner.Inherit(late); err == nil {
		t.Error("after Listen: got no error")
	}
	assert.ErrorIs(t, late[0].Close(), os.ErrClosed)
	_, err = s.Shutdown(t.Context())
	assert.NoError(t, err)
}

func TestSocketsWithout(t *testing.T) {
	t.Parallel()
	s := tcp.New(echo, tcp.Config{Listener: listener(t), Log: quiet}) // hides File
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

// Inherited sockets that are never served are not kept.
func TestInheritedAreClosed(t *testing.T) {
	t.Parallel()
	for _, limits := range []tako.Limits{{}, {Conns: -7}} {
		owner := listening(t)
		s := tcp.New(echo, tcp.Config{Limits: limits, Log: quiet})
		assert.NoError(t, s.Inherit(shared(t, owner)))
		_, err := owner.Shutdown(t.Context())
		assert.NoError(t, err)
		if limits.Conns != 0 {
			assert.Equal(t, s.Listen(t.Context()) != nil, true, "Listen fails")
		} else {
			_, err := s.Shutdown(t.Context())
			assert.NoError(t, err)
		}
		assert.Equal(t, refuses(owner), true, "closed")
	}
}
