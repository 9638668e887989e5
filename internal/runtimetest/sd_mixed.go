package runtimetest

import (
	"context"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/tako-go/tako"
)

func mixedCases() []testCase {
	return []testCase{
		{id: "SD-01/mixed", run: drainsMixed, faults: []fault{late, hasty, planted("one-unanswered")}},
	}
}

// ledger accounts for requests by their ids.
type ledger struct {
	mu       sync.Mutex
	begun    map[string]int
	answered map[string]bool
}

func newLedger() *ledger {
	return &ledger{begun: map[string]int{}, answered: map[string]bool{}}
}

func (l *ledger) begin(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun[id]++
}

func (l *ledger) answer(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answered[id] = true
}

// check demands that what a handler has begun was answered, and once: what was not
// begun can be asked for elsewhere.
func (l *ledger) check(x *T) {
	x.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, n := range l.begun {
		if n != 1 || !l.answered[id] {
			x.Errorf("request %s was begun %d times, answered: %v", id, n, l.answered[id])
		}
	}
	for id := range l.answered {
		if l.begun[id] == 0 {
			x.Errorf("request %s was answered and never begun", id)
		}
	}
}

const largeBody = 4 << 20

// mixedRoutes has all kinds of work.
func mixedRoutes(x *T, book *ledger, slow *gated, uploads chan<- struct{}) func(app *tako.Router) {
	return func(app *tako.Router) {
		app.Get("/task/{id}", func(c *tako.Context) error {
			book.begin(c.Param("id"))
			pause(c, time.Millisecond)
			return c.Text(200, c.Param("id"))
		})
		app.Get("/slow/{id}", func(c *tako.Context) error {
			book.begin(c.Param("id"))
			return slow.serve(c)
		})
		app.Get("/large/{id}", func(c *tako.Context) error {
			book.begin(c.Param("id"))
			return c.Stream(200, "text/plain", io.LimitReader(endless{}, largeBody))
		})
		app.Post("/upload/{id}", func(c *tako.Context) error {
			book.begin(c.Param("id"))
			uploads <- struct{}{}
			body, err := c.ReadBody()
			if err != nil {
				return err
			}
			return c.Text(200, string(body))
		})
	}
}

// endless is a source of the same letter.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// drainsMixed has clients of all kinds when the stop comes: idle, at work on one
// connection or on new ones, with half a head, half an upload, half a download, and
// with requests that take their time.
func drainsMixed(x *T) {
	book, slow, uploading := newLedger(), newGated(x), make(chan struct{}, 1)
	s := x.serve(tako.Limits{ConnsPerAddr: tako.NoLimit, Conns: 200, MinBodyRate: tako.NoLimit}, mixedRoutes(x, book, slow, uploading))
	idle := make([]*client, 10)
	for i := range idle {
		idle[i] = s.dial()
		idle[i].get(alivePath)
	}
	half := s.dial()
	if !x.streams() {
		half.send("GET /task/half HTTP/1.1\r\nHo")
	}
	up, down := s.dial(), s.dial()
	up.send("POST /upload/up HTTP/1.1\r\nHost: a.example\r\nContent-Length: 12\r\n\r\nfirst ")
	waitFor(x, "the upload", uploading)
	down.send(request("GET", "/large/down", ""))
	_ = down.SetReadDeadline(time.Now().Add(x.patience))
	if _, err := down.br.Peek(1000); err != nil {
		x.Fatalf("the download does not begin: %v", err)
	}
	busy := make([]*client, 3)
	for i := range busy {
		busy[i] = s.dial()
		busy[i].send(request("GET", "/slow/busy-"+itoa(i), ""))
		waitFor(x, "the slow handler", slow.entered)
	}
	streams := func() {}
	if x.http2() {
		streams = s.openStreams(book, slow)
	}
	load := s.mixedLoad(book)
	stop := s.stop(x.drainLimit())
	for _, c := range idle {
		c.closed()
	}
	half.closed()
	up.send("second")
	if r := up.expect(200); r.body == "first second" {
		book.answer("up")
	}
	if r := down.expect(200); r.body == strings.Repeat("x", largeBody) {
		book.answer("down")
	}
	waitFor(x, "the clients to be refused", load)
	close(slow.release)
	for i, c := range busy {
		if r := c.expect(200); r.body == "slow" && !(x.planted("one-unanswered") && i == 1) {
			book.answer("busy-" + itoa(i))
		}
	}
	streams()
	last := time.Now()
	stop.clean(x.drainLimit())
	took := time.Since(last)
	x.Logf("the shutdown ended %v after the last request", took)
	if took > 10*time.Second && x.fault == nil { // all but one of them for a machine that is busy
		x.Errorf("the shutdown ended %v after the last request, want a second at most", took)
	}
	book.check(x)
}

// openStreams opens streams on one connection, and returns what demands their answers.
func (s *server) openStreams(book *ledger, slow *gated) (expect func()) {
	c := s.h2()
	c.ready()
	ids := map[uint32]string{}
	for i := range 3 {
		name := "stream-" + itoa(i)
		ids[c.open(true, c.get("/slow/"+name))] = name
		waitFor(s.x, "the slow handler", slow.entered)
	}
	return func() {
		for id, name := range ids {
			c.expect(id, 200)
			book.answer(name)
		}
	}
}

// mixedLoad asks at a steady rate, on connections that stay and on new ones, until the
// server takes nobody any more. It returns when some requests were answered.
func (s *server) mixedLoad(book *ledger) (ended <-chan struct{}) {
	x := s.x
	over := make(chan struct{})
	warm := make(chan struct{}, 4)
	var group sync.WaitGroup
	for i, keep := range []bool{true, false} {
		group.Go(func() { s.askSteadily(book, "load-"+itoa(i)+"-", keep, warm) })
	}
	go func() {
		group.Wait()
		close(over)
	}()
	for range 2 {
		waitFor(x, "the load to be served", warm)
	}
	return over
}

func (s *server) askSteadily(book *ledger, prefix string, keep bool, warm chan<- struct{}) {
	x := s.x
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	var c *client
	defer func() {
		if c != nil {
			_ = c.Close()
		}
	}()
	for n := range 100_000 {
		select {
		case <-tick.C:
		case <-x.Context().Done():
			return
		}
		if c == nil {
			if c = s.tryDial(n <= 10); c == nil {
				return // nobody listens any more
			}
		}
		id := prefix + itoa(n)
		lines := []string{}
		if !keep {
			lines = append(lines, "Connection: close")
		}
		c.send(request("GET", "/task/"+id, "", lines...))
		r, err := c.tryRead("GET")
		if err == nil && r.status == 200 && r.body == id {
			book.answer(id)
		}
		if n == 10 {
			warm <- struct{}{}
		}
		if !keep || err != nil || r.closes() {
			_ = c.Close()
			c = nil
		}
	}
}

// tryDial is nil if nobody takes the connection.
func (s *server) tryDial(patient bool) *client {
	within := 2 * short
	if patient {
		within = s.x.patience
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	conn, err := s.x.connectWithin(ctx, nil, s.addr())
	if err != nil {
		return nil
	}
	return s.x.clientOn(conn)
}
