package load

import (
	"bytes"
	"fmt"
	"strconv"
	"syscall"
	"time"
)

// longest answer, head and body.
const longest = 8 << 10

// tooMany faults end a group.
const tooMany = 1000

type conn struct {
	index int
	fd    int
	busy  bool
	class int
	// start is when the request under way began to count, freeAt when the answer
	// before it came.
	start, freeAt time.Duration
	// owed requests fell due; turns counts those that were sent.
	owed, turns int64

	buf  [longest]byte
	held int
}

func (g *Group) open() (err error) {
	for i := range g.conns {
		g.conns[i] = conn{index: i, fd: -1}
	}
	if g.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("create epoll: %w", err)
	}
	for i := range g.conns {
		if err := g.connect(&g.conns[i]); err != nil {
			return err
		}
	}
	return nil
}

func (g *Group) close() {
	for i := range g.conns {
		g.conns[i].close()
	}
	if g.epoll > 0 {
		_ = syscall.Close(g.epoll)
	}
}

func (c *conn) close() {
	if c.fd >= 0 {
		_ = syscall.Close(c.fd)
	}
	c.fd = -1
}

func (g *Group) connect(c *conn) (err error) {
	c.close()
	c.busy, c.held = false, 0
	if c.fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0); err != nil {
		return fmt.Errorf("open a socket: %w", err)
	}
	to := &syscall.SockaddrInet4{Port: int(g.addr.Port()), Addr: g.addr.Addr().As4()}
	if err := syscall.Connect(c.fd, to); err != nil {
		return fmt.Errorf("connect to %s: %w", g.addr, err)
	}
	if err := syscall.SetsockoptInt(c.fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		return err
	}
	if err := syscall.SetNonblock(c.fd, true); err != nil {
		return err
	}
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(c.index)}
	return syscall.EpollCtl(g.epoll, syscall.EPOLL_CTL_ADD, c.fd, &event)
}

// send writes a request, which counts from start. The error is returned when
// the server cannot be reached any more.
func (g *Group) send(c *conn, start time.Duration) error {
	request := g.plan.Pick(g.sent.Add(1) - 1)
	c.busy, c.start, c.class = true, start, request.Class
	n, err := syscall.Write(c.fd, request.Text)
	if err == nil && n == len(request.Text) {
		return nil
	}
	return g.broken(c, fmt.Errorf("sent %d of %d bytes: %w", n, len(request.Text), err))
}

func (g *Group) receive(c *conn) error {
	n, err := syscall.Read(c.fd, c.buf[c.held:])
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		return nil
	case err != nil:
		return g.broken(c, fmt.Errorf("receive: %w", err))
	case n == 0:
		return g.broken(c, fmt.Errorf("the connection ended"))
	}
	now := g.window.now()
	c.held += n
	status, length, err := parseAnswer(c.buf[:c.held])
	switch {
	case err != nil:
		return g.broken(c, err)
	case length == 0 || length > c.held && length <= longest:
		return nil // more is to come
	case length != c.held || !c.busy:
		return g.broken(c, fmt.Errorf("%d bytes came for an answer of %d", c.held, length))
	}
	c.held = 0
	if status != 200 {
		g.fault("answer with status %d", status)
	} else {
		g.count(c, now)
	}
	return g.answered(c, now)
}

// broken counts a fault and connects again, and drops the request under way.
func (g *Group) broken(c *conn, fault error) error {
	g.fault("%w", fault)
	if g.result.Errors > tooMany {
		return fmt.Errorf("more than %d faults, the last: %w", tooMany, fault)
	}
	if err := g.connect(c); err != nil {
		return fmt.Errorf("%w, after %w", err, fault)
	}
	return g.answered(c, g.window.now())
}

var (
	headEnd     = []byte("\r\n\r\n")
	lengthField = []byte("\r\ncontent-length:")
)

// parseAnswer returns the status and the length of head and body; 0 while the
// head is not whole.
func parseAnswer(text []byte) (status, length int, err error) {
	end := bytes.Index(text, headEnd)
	if end < 0 {
		if len(text) == longest {
			err = fmt.Errorf("a head of more than %d bytes", longest)
		}
		return 0, 0, err
	}
	head := text[:end+2]
	if len(head) < 14 || !bytes.HasPrefix(head, []byte("HTTP/1.1 ")) {
		return 0, 0, fmt.Errorf("no answer: %.40q", head)
	}
	status, err = strconv.Atoi(string(head[9:12]))
	if err != nil {
		return 0, 0, fmt.Errorf("no status: %.40q", head)
	}
	body, err := contentLength(head)
	return status, end + len(headEnd) + body, err
}

func contentLength(head []byte) (int, error) {
	for i := 0; i+len(lengthField) <= len(head); i++ {
		field := head[i : i+len(lengthField)]
		if field[0] != '\r' || !bytes.EqualFold(field, lengthField) {
			continue
		}
		value, _, _ := bytes.Cut(head[i+len(lengthField):], headEnd[:2])
		n, err := strconv.Atoi(string(bytes.TrimSpace(value)))
		if err != nil || n < 0 {
			return 0, fmt.Errorf("bad Content-Length %q", value)
		}
		return n, nil
	}
	return 0, fmt.Errorf("an answer without Content-Length")
}
