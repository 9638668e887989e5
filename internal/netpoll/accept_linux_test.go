package netpoll

import (
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tako-go/tako/internal/assert"
)

func TestAccept(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		key := h.key(h.ln)
		h.dial() // before Listen
		assert.NoError(t, h.Listen(key))
		h.dial()
		h.dial()
		for range 3 {
			ev := h.expect(Accepted, key)
			flags, err := unix.FcntlInt(uintptr(ev.FD), unix.F_GETFL, 0)
			assert.NoError(t, err)
			assert.Equal(t, flags&unix.O_NONBLOCK, unix.O_NONBLOCK, "non-blocking")
			flags, err = unix.FcntlInt(uintptr(ev.FD), unix.F_GETFD, 0)
			assert.NoError(t, err)
			assert.Equal(t, flags&unix.FD_CLOEXEC, unix.FD_CLOEXEC, "closed on exec")
			h.Close(h.key(ev.FD))
		}
		h.quiet()
	})
}

func TestAcceptMany(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		key := h.key(h.ln)
		clients := make([]*net.TCPConn, 3*acceptBatch)
		for i := range clients {
			clients[i] = h.dial()
		}
		assert.NoError(t, h.Listen(key))
		for range clients {
			h.Close(h.key(h.expect(Accepted, key).FD))
		}
		for _, c := range clients {
			assert.Equal(t, len(<-readAll(c)), 0)
		}
	})
}

func TestUnlisten(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		key := h.key(h.ln)
		assert.NoError(t, h.Listen(key))
		h.Unlisten(key) // before anything was submitted
		h.expect(Removed, key)
		assert.NoError(t, h.Listen(key))
		h.dial()
		h.Close(h.key(h.expect(Accepted, key).FD))
		h.Unlisten(key)
		h.Unlisten(key)
		h.expect(Removed, key)
		waiting := h.dial()
		h.quiet()
		h.write(waiting, "x")
		assert.NoError(t, h.Listen(key))
		conn := h.key(h.expect(Accepted, key).FD)
		assert.NoError(t, h.Add(conn))
		h.receive(conn, "x")
		h.Close(conn)
	})
}

// Connections that were accepted before Unlisten come before Removed, the others
// stay in the queue of the socket.
func TestUnlistenWithConnections(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		const all = 10
		key := h.key(h.ln)
		assert.NoError(t, h.Listen(key))
		for range all {
			h.dial()
		}
		assert.NoError(t, h.Wait(patience))
		h.Unlisten(key)
		accepted := 0
		for {
			ev, ok := h.poll(patience)
			if !ok {
				t.Fatal("no Removed")
			}
			if ev.Kind == Removed {
				break
			}
			assert.Equal(t, ev.Kind, Accepted)
			accepted++
			h.Close(h.key(ev.FD))
		}
		h.quiet()
		for ; accepted < all; accepted++ {
			fd, _, err := unix.Accept4(h.ln, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			assert.NoError(t, err)
			unix.Close(fd)
		}
		_, _, err := unix.Accept4(h.ln, unix.SOCK_CLOEXEC)
		assert.ErrorIs(t, err, syscall.EAGAIN)
	})
}

func TestAcceptFailed(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		key := h.key(h.ln)
		h.dial()
		var was syscall.Rlimit
		assert.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was))
		none := was
		none.Cur = 0
		assert.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none))
		defer syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was)
		assert.NoError(t, h.Listen(key))
		ev := h.expect(AcceptFailed, key)
		assert.ErrorIs(t, ev.Err, syscall.EMFILE)
		h.quiet()
		assert.NoError(t, h.Listen(key))
		h.expect(AcceptFailed, key)
		h.Unlisten(key)
		h.expect(Removed, key)
		assert.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was))
		assert.NoError(t, h.Listen(key))
		h.Close(h.key(h.expect(Accepted, key).FD))
	})
}

// Each connection wakes one of the pollers that listen on a socket.
func TestListenTogether(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		other, err := Open(h.Name())
		assert.NoError(t, err)
		defer other.Shut()
		key := h.key(h.ln)
		assert.NoError(t, h.Listen(key))
		assert.NoError(t, other.Listen(key))
		const all = 40
		for range all {
			h.dial()
		}
		accepted := 0
		assert.Eventually(t, patience, "all connections", func() bool {
			for _, p := range []Poller{h, other} {
				assert.NoError(t, p.Wait(0))
				for ev := (Event{}); p.Next(&ev, h.buf); accepted++ {
					assert.Equal(t, ev.Kind, Accepted)
					p.Close(h.key(ev.FD))
				}
			}
			return accepted == all
		})
		other.Unlisten(key)
		assert.Eventually(t, patience, "Removed", func() bool {
			assert.NoError(t, other.Wait(0))
			ev := Event{}
			return other.Next(&ev, h.buf) && ev.Kind == Removed
		})
		h.dial()
		h.Close(h.key(h.expect(Accepted, key).FD))
	})
}

// Closing a listening socket leaves its duplicates open.
func TestCloseListener(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		dup, err := unix.FcntlInt(uintptr(h.ln), unix.F_DUPFD_CLOEXEC, 0)
		assert.NoError(t, err)
		key := h.key(dup)
		assert.NoError(t, h.Listen(key))
		h.dial()
		h.Close(h.key(h.expect(Accepted, key).FD))
		h.Close(key)
		h.quiet()
		h.dial()
		h.quiet()
		again := h.key(h.ln)
		assert.NoError(t, h.Listen(again))
		h.Close(h.key(h.expect(Accepted, again).FD))
	})
}
