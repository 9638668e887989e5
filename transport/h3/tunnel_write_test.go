package h3_test

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/h3"
)

// numbered are bytes of which none may be lost or moved.
func numbered(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i % 251)
	}
	return p
}

// stalled opens a tunnel to a client that does not read yet, and writes to it until a deadline has
// cut a write. It returns the bytes that were taken.
func stalled(t *testing.T, payload []byte) (*raw, func() answer, net.Conn, int) {
	t.Helper()
	app := echoApp()
	conns := make(chan net.Conn, 1)
	app.Get("/tunnel", func(c *tako.Context) error {
		conn, err := c.Upgrade()
		if err == nil {
			conns <- conn
		}
		return err
	})
	r := dialRaw(t, start(t, app, h3.Config{ExtendedConnect: true}))
	str := r.open(connect("/tunnel", "chat"))
	conn := <-conns
	t.Cleanup(func() { _ = conn.Close() })
	taken := 0
	for taken < len(payload) {
		assert.NoError(t, conn.SetWriteDeadline(time.Now().Add(short)))
		n, err := conn.Write(payload[taken:])
		taken += n
		if err == nil {
			continue
		}
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		return r, func() answer { return read(t, str) }, conn, taken
	}
	t.Fatal("the client has taken everything")
	panic("unreachable")
}

// RFC 9114, section 7.1: what follows a write that was cut is the rest of its frame, not another
// header.
func TestTunnelGoesOn(t *testing.T) {
	t.Parallel()
	payload := numbered(3 << 20)
	r, readAll, conn, taken := stalled(t, payload)
	for range 3 { // within the frame nothing can be taken
		assert.NoError(t, conn.SetWriteDeadline(time.Now().Add(short/10)))
		n, err := conn.Write(payload[taken:])
		taken += n
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	}
	answers := make(chan answer, 1)
	go func() { answers <- readAll() }()
	assert.NoError(t, conn.SetWriteDeadline(time.Now().Add(patience)))
	for taken < len(payload) { // in parts that are no parts of the frame
		n, err := conn.Write(payload[taken:min(taken+10_000, len(payload))])
		taken += n
		assert.NoError(t, err)
	}
	n, err := conn.Write([]byte("behind it"))
	assert.NoError(t, err)
	assert.Equal(t, n, 9)
	assert.NoError(t, conn.Close())
	a := <-answers
	assert.NoError(t, a.err)
	if a.body != string(payload)+"behind it" {
		t.Errorf("%d bytes came, or others than were sent", len(a.body))
	}
	goesOn(t, r)
}

// RFC 9114, section 7.1: a stream that ended within a frame would be an error of the connection.
func TestTunnelEndsInFrame(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]func(t *testing.T, conn net.Conn){
		"Close": func(t *testing.T, conn net.Conn) {
			assert.NoError(t, conn.Close())
			_, err := conn.Write([]byte("x"))
			assert.ErrorIs(t, err, net.ErrClosed)
		},
		"CloseWrite": func(t *testing.T, conn net.Conn) {
			if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err == nil {
				t.Error("the rest of the frame is missing, and that is no error")
			}
		},
		"Close of a write under way": func(t *testing.T, conn net.Conn) {
			assert.NoError(t, conn.SetWriteDeadline(time.Time{}))
			failed := make(chan error, 1)
			go func() {
				var err error
				for err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
					_, err = conn.Write(make([]byte, 1<<20))
				}
				failed <- err
			}()
			assert.NoError(t, conn.Close())
			assert.ErrorIs(t, <-failed, net.ErrClosed)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, readAll, conn, _ := stalled(t, numbered(3<<20))
			c(t, conn)
			assert.Equal(t, readAll().reset, http3.ErrCodeRequestCanceled)
			goesOn(t, r)
		})
	}
}

// A write whose deadline was over before it has begun leaves nothing to end.
func TestTunnelLateWrite(t *testing.T) {
	t.Parallel()
	app := echoApp()
	app.Get("/tunnel", func(c *tako.Context) error {
		conn, err := c.Upgrade()
		if err != nil {
			return err
		}
		if _, err := conn.Write([]byte("whole")); err != nil {
			return err
		}
		if err := conn.SetWriteDeadline(time.Unix(1, 0)); err != nil {
			return err
		}
		if n, err := conn.Write([]byte("late")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return errors.New("it was written")
		}
		return conn.Close()
	})
	r := dialRaw(t, start(t, app, h3.Config{ExtendedConnect: true}))
	a := read(t, r.open(connect("/tunnel", "chat")))
	assert.NoError(t, a.err)
	assert.Equal(t, a.body, "whole")
}
