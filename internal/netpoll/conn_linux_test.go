package netpoll

import (
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tako-go/tako/internal/assert"
)

func TestReceive(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		c, key := h.connect()
		h.write(c, "before")
		assert.NoError(t, h.Add(key))
		h.receive(key, "before")
		for range 20 {
			h.write(c, "tako")
			h.receive(key, "tako")
		}
		h.quiet()
		large := string(pattern(1 << 20))
		go io.WriteString(c, large)
		h.receive(key, large)
		h.Close(key)
	})
}

func TestEnd(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		c, key := h.add()
		h.write(c, "tako")
		assert.NoError(t, c.CloseWrite())
		h.receive(key, "tako")
		assert.NoError(t, h.expect(Closed, key).Err)
		h.quiet()
		h.Pause(key)
		h.Resume(key)
		h.quiet()
		h.send(key, "still")
		h.read(c, "still")
		h.Close(key)
		h.quiet()
	})
}

func TestReset(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		c, key := h.add()
		h.quiet()
		assert.NoError(t, c.SetLinger(0))
		c.Close()
		assert.ErrorIs(t, h.expect(Closed, key).Err, syscall.ECONNRESET)
		h.quiet()
		_, err := h.Send(key, []byte("tako"))
		if err == nil {
			err = h.expect(Sent, key).Err
		}
		assert.Equal(t, isErrno(err, syscall.EPIPE, syscall.ECONNRESET), true, err)
		h.Close(key)
	})
}

func TestAddTwice(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		_, key := h.add()
		assert.ErrorIs(t, h.Add(key), syscall.EEXIST)
		assert.ErrorIs(t, h.Add(h.key(key.FD())), syscall.EEXIST)
		assert.ErrorIs(t, h.Add(MakeKey(-1, 1)), syscall.EBADF)
		h.Close(key)
		_, err := h.Send(key, []byte("tako"))
		assert.ErrorIs(t, err, syscall.EBADF)
	})
}

func TestSend(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		c, key := h.add()
		h.send(key, "")
		h.send(key, "tako")
		h.read(c, "tako")
		h.Pause(key)
		h.send(key, "tako")
		h.read(c, "tako")
		h.Close(key)
	})
}

func TestSendToSlowReader(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		for _, how := range []string{"receiving", "paused", "half closed"} {
			c, key := h.add()
			switch how {
			case "paused":
				h.Pause(key)
				h.write(c, "later")
			case "half closed":
				assert.NoError(t, c.CloseWrite())
				h.expect(Closed, key)
			}
			large := pattern(16 << 20)
			n, err := h.Send(key, large)
			assert.NoError(t, err)
			assert.Equal(t, n < len(large), true, "pending")
			if how == "paused" {
				onItsWay(h, key, "later")
			}
			h.quiet()
			_, err = h.Send(key, []byte("more"))
			assert.ErrorIs(t, err, syscall.EALREADY)
			all := readAll(c)
			assert.NoError(t, h.expect(Sent, key).Err)
			h.quiet()
			if how == "paused" && h.Name() == Epoll {
				h.Resume(key) // closing it with bytes unread would reset it
				h.receive(key, "later")
			}
			h.Close(key)
			assert.Equal(t, string(<-all) == string(large), true, how)
		}
	})
}

// onItsWay takes what io_uring had on its way when it was paused.
func onItsWay(h *harness, key Key, text string) {
	h.Helper()
	if h.Name() == IOUring {
		h.receive(key, text)
	}
}

func TestCloseWithPendingSend(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		c, key := h.add()
		n, err := h.Send(key, pattern(16<<20))
		assert.NoError(t, err)
		assert.Equal(t, n < 16<<20, true, "pending")
		h.quiet()
		h.Close(key)
		got := <-readAll(c)
		assert.Equal(t, len(got) < 16<<20, true, "given up")
		h.quiet()
		assertFree(h)
	})
}

func TestCloseWithUnsubmittedSend(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		c, key := h.add()
		_, err := h.Send(key, []byte("tako"))
		assert.NoError(t, err)
		h.Close(key)
		_, err = io.ReadAll(c)
		assert.NoError(t, err)
		h.quiet()
		assertFree(h)
	})
}

// assertFree wants nothing to be left of connections.
func assertFree(h *harness) {
	h.Helper()
	free, all := 0, &sends{}
	switch p := h.Poller.(type) {
	case *uring:
		assert.Equal(h, p.ring.unfinished, 1, "requests, of which one reads the eventfd")
		all = &p.sends
	case *epoll:
		all = &p.sends
	}
	for i := all.free; i != 0; i = all.all[i].next {
		assert.Equal(h, all.all[i].rest == nil, true, "reachable")
		free++
	}
	assert.Equal(h, free, max(len(all.all)-1, 0), "free places of sends")
}

// The peer sees the end without another call, also while bytes are received.
func TestClose(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		for _, armed := range []bool{false, true} {
			c, key := h.add()
			if armed {
				h.quiet()
			}
			h.Close(key)
			_, err := c.Read(make([]byte, 1))
			assert.ErrorIs(t, err, io.EOF)

			c, key = h.add()
			if armed {
				h.quiet()
			}
			assert.NoError(t, unix.SetsockoptLinger(key.FD(), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}))
			h.Close(key)
			_, err = c.Read(make([]byte, 1))
			assert.ErrorIs(t, err, syscall.ECONNRESET)

			c, key = h.connect() // never added
			h.Close(key)
			_, err = c.Read(make([]byte, 1))
			assert.ErrorIs(t, err, io.EOF)
		}
		h.quiet()
		assertFree(h)
	})
}

func TestPause(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		c, key := h.add()
		h.Pause(key)
		h.Resume(key)
		h.write(c, "tako")
		h.receive(key, "tako")

		h.Pause(key)
		large := string(pattern(32 << 20))
		assert.NoError(t, c.SetWriteDeadline(time.Now().Add(100*time.Millisecond)))
		written := make(chan int)
		go func() {
			n, _ := io.WriteString(c, large)
			written <- n
		}()
		var got []byte
		n := -1
		assert.Eventually(t, patience, "the writer to be held up", func() bool {
			for ev, ok := h.poll(0); ok; ev, ok = h.poll(0) {
				assert.Equal(t, ev.Kind, Received)
				got = append(got, ev.Data...)
			}
			select {
			case n = <-written:
				return true
			default:
				return false
			}
		})
		assert.Equal(t, n < len(large), true, "held up")
		assert.Equal(t, len(got) <= 1<<20, true, "bytes received while paused: ", len(got))
		h.Resume(key)
		for len(got) < n {
			got = append(got, h.expect(Received, key).Data...)
		}
		assert.Equal(t, string(got) == large[:n], true, "the bytes")
		h.quiet()
		h.Close(key)
	})
}

// What a paused connection received before its end is not lost.
func TestEndWhilePaused(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		for _, text := range []string{"", "tako"} {
			c, key := h.add()
			h.quiet()
			h.Pause(key)
			h.write(c, text)
			assert.NoError(t, c.CloseWrite())
			var got []byte
			closed := false
			take := func(ev Event) {
				assert.Equal(t, closed, false, "event behind Closed")
				if ev.Kind == Closed {
					assert.NoError(t, ev.Err)
					closed = true
				} else {
					assert.Equal(t, ev.Kind, Received)
					got = append(got, ev.Data...)
				}
			}
			for ev, ok := h.poll(20 * time.Millisecond); ok; ev, ok = h.poll(20 * time.Millisecond) {
				take(ev)
			}
			assert.Equal(t, closed, text == "" || h.Name() == IOUring && closed, "closed while paused")
			h.Resume(key)
			for ev, ok := h.poll(20 * time.Millisecond); ok; ev, ok = h.poll(20 * time.Millisecond) {
				take(ev)
			}
			assert.Equal(t, closed, true, "closed")
			assert.Equal(t, string(got), text)
			h.Close(key)
		}
	})
}

func TestResetWhilePaused(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		for _, halfClosed := range []bool{false, true} {
			c, key := h.add()
			h.quiet()
			h.Pause(key)
			if halfClosed {
				h.write(c, "tako")
				assert.NoError(t, c.CloseWrite())
				onItsWay(h, key, "tako")
				if h.Name() == IOUring {
					h.Close(key) // it is closed, or not asked
					continue
				}
				h.quiet()
			}
			assert.NoError(t, c.SetLinger(0))
			c.Close()
			err := h.expect(Closed, key).Err
			assert.Equal(t, isErrno(err, syscall.ECONNRESET, syscall.EPIPE), true, err)
			h.quiet()
			h.Close(key)
		}
		for _, ok := h.poll(0); ok; _, ok = h.poll(0) {
		}
		assertFree(h)
	})
}

func TestRemove(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		c, key := h.add()
		h.Remove(key) // before anything was submitted
		h.expect(Removed, key)
		assert.NoError(t, h.Add(key))
		h.write(c, "one")
		h.receive(key, "one")
		h.Remove(key)
		h.Remove(key)
		h.expect(Removed, key)
		h.write(c, "two")
		h.quiet()
		assert.Equal(t, readNow(h, key), "two")

		assert.NoError(t, h.Add(key))
		h.Pause(key)
		h.Remove(key)
		h.expect(Removed, key)
		assert.NoError(t, h.Add(key))
		c.Close()
		assert.NoError(t, h.expect(Closed, key).Err)
		h.Remove(key)
		h.expect(Removed, key)
		h.quiet()
		assertFree(h)
		unix.Close(key.FD())
	})
}

// readNow reads from a socket that the poller does not read from.
func readNow(h *harness, key Key) string {
	h.Helper()
	fds := []unix.PollFd{{Fd: int32(key.FD()), Events: unix.POLLIN}}
	_, err := unix.Poll(fds, int(patience.Milliseconds()))
	assert.NoError(h, err)
	b := make([]byte, 1<<20)
	n, err := unix.Read(key.FD(), b)
	assert.NoError(h, err)
	return string(b[:n])
}

// What comes while a socket is removed is received before Removed, or left in the
// socket.
func TestRemoveLosesNothing(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		c, key := h.connect()
		sent := string(pattern(200 << 10))
		go func() {
			for rest := sent; rest != ""; {
				n := min(len(rest), 1000)
				io.WriteString(c, rest[:n])
				rest = rest[n:]
			}
		}()
		var got []byte
		for len(got) < len(sent) {
			assert.NoError(t, h.Add(key))
			for range 3 {
				if ev, ok := h.poll(time.Millisecond); ok {
					assert.Equal(t, ev.Kind, Received)
					got = append(got, ev.Data...)
				}
			}
			h.Remove(key)
			for {
				ev, ok := h.poll(patience)
				if !ok {
					t.Fatal("no Removed")
				}
				if ev.Kind == Removed {
					break
				}
				got = append(got, ev.Data...)
			}
			if len(got) < len(sent) {
				got = append(got, readNow(h, key)...)
			}
		}
		assert.Equal(t, string(got) == sent, true, "the bytes")
		unix.Close(key.FD())
	})
}

func TestCloseWhileRemoving(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		c, key := h.add()
		h.quiet()
		h.Remove(key)
		h.Close(key)
		_, err := c.Read(make([]byte, 1))
		assert.ErrorIs(t, err, io.EOF)
		h.quiet()
		assertFree(h)
	})
}

// Events of a socket that is closed between two calls of Next do not come, and are
// not taken for those of another one with its descriptor.
func TestStaleEvents(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		clients := map[Key]net.Conn{}
		for range 2 {
			c, key := h.add()
			clients[key] = c
		}
		h.quiet()
		for _, c := range clients {
			h.write(c, "old")
		}
		assert.NoError(t, h.Wait(patience))
		ev, ok := h.poll(patience)
		assert.Equal(t, ok, true)
		delete(clients, ev.Key)
		h.Close(ev.Key)
		for old := range clients {
			c := h.dial() // takes the place of the one that is closed already
			h.Close(old)
			fd, _, err := unix.Accept4(h.ln, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			assert.NoError(t, err)
			assert.Equal(t, fd, old.FD())
			key := h.key(fd)
			assert.NoError(t, h.Add(key))
			h.write(c, "new")
			h.receive(key, "new")
			h.quiet()
			h.Close(key)
		}
	})
}

func TestRemovedBetweenNexts(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		var keys []Key
		var clients []net.Conn
		for range 10 {
			c, key := h.add()
			keys, clients = append(keys, key), append(clients, c)
		}
		h.quiet()
		for _, c := range clients {
			h.write(c, "tako")
		}
		assert.NoError(t, h.Wait(patience))
		ev, ok := h.poll(patience)
		assert.Equal(t, ok, true)
		got := map[Key]string{ev.Key: string(ev.Data)}
		for _, key := range keys {
			h.Remove(key)
		}
		for removed := 0; removed < len(keys); {
			ev, ok := h.poll(patience)
			assert.Equal(t, ok, true)
			switch ev.Kind {
			case Received:
				got[ev.Key] += string(ev.Data)
			case Removed:
				removed++
				if got[ev.Key] == "" {
					got[ev.Key] = readNow(h, ev.Key)
				}
			default:
				t.Fatalf("event %+v", ev)
			}
		}
		h.quiet()
		for _, key := range keys {
			assert.Equal(t, got[key], "tako")
			unix.Close(key.FD())
		}
	})
}
