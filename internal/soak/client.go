package soak

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// client is a connection of HTTP/1.1 to the server.
type client struct {
	net.Conn
	tcp    *net.TCPConn // below TLS
	x      *rotation
	in     *bufio.Reader
	dialed time.Time
	began  time.Time // when the first byte was sent
	used   time.Time // when the last answer came
	served int
	drip   time.Duration // pause behind each small piece that is sent
	sip    time.Duration // pause before each piece that is read
	half   bool          // nothing is sent behind the first requests
}

// dial returns nil if no connection can be had, which has been counted then.
func (x *rotation) dial() *client { return x.dialFrom(nil) }

func (x *rotation) dialFrom(local net.Addr) *client {
	c := &client{x: x, tcp: x.connect(local), dialed: time.Now()}
	if c.tcp == nil {
		return nil
	}
	if c.Conn = c.tcp; x.secure() && local == nil {
		if c.Conn = x.shake(c.tcp, "http/1.1"); c.Conn == nil {
			return nil
		}
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	c.in = bufio.NewReader(c)
	return c
}

// connect returns nil if no connection can be had.
func (x *rotation) connect(local net.Addr) *net.TCPConn {
	d := net.Dialer{Timeout: patience, LocalAddr: local}
	conn, err := d.Dial("tcp", x.addr.String())
	switch {
	case err == nil:
		x.add("connections", 1)
		return conn.(*net.TCPConn)
	case x.closing.Load() && errors.Is(err, syscall.ECONNREFUSED), x.closing.Load() && errors.Is(err, syscall.ECONNRESET):
		x.add("refused at the end", 1)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		x.add("no address", 1)
	default:
		x.fail("dial", "%v", err)
	}
	return nil
}

// Read counts, and takes small pieces if the client is slow.
func (c *client) Read(p []byte) (int, error) {
	if c.sip > 0 {
		c.x.wait(c.sip)
	}
	n, err := c.Conn.Read(p)
	c.x.in.Add(int64(n))
	return n, err
}

// Write counts, and sends small pieces if the client is slow.
func (c *client) Write(p []byte) (n int, err error) {
	if c.began.IsZero() {
		c.began = time.Now()
	}
	if c.drip == 0 {
		n, err = c.Conn.Write(p)
		c.x.out.Add(int64(n))
		return n, err
	}
	for piece := len(p)/7 + 1; n < len(p) && err == nil; {
		var m int
		m, err = c.Conn.Write(p[n:min(n+piece, len(p))])
		n += m
		c.x.wait(c.drip)
	}
	c.x.out.Add(int64(n))
	return n, err
}

// reset closes the connection such that the server gets a reset.
func (c *client) reset() {
	reset(c.tcp)
}

func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	_ = conn.Close()
}

// Close leaves without the last words of TLS, which would wait for a server that does
// not read.
func (c *client) Close() error { return c.tcp.Close() }

// ask sends the requests in one go and reads the answers. It reports whether the
// connection can be used again.
func (c *client) ask(jobs ...*job) bool {
	_ = c.SetDeadline(time.Now().Add(patience))
	for _, j := range jobs {
		c.x.ledger.send(j.n)
	}
	c.send(jobs)
	for i, j := range jobs {
		open, err := c.read(j)
		if err != nil {
			c.turnedAway(j, err)
			c.lose(jobs[i:])
			return false
		}
		c.served++
		c.used = time.Now()
		c.x.settle(j)
		if !open {
			c.lose(jobs[i+1:])
			return false
		}
	}
	if c.in.Buffered() > 0 && !c.half {
		rest, _ := c.in.Peek(min(c.in.Buffered(), 200))
		c.x.fail("doubled", "behind the answer to %s: %q", jobs[len(jobs)-1].target, rest)
		return false
	}
	return true
}

// send leaves errors to the reader of the answers.
func (c *client) send(jobs []*job) {
	out := bufio.NewWriterSize(c, 16<<10)
	for _, j := range jobs {
		if err := j.write(out); err != nil {
			return
		}
	}
	_ = out.Flush()
	if c.half {
		_ = c.Conn.(interface{ CloseWrite() error }).CloseWrite()
	}
}

// settle counts an answer.
func (x *rotation) settle(j *job) {
	x.add("requests", 1)
	if wrong := x.ledger.answer(j.n); wrong != "" {
		x.fail("ledger", "%s: %s", j.target, wrong)
	}
}

// lose settles requests that are not answered.
func (c *client) lose(jobs []*job) {
	for _, j := range jobs {
		wrong := c.x.ledger.lose(j.n)
		if wrong != "" && !c.x.cutting.Load() {
			c.x.fail("lost", "%s %s: %s (%v)", j.method, j.target, wrong, c)
		}
	}
}

// turnedAway asks whether the server may have ended the connection.
func (c *client) turnedAway(j *job, err error) {
	var wrong *violation
	switch x := c.x; {
	case errors.As(err, &wrong):
		x.fail(wrong.kind, "%s %s: %v (%v)", j.method, j.target, wrong, c)
	case errors.Is(err, os.ErrDeadlineExceeded):
		x.fail("hung", "%s %s: no answer in %v (%v)", j.method, j.target, patience, c)
	case x.closing.Load():
		x.add("turned away at the end", 1)
	case c.served > 0 && c.dialed.UnixNano() < x.drained.Load():
		x.add("asked again", 1)
	case c.served > 0 && time.Since(c.used) > time.Second:
		x.add("idle for too long", 1)
	case c.served == 0 && c.began.Sub(c.dialed) > 400*time.Millisecond:
		x.add("too late", 1)
	default:
		x.fail("dropped", "%s %s: %v (%v)", j.method, j.target, err, c)
	}
}

// String tells what a report of a lost answer has to tell.
func (c *client) String() string {
	state := "no drain since the connection began"
	if c.dialed.UnixNano() < c.x.drained.Load() {
		state = "drained since"
	}
	return fmt.Sprintf("%d answers before, first byte after %v, half-closed %v, slow %v/%v, %s",
		c.served, c.began.Sub(c.dialed).Round(time.Microsecond), c.half, c.drip, c.sip, state)
}

// violation is what a server must never send.
type violation struct{ kind, text string }

func (v *violation) Error() string { return v.text }

func violates(kind, format string, args ...any) error {
	return &violation{kind, fmt.Sprintf(format, args...)}
}

// read reads the answer to j. The error is a violation, or that of the connection if
// it ended before the answer began.
func (c *client) read(j *job) (open bool, err error) {
	if _, err := c.in.Peek(1); err != nil {
		return false, err
	}
	res, err := readFinal(c.in, j.method)
	if err != nil {
		return false, c.x.broken("head", err)
	}
	defer res.Body.Close()
	if err := j.judge(res); err != nil {
		return false, c.x.broken("body", err)
	}
	return !res.Close, nil
}

// judge looks at an answer.
func (j *job) judge(res *http.Response) error {
	if res.StatusCode != j.status && (j.status != 503 || res.StatusCode != 200) {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 300))
		return violates("status", "%d in place of %d: %q", res.StatusCode, j.status, text)
	}
	if n := res.Header.Get("X-N"); n != strconv.FormatUint(j.n, 10) && (n != "" || res.StatusCode < 500) {
		return violates("mixed up", "the answer is that to %q", n)
	}
	return j.check(res)
}

// broken tells a response that was broken off from one that is wrong.
func (x *rotation) broken(part string, err error) error {
	var wrong *violation
	if errors.As(err, &wrong) {
		return err
	}
	if x.cutting.Load() {
		return errCut
	}
	return violates("broken "+part, "%v", err)
}

var errCut = errors.New("the server was ended while it answered")

// readFinal reads the head of a response that is not an interim one.
func readFinal(in *bufio.Reader, method string) (*http.Response, error) {
	for {
		res, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil || res.StatusCode >= 200 || res.StatusCode == 101 {
			return res, err
		}
	}
}

// checkText wants the number and one version in head and body.
func (j *job) checkText(res *http.Response) error {
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	want := fmt.Sprintf("n=%d v=%s\n", j.n, res.Header.Get("X-Version"))
	if j.method == "HEAD" {
		want = ""
	}
	if string(text) != want {
		return violates("mixed up", "body %q in place of %q", text, want)
	}
	return nil
}

// checkError reads the body of a refusal.
func (j *job) checkError(res *http.Response) error {
	text, err := io.ReadAll(res.Body)
	if err == nil && !strings.Contains(string(text), strconv.Itoa(j.status)) {
		return violates("mixed up", "body %q of a %d", text, j.status)
	}
	return err
}
