package netpoll

import (
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tako-go/tako/internal/assert"
)

// echoer answers all connections of its listening socket with what they send, and
// pauses, resumes and removes them at random.
type echoer struct {
	h      *harness
	listen Key
	conns  map[Key]*echoed
	closed int
	random *rand.Rand // nil leaves them alone
}

type echoed struct {
	sending, waiting []byte
	ended, paused    bool
	removing         bool
}

func (e *echoer) handle(ev *Event) {
	h, c := e.h, e.conns[ev.Key]
	switch ev.Kind {
	case Accepted:
		key := h.key(ev.FD)
		assert.NoError(h, h.Add(key))
		e.conns[key] = &echoed{}
		return
	case Received:
		assert.Equal(h, c.ended, false, "ended before")
		c.waiting = append(c.waiting, ev.Data...)
	case Closed:
		assert.NoError(h, ev.Err)
		assert.Equal(h, c.ended, false, "ended before")
		c.ended = true
	case Sent:
		assert.NoError(h, ev.Err)
		clear(c.sending) // it is ours again
		c.sending = nil
	case Removed:
		// If it had ended, it says so again.
		c.removing, c.paused, c.ended = false, false, false
		assert.NoError(h, h.Add(ev.Key))
	default:
		h.Fatalf("event %+v", ev)
	}
	e.goOn(ev.Key, c)
	e.disturb(ev.Key, c)
}

func (e *echoer) goOn(key Key, c *echoed) {
	if c.removing || c.sending != nil {
		return
	}
	if len(c.waiting) > 0 {
		b := c.waiting
		c.waiting = nil
		n, err := e.h.Send(key, b)
		assert.NoError(e.h, err)
		if n < len(b) {
			c.sending = b
			return
		}
	}
	if c.ended {
		e.h.Close(key)
		delete(e.conns, key)
		e.closed++
	}
}

func (e *echoer) disturb(key Key, c *echoed) {
	if e.random == nil || c.removing || e.conns[key] == nil {
		return
	}
	switch e.random.IntN(8) {
	case 0:
		e.h.Pause(key)
		c.paused = true
	case 1:
		e.h.Pause(key)
		e.h.Resume(key)
		c.paused = false
	case 2:
		if c.sending == nil {
			e.h.Remove(key)
			c.removing = true
		}
	}
}

// run handles events until all these connections have ended.
func (e *echoer) run(all int) {
	deadline := time.Now().Add(3 * patience)
	for ev := (Event{}); e.closed < all; {
		assert.Equal(e.h, time.Now().Before(deadline), true, "in time")
		assert.NoError(e.h, e.h.Wait(10*time.Millisecond))
		for e.h.Next(&ev, e.h.buf) {
			e.handle(&ev)
		}
		for key, c := range e.conns {
			if c.paused && e.random.IntN(2) == 0 {
				e.h.Resume(key)
				c.paused = false
			}
		}
	}
}

func echo(t *testing.T, h *harness, clients, messages, size int, random *rand.Rand) {
	e := &echoer{h: h, listen: h.key(h.ln), conns: map[Key]*echoed{}, random: random}
	assert.NoError(t, h.Listen(e.listen))
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			if err := chat(h.addr, messages, size, i); err != nil {
				t.Error(err)
			}
		})
	}
	e.run(clients)
	all.Wait()
	h.Unlisten(e.listen)
	h.expect(Removed, e.listen)
	h.quiet()
	assertFree(h)
}

// chat sends messages of all sizes up to one without waiting for the answers.
func chat(addr string, messages, size, seed int) error {
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(3 * patience))
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	text := pattern(size * messages)
	written := make(chan int, 1)
	go func() {
		n := 0
		for range messages {
			some, err := c.Write(text[n : n+1+random.IntN(size)])
			if n += some; err != nil {
				break
			}
		}
		_ = c.(*net.TCPConn).CloseWrite()
		written <- n
	}()
	got, err := io.ReadAll(c)
	if n := <-written; err == nil && string(got) != string(text[:n]) {
		err = os.ErrInvalid
	}
	return err
}

func TestEcho(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) { echo(t, h, 200, 10, 500, nil) })
}

func TestEchoDisturbed(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		echo(t, h, 50, 50, 20_000, rand.New(rand.NewPCG(1, 2)))
	})
}

// More arrives at once than there are buffers, and places for completions, before
// Wait is called.
func TestBuffersExhausted(t *testing.T) {
	eachPoller(t, func(t *testing.T, h *harness) {
		const all, each = 600, 3 * bufferSize
		text := pattern(each)
		got := map[Key]int{}
		fds := make([]int, all)
		for i := range fds {
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
			assert.NoError(t, err)
			fds[i] = pair[1]
			key := h.key(pair[0])
			got[key] = 0
			assert.NoError(t, h.Add(key))
		}
		h.quiet()
		for _, fd := range fds {
			n, errno := send(fd, text)
			assert.NoError(t, asError(errno))
			assert.Equal(t, n, each)
			unix.Close(fd)
		}
		for closed := 0; closed < all; {
			ev, ok := h.poll(patience)
			assert.Equal(t, ok, true, "an event")
			switch ev.Kind {
			case Received:
				n := got[ev.Key]
				assert.Equal(t, string(ev.Data) == string(text[n:n+len(ev.Data)]), true, "the bytes")
				got[ev.Key] = n + len(ev.Data)
			case Closed:
				assert.Equal(t, got[ev.Key], each)
				closed++
				h.Close(ev.Key)
			}
		}
		h.quiet()
		assertFree(h)
	})
}
