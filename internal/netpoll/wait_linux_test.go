package netpoll

import (
	"errors"
	"io"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tako-go/tako/internal/assert"
)

func TestOpen(t *testing.T) {
	watchLeaks(t)
	for _, kind := range []string{"", Auto, Epoll, IOUring} {
		p, err := Open(kind)
		if kind == IOUring && errors.Is(err, ErrNoIOUring) {
			continue
		}
		assert.NoError(t, err, kind)
		want := kind
		if want == "" || want == Auto {
			want = IOUring
			if Probe() != nil {
				want = Epoll
			}
		}
		assert.Equal(t, p.Name(), want)
		assert.Equal(t, p.PinsThread(), want == IOUring)
		p.Shut()
		p.Wake() // nobody is there, and nothing happens
	}
	_, err := Open("kqueue")
	assert.Contains(t, err.Error(), `unknown kind of poller "kqueue"`)
}

// A signal may end a Wait early, so several may be needed, but not many.
func TestWait(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		for _, d := range []time.Duration{0, time.Millisecond, 30 * time.Millisecond} {
			start, calls := time.Now(), 0
			for left := d; calls == 0 || left > 0; left = d - time.Since(start) {
				assert.NoError(t, h.Wait(left))
				assert.Equal(t, h.Next(&Event{}, h.buf), false)
				calls++
			}
			assert.Equal(t, calls < 20, true, calls, " calls for ", d)
			assert.Equal(t, time.Since(start) < patience, true, "much longer than ", d)
		}
	})
}

func TestWake(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		h.Wake()
		h.Wake()
		h.expect(Woken, 0)
		h.quiet()
		for range 50 {
			go h.Wake()
			assert.NoError(t, h.Wait(-1))
			h.expect(Woken, 0)
		}
	})
}

// No Wake is lost: what is written before it is seen behind a Woken event.
func TestWakeFromMany(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		var mu sync.Mutex
		left := 0
		const goroutines, calls = 8, 500
		for range goroutines {
			go func() {
				for range calls {
					mu.Lock()
					left++
					mu.Unlock()
					h.Wake()
				}
			}()
		}
		for seen := 0; seen < goroutines*calls; {
			h.expect(Woken, 0)
			mu.Lock()
			seen += left
			left = 0
			mu.Unlock()
		}
	})
}

// Wake may be called while the poller is shut, and never writes to a descriptor
// that is another's by then.
func TestWakeWhileShut(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		var calls sync.WaitGroup
		for range 4 {
			calls.Go(func() {
				for range 100 {
					h.Wake()
				}
			})
		}
		_, _ = h.poll(patience)
		calls.Wait()
		p, err := Open(h.Name())
		assert.NoError(t, err)
		calls.Go(func() {
			for range 100 {
				p.Wake()
			}
		})
		p.Shut()
		calls.Wait()
	})
}

// Shut ends what is under way and leaves the sockets open.
func TestShut(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		p, err := Open(h.Name())
		assert.NoError(t, err)
		clean := h.Poller
		h.Poller = p
		assert.NoError(t, h.Listen(h.key(h.ln)))
		c := h.dial()
		ev, ok := h.poll(patience)
		assert.Equal(t, ok, true)
		key := h.key(ev.FD)
		assert.NoError(t, h.Add(key))
		_, err = h.Send(key, pattern(16<<20))
		assert.NoError(t, err)
		h.quiet()
		other := h.dial() // accepted, but not told of
		assert.NoError(t, h.Wait(patience))
		h.Shut()
		h.Poller = clean
		h.write(c, "tako")
		assert.Equal(t, readNow(h, key), "tako")
		unix.Close(key.FD())
		if h.Name() == IOUring {
			_, err = other.Read(make([]byte, 1))
			assert.ErrorIs(t, err, io.EOF)
			return
		}
		fd, _, err := unix.Accept4(h.ln, unix.SOCK_CLOEXEC)
		assert.NoError(t, err)
		unix.Close(fd)
	})
}

// The goroutine that leads changes with its thread, and the old thread exits, with
// all requests that it has made.
func TestLeaderChanges(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		lead := func(f func()) {
			done := make(chan struct{})
			go func() {
				defer close(done)
				runtime.LockOSThread() // for good: the thread exits
				f()
			}()
			<-done
		}
		listener := h.key(h.ln)
		lead(func() {
			assert.NoError(t, h.Listen(listener))
			assert.NoError(t, h.Wait(0))
		})
		c := h.dial()
		var key Key
		lead(func() { key = h.key(h.expect(Accepted, listener).FD) })
		lead(func() {
			assert.NoError(t, h.Add(key))
			assert.NoError(t, h.Wait(0))
		})
		for range 20 {
			h.write(c, "tako")
			lead(func() { h.receive(key, "tako") })
			lead(func() { h.send(key, "tako") })
			h.read(c, "tako")
		}
		large := pattern(16 << 20)
		lead(func() {
			_, err := h.Send(key, large)
			assert.NoError(t, err)
			assert.NoError(t, h.Wait(0))
		})
		all := readAll(c)
		lead(func() { assert.NoError(t, h.expect(Sent, key).Err) })
		lead(func() { h.Wake() })
		lead(func() { h.expect(Woken, 0) })
		lead(func() { h.Close(key) })
		assert.Equal(t, string(<-all) == string(large), true, "the bytes")
		lead(func() {
			h.Unlisten(listener)
			h.expect(Removed, listener)
		})
		lead(h.quiet)
		assertFree(h)
	})
}
