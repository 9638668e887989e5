package runtimetest

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

// client is a raw connection to a server.
type client struct {
	net.Conn
	x  *T
	br *bufio.Reader
}

// dial connects to the server, through the wire of the fault.
func (s *server) dial() *client {
	s.x.Helper()
	return s.dialFrom(nil)
}

// dialFrom connects from another loopback address, and skips the case where the
// system has only one.
func (s *server) dialFrom(from net.IP) *client {
	s.x.Helper()
	return s.dialPlain(from).spoilt()
}

// spoilt puts the wire of the fault on a client.
func (c *client) spoilt() *client {
	if f := c.x.fault; f != nil && (f.reply != nil || f.request != nil || f.deaf) {
		c.Conn = newWire(c.Conn, f)
		c.br.Reset(c.Conn)
	}
	return c
}

func (s *server) dialPlain(from net.IP) *client {
	x := s.x
	x.Helper()
	return x.clientOver(s.dialRaw(from))
}

// clientOver speaks the protocol of the run on a connection, without a fault.
func (x *T) clientOver(conn net.Conn) *client {
	conn = x.speak(conn)
	c := &client{Conn: conn, x: x, br: bufio.NewReader(conn)}
	x.Cleanup(func() { _ = c.Close() })
	return c
}

// dialRaw connects and says nothing of its own.
func (s *server) dialRaw(from net.IP) net.Conn {
	x := s.x
	x.Helper()
	conn, err := x.connect(from, s.addr())
	if err != nil && from != nil && strings.Contains(err.Error(), "assign requested address") {
		x.Skipf("this system has no address %v", from)
	}
	if err != nil {
		x.Fatalf("dial: %v", err)
	}
	x.Cleanup(func() { _ = conn.Close() })
	if s.greet != nil {
		_ = conn.SetWriteDeadline(time.Now().Add(x.patience))
		_, _ = conn.Write(s.greet)
	}
	return conn
}

// speak puts the protocol of the run on a connection. What cases send and read is
// the text of HTTP/1.1 all the same.
func (x *T) speak(conn net.Conn) net.Conn {
	quic, over := conn.(quicEnd)
	switch {
	case over:
		return newTextConn3(x, quic)
	case x.http2():
		return newTextConn(x, conn)
	case x.secure():
		return newSecureConn(x, conn)
	}
	return conn
}

// newClient reads and writes the text of HTTP/1.1 on a connection.
func newClient(x *T, conn net.Conn) *client {
	return &client{Conn: conn, x: x, br: bufio.NewReader(conn)}
}

// clientOn is a client on a connection that is there already.
func (x *T) clientOn(conn net.Conn) *client {
	c := &client{Conn: x.speak(conn), x: x}
	if f := x.fault; f != nil && f.reply != nil {
		c.Conn = newWire(c.Conn, f)
	}
	c.br = bufio.NewReader(c.Conn)
	return c
}

// send writes raw bytes. A failure shows in what is read then: a server may
// refuse a request before it has all of it.
func (c *client) send(parts ...string) {
	_ = c.SetWriteDeadline(time.Now().Add(c.x.patience))
	_, _ = io.WriteString(c.Conn, strings.Join(parts, ""))
}

// read reads one response to a request with this method, interim ones skipped.
func (c *client) read(method string) *response {
	c.x.Helper()
	r, err := c.tryRead(method)
	if err != nil {
		c.x.Fatalf("read response: %v", err)
	}
	return r
}

func (c *client) tryRead(method string) (*response, error) {
	_ = c.SetReadDeadline(time.Now().Add(c.x.patience))
	return readResponse(c.br, method)
}

// expect reads a response to a GET, or the like, and demands one of the statuses.
func (c *client) expect(status ...int) *response {
	c.x.Helper()
	r := c.read("GET")
	if !slices.Contains(status, r.status) {
		c.x.Fatalf("got status %d with body %.200q, want %v", r.status, r.body, status)
	}
	return r
}

// refused reads an answer of 400. Over HTTP/2 the stream may be reset with
// PROTOCOL_ERROR in its place.
func (c *client) refused() {
	c.x.Helper()
	r, err := c.tryRead("GET")
	switch {
	case c.x.streams() && err != nil && strings.Contains(err.Error(), "PROTOCOL_ERROR"):
	case err != nil:
		c.x.Fatalf("read response: %v", err)
	case r.status != 400:
		c.x.Fatalf("got status %d with body %.200q, want 400", r.status, r.body)
	}
}

// get asks for a path on this connection and demands 200.
func (c *client) get(path string) *response {
	c.x.Helper()
	c.send("GET ", path, " HTTP/1.1\r\nHost: a.example\r\n\r\n")
	return c.expect(200)
}

// closed demands that the server ends the connection without another byte.
func (c *client) closed() {
	c.x.Helper()
	if err := c.closing(c.x.patience); err != nil {
		c.x.Fatal(err)
	}
}

// closing reports what comes in place of the end of the connection.
func (c *client) closing(within time.Duration) error {
	_ = c.SetReadDeadline(time.Now().Add(within))
	rest, err := io.ReadAll(c.br)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("the server keeps the connection open")
	}
	if len(rest) > 0 {
		return errors.New("unexpected bytes: " + string(rest[:min(len(rest), 200)]))
	}
	return nil
}

// endedWell demands an orderly end rather than a reset.
func (c *client) endedWell() {
	c.x.Helper()
	_ = c.SetReadDeadline(time.Now().Add(c.x.patience))
	rest, err := io.ReadAll(c.br)
	if err != nil || len(rest) > 0 {
		c.x.Fatalf("got %.200q and %v, want the end of the connection", rest, err)
	}
}

// quiet demands that nothing comes and the connection stays open for a while.
func (c *client) quiet(d time.Duration) {
	c.x.Helper()
	_ = c.SetReadDeadline(time.Now().Add(d))
	b, err := c.br.Peek(1)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		c.x.Fatalf("got %q and %v within %v, want silence", b, err, d)
	}
}

// quietly waits without reading.
func (c *client) quietly(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.x.Context().Done():
	}
}

// drip sends text byte by byte until it ends, the server closes, or stop.
func (c *client) drip(text string, every time.Duration, stop <-chan struct{}) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := range len(text) {
		select {
		case <-tick.C:
		case <-stop:
			return
		}
		if _, err := io.WriteString(c.Conn, text[i:i+1]); err != nil {
			return
		}
	}
}

// ask sends one request on a new connection and demands one of the statuses.
func (s *server) ask(raw string, status ...int) *response {
	s.x.Helper()
	c := s.dial()
	defer c.Close()
	method, _, _ := strings.Cut(raw, " ")
	c.send(raw)
	r := c.read(method)
	if !slices.Contains(status, r.status) {
		s.x.Fatalf("%.100q: got status %d with body %.300q, want %v", raw, r.status, r.body, status)
	}
	return r
}

// get is ask for a GET of a path with further header lines.
func (s *server) get(path string, status int, lines ...string) *response {
	s.x.Helper()
	return s.ask(request("GET", path, "", lines...), status)
}

// request returns a request in HTTP/1.1, with a length if there is a body.
func request(method, target, body string, lines ...string) string {
	var b strings.Builder
	b.WriteString(method + " " + target + " HTTP/1.1\r\nHost: a.example\r\n")
	for _, line := range lines {
		b.WriteString(line + "\r\n")
	}
	if body != "" {
		b.WriteString("Content-Length: " + itoa(len(body)) + "\r\n")
	}
	b.WriteString("\r\n" + body)
	return b.String()
}
