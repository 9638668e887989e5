package runtimetest

import (
	"bufio"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
)

func rollCases() []testCase {
	gap := planted("gap")
	return []testCase{
		{id: "SD-09/new-connections", serial: true, run: func(x *T) { roll(x, false) }, faults: []fault{gap, hasty}},
		{id: "SD-09/keep-alive", serial: true, run: func(x *T) { roll(x, true) }, faults: []fault{gap, replies("last-answer-spoilt", "Connection: close", "Content-Length: 1")}},
	}
}

// roll hands the listening socket from server to server under load. No request
// may fail.
func roll(x *T, keepAlive bool) {
	ln := x.listen()
	spare := dup(x, ln)
	s := x.serveOn(ln)
	load := &load{x: x, to: s.addr(), keepAlive: keepAlive}
	for range 4 {
		load.group.Go(load.run)
	}
	for range 5 {
		load.more(100)
		if x.planted("gap") {
			_ = spare.Close()
			_, _ = s.shutdown(x.patience)
			load.more(10)
			break
		}
		next := x.serveOn(spare)
		spare = dup(x, spare)
		if rep, err := s.shutdown(x.patience); err != nil || rep.Cut > 0 {
			x.Errorf("shutdown under load: %v, %v", rep, err)
		}
		s = next
	}
	load.more(100)
	load.stop.Store(true)
	load.group.Wait()
	if n := load.failed.Load(); n > 0 {
		x.Errorf("%d of %d requests failed, the first with: %s", n, n+load.served.Load(), *load.first.Load())
	}
}

// serveOn starts a server on a listener that is there already.
func (x *T) serveOn(ln *net.TCPListener) *server {
	return x.serveWith(setup{wrap: func(own net.Listener) net.Listener {
		_ = own.Close()
		return ln
	}}, func(app *tako.Router) {
		app.Get("/work", func(c *tako.Context) error {
			pause(c, time.Millisecond)
			return c.Text(200, "done")
		})
	})
}

// dup returns another listener on the same socket.
func dup(x *T, ln *net.TCPListener) *net.TCPListener {
	x.Helper()
	f, err := ln.File()
	if err != nil {
		x.Skipf("this system cannot share a listening socket: %v", err)
	}
	defer f.Close()
	other, err := net.FileListener(f)
	if err != nil {
		x.Fatal(err)
	}
	x.Cleanup(func() { _ = other.Close() })
	return other.(*net.TCPListener)
}

// load asks without a break.
type load struct {
	x         *T
	to        *net.TCPAddr
	keepAlive bool
	stop      atomic.Bool
	served    atomic.Int64
	failed    atomic.Int64
	first     atomic.Pointer[string]
	group     sync.WaitGroup
}

// more waits for as many requests more, served or not.
func (l *load) more(n int64) {
	l.x.Helper()
	from := l.served.Load() + l.failed.Load()
	l.x.until("the load goes on", func() bool { return l.stop.Load() || l.served.Load()+l.failed.Load() >= from+n })
}

func (l *load) run() {
	var c *client
	defer func() {
		if c != nil {
			_ = c.Close()
		}
	}()
	for !l.stop.Load() {
		used := c != nil
		if !used {
			if c = l.connect(); c == nil {
				continue
			}
		}
		r, err := l.ask(c)
		switch {
		case err != nil && used && errors.Is(err, errEnd) && !errors.Is(err, errCut):
			// A server may close an idle connection at any time; every client
			// asks again on a new one then (RFC 9112, section 9.3.1).
		case err != nil:
			l.fail(err.Error())
		case r.status != 200 || r.body != "done":
			l.fail("status " + itoa(r.status))
		default:
			l.served.Add(1)
			if l.keepAlive && !r.closes() {
				continue
			}
		}
		_ = c.Close()
		c = nil
	}
}

func (l *load) ask(c *client) (*response, error) {
	if l.keepAlive {
		c.send(request("GET", "/work", ""))
	} else {
		c.send(request("GET", "/work", "", "Connection: close"))
	}
	return c.tryRead("GET")
}

func (l *load) connect() *client {
	conn, err := net.DialTCP("tcp", nil, l.to)
	if err != nil {
		l.fail(err.Error())
		return nil
	}
	c := &client{Conn: conn, x: l.x}
	if f := l.x.fault; f != nil && f.reply != nil {
		c.Conn = newWire(conn, f)
	}
	c.br = bufio.NewReader(c.Conn)
	return c
}

func (l *load) fail(text string) {
	l.first.CompareAndSwap(nil, &text)
	l.failed.Add(1)
	if l.failed.Load() > 100 {
		l.stop.Store(true)
	}
}
