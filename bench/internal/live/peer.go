package live

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// patience is how long a connection may take to open, and the last answers to come.
const patience = 10 * time.Second

// decoder takes apart what comes.
type decoder interface {
	feed(p []byte, got func(message []byte) error) error
}

// peer is one connection.
type peer struct {
	fd    int
	index int
	in    decoder
	// unsent bytes wait until the kernel takes them, of what the load sends.
	unsent int
	// waits is set while epoll is asked for room.
	waits bool

	// last is the number of the note that came last.
	last uint64
	// sent has the times of messages under way, the oldest at next.
	sent []time.Time
	next int
}

// open connects, asks, and leaves a socket that does not block.
func (p *peer) open(to netip.AddrPort, request string, check func(*http.Response) error) (rest []byte, err error) {
	if p.fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("open a socket: %w", err)
	}
	limit := syscall.NsecToTimeval(int64(patience))
	for _, option := range []int{syscall.SO_RCVTIMEO, syscall.SO_SNDTIMEO} {
		if err := syscall.SetsockoptTimeval(p.fd, syscall.SOL_SOCKET, option, &limit); err != nil {
			return nil, err
		}
	}
	if err := p.connect(to); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", to, err)
	}
	if err := syscall.SetsockoptInt(p.fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(blocking(p.fd), request); err != nil {
		return nil, err
	}
	resp, rest, err := readHead(blocking(p.fd))
	if err == nil {
		err = check(resp)
	}
	if err != nil {
		return nil, err
	}
	if e, ok := p.in.(*events); ok && len(resp.TransferEncoding) == 0 {
		e.state = unchunked
	}
	return rest, syscall.SetNonblock(p.fd, true)
}

// connect goes on after an interruption, as the kernel does meanwhile.
func (p *peer) connect(to netip.AddrPort) error {
	for {
		err := syscall.Connect(p.fd, &syscall.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EISCONN):
			return nil
		default:
			return err
		}
	}
}

func (p *peer) close() {
	if p.fd >= 0 {
		_ = syscall.Close(p.fd)
	}
	p.fd = -1
}

// blocking is a socket that waits.
type blocking int

func (b blocking) Read(buf []byte) (int, error) {
	for {
		n, err := syscall.Read(int(b), buf)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return 0, err
		case n == 0 && len(buf) > 0:
			return 0, io.ErrUnexpectedEOF
		default:
			return n, nil
		}
	}
}

func (b blocking) Write(p []byte) (int, error) {
	for sent := 0; ; {
		n, err := syscall.Write(int(b), p[sent:])
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return sent, err
		}
		if sent += max(n, 0); sent == len(p) {
			return sent, nil
		}
	}
}
