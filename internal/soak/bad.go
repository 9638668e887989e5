package soak

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// loosely returns a request that nobody waits for.
func (x *rotation) loosely(method, path, fields string) string {
	n := strconv.FormatUint(x.next()|loose, 10)
	return method + " " + strings.Replace(path, "{n}", n, 1) + " HTTP/1.1\r\nHost: soak.example\r\n" + fields + "\r\n"
}

// resets leaves in every phase of a request.
func (x *rotation) resets(round int) {
	c := x.dial()
	if c == nil {
		return
	}
	defer c.reset()
	quick := x.loosely("GET", "/quick/{n}", "")
	switch round % 11 {
	case 0: // at once
	case 1:
		_, _ = io.WriteString(c, quick[:len(quick)/2])
	case 2:
		_, _ = io.WriteString(c, quick)
	case 3:
		_, _ = io.WriteString(c, strings.Repeat(quick, 9))
	case 4:
		_, _ = io.WriteString(c, x.loosely("GET", "/block/{n}", ""))
		x.wait(time.Millisecond)
	case 5:
		_, _ = io.WriteString(c, x.loosely("POST", "/take/{n}/100000", "Content-Length: 100000\r\n")+strings.Repeat("x", 5000))
	case 6:
		_, _ = io.WriteString(c, x.loosely("POST", "/take/{n}/100000", "Transfer-Encoding: chunked\r\n")+"1000\r\nhalf")
		x.wait(2 * time.Millisecond)
	case 7:
		_, _ = io.WriteString(c, x.loosely("GET", "/load/{n}/2000000", ""))
		_, _ = c.in.Peek(1)
	case 8:
		_, _ = io.WriteString(c, x.loosely("GET", "/stream/{n}/500000", "")+quick)
		_, _ = io.CopyN(io.Discard, c.in, 20000)
	case 9:
		_, _ = io.WriteString(c, x.loosely("GET", "/late/{n}", "")+quick)
		x.wait(3 * time.Millisecond)
	case 10:
		_, _ = io.WriteString(c, x.loosely("GET", "/hijack/{n}", "Connection: Upgrade\r\nUpgrade: soak\r\n")+"line\n")
		_, _ = c.in.Peek(1)
	}
	x.add("resets", 1)
}

// nonsense is refused by every server.
var nonsense = [...]string{
	"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n",
	"GET\r\n\r\n",
	"GET /quick/1 HTTP/1.1\r\n\r\n",
	"GET /quick/1 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
	"GET /quick/1 HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n",
	"GET /quick/1 HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
	"GET /quick/1 HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
	"GET /quick/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
	"GET /quick/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
	"GET /quick/1 HTTP/7.0\r\nHost: a\r\n\r\n",
	"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
}

// malformed sends what must be refused, now and then behind a good request.
func (x *rotation) malformed(round int) {
	c := x.dial()
	if c == nil {
		return
	}
	defer c.reset()
	if round%3 == 0 && !c.ask(x.get("/quick/")) {
		return
	}
	_, _ = io.WriteString(c, nonsense[round%len(nonsense)])
	c.expectRefusal(nonsense[round%len(nonsense)], 400, 501, 505)
	x.add("malformed", 1)
}

// refused sends what is too large.
func (x *rotation) refused(round int) {
	c := x.dial()
	if c == nil {
		return
	}
	defer c.reset()
	switch round % 5 {
	case 0:
		_, _ = io.WriteString(c, x.loosely("GET", "/quick/{n}", "X: "+strings.Repeat("x", 90<<10)+"\r\n"))
		c.expectRefusal("a large head", 431)
	case 1:
		_, _ = io.WriteString(c, x.loosely("GET", "/quick/{n}?"+strings.Repeat("x", 10<<10), ""))
		c.expectRefusal("a long target", 414)
	case 2:
		_, _ = io.WriteString(c, x.loosely("GET", "/quick/{n}", strings.Repeat("X: 1\r\n", 150)))
		c.expectRefusal("many fields", 431)
	case 3:
		_, _ = io.WriteString(c, x.loosely("POST", "/small/{n}", "Content-Length: 300000\r\n")+strings.Repeat("x", 300000))
		c.expectRefusal("a large body", 413)
	case 4:
		_, _ = io.WriteString(c, x.loosely("POST", "/ignore/{n}", "Content-Length: 400000\r\n")+strings.Repeat("x", 400000))
		c.expectRefusal("a body nobody reads", 200)
	}
	x.add("oversized", 1)
}

// expectRefusal wants one of the statuses and then the end of the connection. A
// server may end it without an answer.
func (c *client) expectRefusal(what string, statuses ...int) {
	_ = c.SetDeadline(time.Now().Add(patience))
	res, err := readFinal(c.in, "GET")
	if err == nil {
		defer res.Body.Close()
		wanted := false
		for _, status := range statuses {
			wanted = wanted || status == res.StatusCode
		}
		if !wanted {
			c.x.fail("refusal", "%q was answered %d", what, res.StatusCode)
		}
		_, err = io.Copy(io.Discard, res.Body)
		if err == nil && !res.Close {
			return
		}
	}
	if err == nil {
		_, err = io.Copy(io.Discard, c.in)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.x.fail("not closed", "behind %q", what)
	}
}

// flood makes more connections than are allowed, from several addresses.
func (x *rotation) flood(round int) {
	var group sync.WaitGroup
	for host := range 2 {
		group.Go(func() {
			var all []*client
			for range 120 {
				c := x.dialFrom(&net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+host))})
				if c == nil {
					break
				}
				if (len(all)+round)%3 == 0 {
					_, _ = io.WriteString(c, x.loosely("GET", "/quick/{n}", ""))
				}
				all = append(all, c)
			}
			x.wait(100 * time.Millisecond)
			for i, c := range all {
				if i%2 == 0 {
					_ = c.Close()
				} else {
					c.reset()
				}
			}
		})
	}
	group.Wait()
	x.add("floods", 1)
}

// stalled stops in the middle and waits for the server to lose its patience.
func (x *rotation) stalled(round int) {
	c := x.dial()
	if c == nil {
		return
	}
	defer c.reset()
	switch round % 5 {
	case 0:
		_, _ = io.WriteString(c, "GET /quick/")
	case 1: // nothing at all
	case 2:
		if !c.ask(x.get("/quick/")) {
			return
		}
	case 3:
		_, _ = io.WriteString(c, x.loosely("POST", "/take/{n}/1000", "Content-Length: 1000\r\n")+"half")
	case 4:
		c.notReading()
		return
	}
	x.add("stalled", 1)
	left := time.Now().Add(patience)
	for time.Now().Before(left) {
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if _, err := io.Copy(io.Discard, c.in); !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		select {
		case <-x.winding:
			return
		default:
		}
	}
	x.fail("not closed", "a client that stalls in phase %d", round%5)
}

// notReading asks for more than the sockets hold and does not take it.
func (c *client) notReading() {
	const size = 24 << 20
	_, _ = io.WriteString(c, c.x.loosely("GET", fmt.Sprintf("/load/{n}/%d", size), ""))
	select {
	case <-c.x.winding:
		return
	case <-time.After(3 * limits().WriteTimeout):
	}
	c.x.add("stalled", 1)
	_ = c.SetDeadline(time.Now().Add(patience))
	n, err := io.Copy(io.Discard, bufio.NewReader(c.in))
	if n >= size || errors.Is(err, os.ErrDeadlineExceeded) {
		c.x.fail("not closed", "a client that did not read for a long time got %d bytes, then %v", n, err)
	}
}
