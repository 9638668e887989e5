package loop

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// secure is the TLS of a connection. On a goroutine it reads from and writes to the
// socket. On an event loop it must not wait: there it reads what it is given and writes to
// memory.
type secure struct {
	*tls.Conn
	pipe *pipe
}

func newSecure(nc net.Conn, config *tls.Config) *secure {
	p := &pipe{socket: nc}
	return &secure{Conn: tls.Server(p, config), pipe: p}
}

// pipe is what lies below TLS: a socket, or memory if there is none.
type pipe struct {
	socket net.Conn

	in  []byte // to be read
	mu  sync.Mutex
	out []byte // was written; the reading side writes, too, when keys change
	own int    // bytes of that
	// seals is set while somebody encrypts.
	seals bool
}

// wouldBlock says that nothing is there yet. TLS goes on after an error that is
// temporary.
type wouldBlock struct{}

func (wouldBlock) Error() string   { return "loop: nothing to read yet" }
func (wouldBlock) Timeout() bool   { return true }
func (wouldBlock) Temporary() bool { return true }

func (p *pipe) Read(b []byte) (int, error) {
	if len(p.in) == 0 {
		if p.socket != nil {
			return p.socket.Read(b)
		}
		return 0, wouldBlock{}
	}
	n := copy(b, p.in)
	p.in = p.in[n:]
	return n, nil
}

func (p *pipe) Write(b []byte) (int, error) {
	if p.socket != nil {
		return p.socket.Write(b)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out = append(p.out, b...)
	if !p.seals {
		p.own += len(b)
	}
	return len(b), nil
}

func (p *pipe) Close() error {
	if p.socket != nil {
		return p.socket.Close()
	}
	return nil
}

// CloseWrite closes the writing side of the socket.
func (p *pipe) CloseWrite() error {
	if half, ok := p.socket.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

func (p *pipe) LocalAddr() net.Addr {
	if p.socket != nil {
		return p.socket.LocalAddr()
	}
	return nil
}

func (p *pipe) RemoteAddr() net.Addr {
	if p.socket != nil {
		return p.socket.RemoteAddr()
	}
	return nil
}

func (p *pipe) SetDeadline(t time.Time) error {
	return errors.Join(p.SetReadDeadline(t), p.SetWriteDeadline(t))
}

func (p *pipe) SetReadDeadline(t time.Time) error {
	if p.socket != nil {
		return p.socket.SetReadDeadline(t)
	}
	return nil
}

func (p *pipe) SetWriteDeadline(t time.Time) error {
	if p.socket != nil {
		return p.socket.SetWriteDeadline(t)
	}
	return nil
}

// attach goes on over a socket; what waits to be sent goes first.
func (s *secure) attach(nc net.Conn) error {
	s.pipe.socket = nc
	if len(s.pipe.out) == 0 {
		return nil
	}
	_, err := nc.Write(s.pipe.out)
	s.pipe.out = nil
	return err
}

// detach goes on in memory. Nobody may be reading or writing.
func (s *secure) detach() { s.pipe.socket = nil }

// open decrypts what was received, into memory that may be replaced by more. Only the
// leader of the loop calls it. An error other than io.EOF has left an alert to be sent.
func (s *secure) open(received, into []byte) (plain []byte, err error) {
	if len(s.pipe.in) > 0 { // the handshake has left some
		received = append(s.pipe.in, received...)
	}
	s.pipe.in = received
	n := 0
	for {
		if n == len(into) {
			into = append(into, make([]byte, max(n, 16<<10))...)
		}
		m, err := s.Conn.Read(into[n:])
		n += m
		if err == nil {
			continue
		}
		if errors.Is(err, os.ErrDeadlineExceeded) || isWouldBlock(err) {
			err = nil
		}
		s.pipe.in = nil
		return into[:n], err
	}
}

func isWouldBlock(err error) bool {
	_, ok := err.(wouldBlock)
	return ok
}

// waiting is how many bytes TLS has to say by itself.
func (s *secure) waiting() int {
	s.pipe.mu.Lock()
	defer s.pipe.mu.Unlock()
	return s.pipe.own
}

// seal encrypts what is to be sent, into this memory or more; last says that nothing
// follows, which the client is told. One goroutine at a time has the writing side.
func (s *secure) seal(plain, into []byte, last bool) (out []byte, err error) {
	p := s.pipe
	p.mu.Lock()
	into = append(into[:0], p.out...)
	p.out, p.own, p.seals = into, 0, true
	p.mu.Unlock()
	if len(plain) > 0 {
		_, err = s.Conn.Write(plain)
	}
	if last && err == nil {
		err = s.Conn.CloseWrite()
	}
	p.mu.Lock()
	out, p.out, p.seals = p.out, nil, false // an idle connection keeps no memory
	p.mu.Unlock()
	return out, err
}
