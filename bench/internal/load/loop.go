package load

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"
)

const (
	// grace is how long answers may take after the window is over.
	grace = 5 * time.Second
	// glance is how often the loop looks at the window at least.
	glance = 10 * time.Millisecond
	// sysEpollPwait2 waits with nanoseconds; this number is that of every
	// architecture.
	sysEpollPwait2 = 441
)

func (g *Group) loop() error {
	events := make([]syscall.EpollEvent, 128)
	g.begin = g.window.now()
	for i := range g.conns {
		if g.plan.Rate == 0 {
			if err := g.send(&g.conns[i], g.window.now()); err != nil {
				return err
			}
		}
	}
	for !g.ended() {
		if err := g.sendDue(); err != nil {
			return err
		}
		n, err := wait(g.epoll, events, g.idle())
		if err != nil {
			return fmt.Errorf("wait for answers: %w", err)
		}
		for _, event := range events[:n] {
			if err := g.receive(&g.conns[event.Fd]); err != nil {
				return err
			}
		}
	}
	return nil
}

// ended also gives up on answers that take too long.
func (g *Group) ended() bool {
	now := g.window.now()
	if !g.window.over(now) {
		return false
	}
	late := g.window.over(now - grace)
	open := false
	for i := range g.conns {
		c := &g.conns[i]
		if c.busy && late {
			g.count(c, now)
			g.fault("%w within %v", errUnanswered, now-c.start)
		}
		open = open || c.busy
	}
	return late || !open
}

// dueAt is when request number n of all connections together has its turn.
func (g *Group) dueAt(n int64) time.Duration {
	return time.Duration(float64(n) / g.plan.Rate * float64(time.Second))
}

// sendDue sends what has its turn on connections that are free; the others
// remember what they owe.
func (g *Group) sendDue() error {
	if g.plan.Rate == 0 {
		return nil
	}
	for now := g.window.now(); ; g.due++ {
		at := g.begin + g.dueAt(g.due)
		if at > now || g.window.over(at) {
			return nil
		}
		c := &g.conns[g.due%int64(len(g.conns))]
		c.owed++
		if c.busy {
			continue
		}
		if err := g.sendOwed(c, now); err != nil {
			return err
		}
	}
}

// sendOwed sends the oldest request that c owes. It counts from when it was due
// if c had to wait for an answer then, and else from now: that this loop woke up
// late is no fault of the server.
func (g *Group) sendOwed(c *conn, now time.Duration) error {
	due := g.begin + g.dueAt(c.turns*int64(len(g.conns))+int64(c.index))
	c.owed--
	c.turns++
	if due >= c.freeAt {
		due = now
	}
	return g.send(c, due)
}

// answered goes on with a connection that is free again.
func (g *Group) answered(c *conn, now time.Duration) error {
	c.busy, c.freeAt = false, now
	switch {
	case g.plan.Rate > 0 && c.owed > 0:
		return g.sendOwed(c, now)
	case g.plan.Rate == 0 && !g.window.over(now):
		return g.send(c, now)
	}
	return nil
}

// idle is how long the loop may wait for answers.
func (g *Group) idle() time.Duration {
	if g.plan.Rate == 0 {
		return glance
	}
	return min(glance, max(0, g.begin+g.dueAt(g.due)-g.window.now()))
}

func wait(epoll int, events []syscall.EpollEvent, limit time.Duration) (int, error) {
	timeout := syscall.NsecToTimespec(int64(limit))
	n, _, errno := syscall.Syscall6(sysEpollPwait2, uintptr(epoll), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), uintptr(unsafe.Pointer(&timeout)), 0, 0)
	switch errno {
	case 0:
		return int(n), nil
	case syscall.EINTR:
		return 0, nil
	}
	return 0, errno
}
