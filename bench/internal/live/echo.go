package live

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/tako-go/tako/bench/internal/load"
)

var (
	errEcho       = errors.New("another message than the one sent")
	errUnanswered = fmt.Errorf("no answer within %v", patience)
)

// markSize is how many bytes of a message tell whose it is.
const markSize = 4

// echo is one thread under way.
type echo struct {
	*thread
	// payload is the message, batch the frames of a whole window; both have the mark of the
	// connection they were used for last.
	payload, batch []byte
	frame, window  int
	open           int
	until          time.Time
	now            time.Time
	counted        load.Histogram
}

// Echo sends so many messages of a size on each connection of a thread, and the next one with
// each answer, until then; it returns when all are answered.
func (c *Crowd) Echo(ctx context.Context, id, size, window int, until time.Time) (*load.Histogram, error) {
	e := newEcho(c.threads[id], size, window, until)
	for _, p := range e.peers {
		if err := e.more(p, window); err != nil {
			return nil, err
		}
	}
	over := func() bool {
		e.now = time.Now()
		return ctx.Err() != nil || e.open == 0 || e.now.After(until.Add(patience))
	}
	if err := e.watch(over, e.read, e.flush); err != nil {
		return nil, err
	}
	if e.open > 0 && ctx.Err() == nil {
		return nil, errUnanswered
	}
	return &e.counted, nil
}

func newEcho(t *thread, size, window int, until time.Time) *echo {
	e := &echo{thread: t, window: window, until: until, now: time.Now(), payload: make([]byte, size)}
	for i := range e.payload {
		e.payload[i] = byte('a' + i%26)
	}
	for range window {
		e.batch = AppendFrame(e.batch, e.payload)
	}
	e.frame = len(e.batch) / window
	for _, p := range t.peers {
		p.sent = make([]time.Time, window)
	}
	return e
}

// mark makes payload and batch those of a connection.
func (e *echo) mark(p *peer) {
	binary.BigEndian.PutUint32(e.payload, uint32(p.index))
	at := e.frame - len(e.payload)
	if bytes.Equal(e.batch[at:at+markSize], markOf(p)) {
		return
	}
	for ; at < len(e.batch); at += e.frame {
		copy(e.batch[at:], markOf(p))
	}
}

func markOf(p *peer) []byte {
	text := binary.BigEndian.AppendUint32(make([]byte, 0, markSize), uint32(p.index))
	applyMask(text, 0)
	return text
}

// more sends n messages.
func (e *echo) more(p *peer, n int) error {
	e.open += n
	for i := range n {
		p.sent[(p.next+e.window-n+i)%e.window] = e.now
	}
	p.unsent += n * e.frame
	return e.flush(p)
}

func (e *echo) flush(p *peer) error {
	e.mark(p)
	n, err := syscall.Write(p.fd, e.batch[len(e.batch)-p.unsent:])
	if err != nil && !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.EINTR) {
		return fmt.Errorf("connection %d: send: %w", p.index+1, err)
	}
	p.unsent -= max(n, 0)
	return e.wantRoom(p)
}

// wantRoom asks epoll for room as long as something waits for it.
func (t *thread) wantRoom(p *peer) error {
	if p.waits == (p.unsent > 0) {
		return nil
	}
	p.waits = !p.waits
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(p.fd)}
	if p.waits {
		event.Events |= syscall.EPOLLOUT
	}
	return syscall.EpollCtl(t.epoll, syscall.EPOLL_CTL_MOD, p.fd, &event)
}

// read counts the answers, and sends as many messages.
func (e *echo) read(p *peer, data []byte) error {
	e.now = time.Now()
	e.mark(p)
	answers := 0
	err := p.in.feed(data, func(message []byte) error {
		if !bytes.Equal(message, e.payload) || answers == e.window {
			return errEcho
		}
		e.counted.Add(e.now.Sub(p.sent[(p.next+answers)%e.window]))
		answers++
		return nil
	})
	if err != nil || answers == 0 {
		return err
	}
	e.open -= answers
	p.next = (p.next + answers) % e.window
	if e.now.Before(e.until) {
		return e.more(p, answers)
	}
	return nil
}
