package live

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// openers connect at the same time.
const openers = 8

// Crowd is a set of open connections, divided among threads.
type Crowd struct {
	peers   []peer
	threads []*thread
}

// thread has some of the connections.
type thread struct {
	epoll int
	peers map[int32]*peer
	buf   []byte
}

// Sockets opens WebSockets at a path of a server, an IPv4 address and port.
func Sockets(ctx context.Context, addr, path string, conns, threads int) (*Crowd, error) {
	return gather(ctx, addr, conns, threads, func(p *peer, to netip.AddrPort) ([]byte, error) {
		p.in = new(frames)
		return p.open(to, Request(path), CheckOpened)
	})
}

// Subscribers opens streams of server-sent events in the same way.
func Subscribers(ctx context.Context, addr, path string, conns, threads int) (*Crowd, error) {
	return gather(ctx, addr, conns, threads, func(p *peer, to netip.AddrPort) ([]byte, error) {
		p.in = new(events)
		return p.open(to, subscription(path), checkSubscribed)
	})
}

func gather(ctx context.Context, addr string, conns, threads int, open func(*peer, netip.AddrPort) ([]byte, error)) (*Crowd, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	c := &Crowd{peers: make([]peer, conns)}
	for i := range c.peers {
		c.peers[i] = peer{fd: -1, index: i}
	}
	if err := c.openAll(ctx, func(p *peer) error {
		rest, err := open(p, to)
		if err == nil {
			// What comes before the load begins is of no interest.
			err = p.in.feed(rest, func([]byte) error { return nil })
		}
		return err
	}); err != nil {
		c.Close()
		return nil, err
	}
	if err := c.divide(min(threads, conns)); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Crowd) openAll(ctx context.Context, open func(*peer) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for first := range openers {
		wg.Go(func() {
			for i := first; i < len(c.peers) && ctx.Err() == nil; i += openers {
				if err := open(&c.peers[i]); err != nil {
					cancel(fmt.Errorf("connection %d: %w", i+1, err))
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

func (c *Crowd) divide(threads int) error {
	for range threads {
		epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
		if err != nil {
			return fmt.Errorf("create epoll: %w", err)
		}
		c.threads = append(c.threads, &thread{epoll: epoll, peers: map[int32]*peer{}, buf: make([]byte, 128<<10)})
	}
	for i := range c.peers {
		t, p := c.threads[i%threads], &c.peers[i]
		t.peers[int32(p.fd)] = p
		event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(p.fd)}
		if err := syscall.EpollCtl(t.epoll, syscall.EPOLL_CTL_ADD, p.fd, &event); err != nil {
			return fmt.Errorf("add to epoll: %w", err)
		}
	}
	return nil
}

// Close ends all connections, without a word.
func (c *Crowd) Close() {
	for _, t := range c.threads {
		_ = syscall.Close(t.epoll)
	}
	for i := range c.peers {
		c.peers[i].close()
	}
}

// watch hands on what comes until it is over. Sockets with room again are told by flush.
func (t *thread) watch(over func() bool, read func(p *peer, data []byte) error, flush func(*peer) error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	events := make([]syscall.EpollEvent, 256)
	for !over() {
		n, err := syscall.EpollWait(t.epoll, events, 10)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("wait: %w", err)
		}
		for _, event := range events[:max(n, 0)] {
			p := t.peers[event.Fd]
			if event.Events&syscall.EPOLLOUT != 0 {
				if err := flush(p); err != nil {
					return err
				}
			}
			if event.Events&^syscall.EPOLLOUT == 0 {
				continue
			}
			if err := t.receive(p, read); err != nil {
				return fmt.Errorf("connection %d: %w", p.index+1, err)
			}
		}
	}
	return nil
}

func (t *thread) receive(p *peer, read func(p *peer, data []byte) error) error {
	n, err := syscall.Read(p.fd, t.buf)
	switch {
	case errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR):
		return nil
	case err != nil:
		return fmt.Errorf("receive: %w", err)
	case n == 0:
		return errEnded
	}
	return read(p, t.buf[:n])
}

// until is over after a time.
func until(ctx context.Context, end time.Time) func() bool {
	return func() bool { return ctx.Err() != nil || !time.Now().Before(end) }
}
