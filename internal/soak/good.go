package soak

import (
	"bufio"
	"io"
	"net/http"
	"strconv"
	"time"
)

// keepAlive keeps its connection as long as the server does, and sends depth
// requests at a time.
func (x *rotation) keepAlive(depth int, pick func(*rotation) *job) {
	var c *client
	for round := 0; x.wait(time.Millisecond); round++ {
		if c == nil {
			if c = x.dial(); c == nil {
				x.wait(10 * time.Millisecond)
				continue
			}
		}
		if round%64 == 63 { // a pause in which a drain finds it idle
			x.wait(50 * time.Millisecond)
		}
		jobs := make([]*job, depth)
		for i := range jobs {
			jobs[i] = pick(x)
		}
		if !c.ask(jobs...) {
			_ = c.Close()
			c = nil
		}
	}
	if c != nil {
		_ = c.Close()
	}
}

// single makes a connection for one request, or a few at once.
func (x *rotation) single(round int) {
	c := x.dial()
	if c == nil {
		return
	}
	defer c.reset() // what is closed in order would use up the ports
	switch round % 8 {
	case 0:
		c.torn()
		return
	case 1:
		c.ask(x.mixed(), x.mixed(), x.mixed())
		return
	}
	j := x.mixed()
	j.fields += "Connection: close\r\n"
	if c.ask(j) {
		x.fail("not closed", "%s was answered without Connection: close", j.target)
	}
}

// torn asks for a response that the server must break off.
func (c *client) torn() {
	c.ask(c.x.tear())
}

// halfClosed sends no more behind its requests, all of which are answered.
func (x *rotation) halfClosed(round int) {
	c := x.dial()
	if c == nil {
		return
	}
	defer c.reset()
	c.half = true
	jobs := make([]*job, 1+round%4)
	for i := range jobs {
		jobs[i] = x.mixed()
	}
	if !c.ask(jobs...) {
		return
	}
	if rest, err := io.ReadAll(c.in); (err != nil || len(rest) > 0) && !x.closing.Load() {
		x.fail("half-closed", "%q and %v behind the answers (%v)", rest, err, c)
	}
}

// slowReader takes its answers in small pieces.
func (x *rotation) slowReader(int) {
	c := x.dial()
	if c == nil {
		return
	}
	defer c.Close()
	_ = c.tcp.SetReadBuffer(16 << 10)
	c.sip = 2 * time.Millisecond
	c.ask(x.get("/quick/"), x.download("/load/", 400<<10), x.download("/stream/", 60<<10), x.get("/block/"))
}

// slowWriter sends its requests in small pieces.
func (x *rotation) slowWriter(round int) {
	c := x.dial()
	if c == nil {
		return
	}
	defer c.Close()
	c.drip = time.Duration(1+round%9) * time.Millisecond
	for range 3 {
		j := x.mixed()
		if round%2 == 1 {
			j = x.upload(40<<10, 3<<10)
		}
		if !c.ask(j) {
			return
		}
	}
}

// upgraded takes the connection over and talks in lines.
func (x *rotation) upgraded(int) {
	c := x.dial()
	if c == nil {
		return
	}
	defer c.Close()
	j := x.get("/hijack/")
	j.status, j.fields = 101, "Connection: Upgrade\r\nUpgrade: soak\r\n"
	j.check = func(res *http.Response) error { return nil }
	if !c.ask(j) {
		return
	}
	for i := range 5 {
		line := strconv.FormatUint(j.n, 10) + " line " + strconv.Itoa(i) + "\n"
		_, _ = io.WriteString(c, line)
		got, err := c.in.ReadString('\n')
		if got != line && !x.cutting.Load() {
			x.fail("hijacked", "%q in place of %q: %v (%v)", got, line, err, c)
			return
		}
	}
}

// echoed sends and takes a body at the same time.
func (x *rotation) echoed(round int) {
	c := x.dial()
	if c == nil {
		return
	}
	defer c.Close()
	j := x.echo(200 << 10)
	j.chunk = int64(round%2) * 5000
	x.ledger.send(j.n)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		out := bufio.NewWriter(c)
		if j.write(out) == nil {
			_ = out.Flush()
		}
	}()
	_, err := c.read(j)
	if err == nil {
		x.settle(j)
	}
	_ = c.Close()
	<-gone
	if err != nil {
		c.turnedAway(j, err)
		c.lose([]*job{j})
	}
}
