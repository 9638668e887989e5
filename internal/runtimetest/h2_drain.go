package runtimetest

import (
	"crypto/tls"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"

	"github.com/tako-go/tako"
)

func streamDrainCases() []testCase {
	over := []Protocol{HTTP2, H2C}
	noGoAway := lost("goaway-lost", http2.FrameGoAway)
	return []testCase{
		{id: "SD-02/goaway-twice", over: over, run: drainsStreams, faults: []fault{hasty, late, noGoAway, recoded, silent}},
		{id: "SD-02/later-streams", over: over, run: laterStreams, faults: []fault{hasty, noGoAway, unanswered}},
		{id: "SD-02/idle", over: over, run: drainsIdleStreams, faults: []fault{late, noGoAway, recoded}},
		{id: "SD-02/before-preface", timed: true, over: over, run: stopsIn(stuckAt("")), faults: []fault{late}},
		{id: "SD-02/half-preface", timed: true, over: over, run: stopsIn(stuckAt("PRI * HTT")), faults: []fault{late}},
		{id: "SD-02/half-head", timed: true, over: over, run: stopsIn(stuckAt(http2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\x00\x00\x01\x01\x01\x00\x00\x00\x01\x82")), faults: []fault{late}},
		{id: "SD-02/in-handshake", timed: true, over: []Protocol{HTTP2, HTTP1TLS}, run: stopsIn(inHandshake), faults: []fault{late}},
		{id: "SD-02/late-handshake", over: []Protocol{HTTP2, HTTP1TLS}, run: lateHandshake, faults: []fault{hasty}},
		{id: "SD-05/streams-cut", timed: true, over: over, run: cutsStreams, faults: []fault{noEnd, silent}},
		{id: "SD-06/streams-told", timed: true, over: over, run: streamsTold, faults: []fault{planted("not-told"), late}},
	}
}

// drainsStreams demands both words of farewell, and that what runs is finished.
func drainsStreams(x *T) {
	slow := newGated(x)
	s := x.serve(tako.Limits{}, func(app *tako.Router) { app.Get("/slow", slow.serve) })
	c := s.h2()
	c.ready()
	c.ask(alivePath)
	first, second := c.open(true, c.get("/slow")), c.open(true, c.get("/slow"))
	waitFor(x, "the handlers", slow.entered)
	waitFor(x, "the handlers", slow.entered)
	stop := s.stop(x.drainLimit())
	if !c.await(x.patience, func() bool { return len(c.goAways) > 0 }) {
		x.Fatal("the server says nothing of its end")
	}
	close(slow.release)
	c.expect(first, 200)
	c.expect(second, 200)
	c.ends()
	rep := stop.clean(x.drainLimit() / 2)
	if rep.Drained != 1 || rep.Idle != 0 {
		x.Errorf("the report says %v, want one connection drained", rep)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.goAways)
	if c.goAways[0].last != 1<<31-1 {
		x.Errorf("the first GOAWAY names stream %d, want the highest there can be (RFC 9113, section 6.8)", c.goAways[0].last)
	}
	if last := c.goAways[n-1]; last.last < second || last.last > second+2 {
		x.Errorf("the last GOAWAY names stream %d, the last one that was served is %d", last.last, second)
	}
	if !c.orderly() {
		x.Errorf("the connection ended with %v, %v, want NO_ERROR", c.err, c.goAways)
	}
}

// laterStreams opens streams all through a drain. Those that the last GOAWAY covers
// are answered; the others never reach a handler, so that they can be asked for
// elsewhere.
func laterStreams(x *T) {
	slow := newGated(x)
	var mu sync.Mutex
	handled := map[string]bool{}
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/slow", slow.serve)
		app.Get("/n/{n}", func(c *tako.Context) error {
			mu.Lock()
			handled[c.Param("n")] = true
			mu.Unlock()
			return c.Text(200, "n")
		})
	})
	c := s.h2()
	c.ready()
	running := c.open(true, c.get("/slow"))
	waitFor(x, "the handler", slow.entered)
	stop := s.stop(x.drainLimit())
	numbers := map[uint32]string{}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for n := range 100 {
		<-tick.C
		numbers[c.open(true, c.get("/n/"+itoa(n)))] = itoa(n)
	}
	close(slow.release)
	c.expect(running, 200)
	c.ends()
	stop.clean(x.drainLimit())
	c.mu.Lock()
	if len(c.goAways) == 0 {
		x.Fatal("no GOAWAY")
	}
	last := c.goAways[len(c.goAways)-1].last
	c.mu.Unlock()
	for id, n := range numbers {
		r, err := c.outcome(id)
		mu.Lock()
		reached := handled[n]
		mu.Unlock()
		switch {
		case id <= last && (err != nil || r.status != 200) && !refusedStream(err):
			x.Errorf("stream %d is covered by GOAWAY %d: %v", id, last, err)
		case id > last && reached:
			x.Errorf("stream %d is not covered by GOAWAY %d, but reached a handler", id, last)
		case refusedStream(err) && reached:
			x.Errorf("stream %d was refused, but reached a handler", id)
		}
	}
}

func refusedStream(err error) bool {
	return err != nil && strings.Contains(err.Error(), "REFUSED_STREAM")
}

func drainsIdleStreams(x *T) {
	s := x.serve(tako.Limits{}, nil)
	var all []*frameClient
	for range 5 {
		c := s.h2()
		c.ready()
		c.ask(alivePath)
		all = append(all, c)
	}
	stop := s.stop(x.drainLimit())
	for _, c := range all {
		c.ends()
		c.mu.Lock()
		if !c.orderly() {
			x.Errorf("an idle connection ended with %v, %v, want GOAWAY with NO_ERROR", c.err, c.goAways)
		}
		c.mu.Unlock()
	}
	if rep := stop.clean(x.drainLimit() / 2); rep.Idle+rep.Drained != 5 {
		x.Errorf("the report says %v, want 5 idle ones", rep)
	}
}

// stuckAt has a client that has begun with HTTP/2 and does not go on.
func stuckAt(begin string) trouble {
	return func(x *T) (*server, time.Duration) {
		s := x.serve(tako.Limits{HeaderTimeout: time.Second, HandshakeTimeout: time.Second}, nil)
		s.frayed = true
		c := s.h2With(frameOptions{silent: true})
		c.raw([]byte(begin))
		s.get(alivePath, 200)
		return s, 3 * time.Second
	}
}

// inHandshake has clients that have begun with TLS and do not go on.
func inHandshake(x *T) (*server, time.Duration) {
	s := x.serve(tako.Limits{HandshakeTimeout: time.Second}, nil)
	s.frayed = true
	hello := clientHello(x)
	for _, n := range []int{0, 1, 5, 50, len(hello)} {
		conn := s.dialRaw(nil)
		_, _ = conn.Write(hello[:n])
	}
	s.get(alivePath, 200)
	return s, 3 * time.Second
}

// lateHandshake ends its handshake when the drain has begun. It is told, or its
// connection ends; its request is answered if the server takes it.
func lateHandshake(x *T) {
	slow := newGated(x)
	s := x.serve(tako.Limits{}, func(app *tako.Router) { app.Get("/slow", slow.serve) })
	s.frayed = true
	busy := s.dial()
	busy.send(request("GET", "/slow", ""))
	waitFor(x, "the handler", slow.entered)
	early := s.dialRaw(nil)
	hello, rest := splitHello(early)
	conn := tls.Client(hello, x.clientTLS())
	go func() { _ = conn.Handshake() }()
	waitFor(x, "the first bytes of the handshake", rest.held)
	s.get(alivePath, 200) // the early one was accepted before
	stop := s.stop(x.drainLimit())
	x.until("the drain has begun", func() bool { return !listens(s) })
	close(rest.goOn)
	_ = early.SetDeadline(time.Now().Add(x.patience))
	var err error
	if x.http2() {
		c := newFrameClient(x, conn, frameOptions{})
		if conn.Handshake() == nil {
			c.begin()
			c.ends()
			err = c.err
		}
	} else if err = conn.Handshake(); err == nil {
		_, err = conn.Read(make([]byte, 1))
	}
	if err != nil && strings.Contains(err.Error(), "timeout") {
		x.Error("a connection whose handshake was late is kept")
	}
	close(slow.release)
	if got := busy.expect(200).body; got != "slow" {
		x.Errorf("got %q", got)
	}
	stop.clean(x.drainLimit())
}

// cutsStreams has handlers that listen to nobody when the deadline has passed.
func cutsStreams(x *T) {
	slow := newGated(x)
	s := x.serve(tako.Limits{}, func(app *tako.Router) { app.Get("/slow", slow.serve) })
	c := s.h2()
	c.ready()
	for range 3 {
		c.open(true, c.get("/slow"))
		waitFor(x, "the handler", slow.entered)
	}
	stop := s.stop(2 * short)
	c.ends()
	waitFor(x, "the shutdown", stop.done)
	if stop.took > 2*short+time.Second {
		x.Errorf("the shutdown took %v, its deadline was %v", stop.took, 2*short)
	}
	if stop.rep.Cut != 1 || stop.err == nil {
		x.Errorf("the report says %v, %v, want one connection cut", stop.rep, stop.err)
	}
	close(slow.release)
}

// streamsTold has many streams without end on one connection, which end by themselves.
func streamsTold(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/events", func(c *tako.Context) error {
			_, _ = c.WriteString("hello\n")
			if err := c.Flush(); err != nil {
				return err
			}
			select {
			case <-told(x, c):
			case <-c.Context().Done():
			case <-x.Context().Done():
			}
			_, err := c.WriteString("bye\n")
			return err
		})
	})
	c := s.h2()
	c.ready()
	var ids []uint32
	for range 10 {
		ids = append(ids, c.open(true, c.get("/events")))
	}
	for _, id := range ids {
		if !c.await(x.patience, func() bool { return c.streams[id].size > 0 }) {
			x.Fatal("a stream does not begin")
		}
	}
	stop := s.stop(x.drainLimit())
	for _, id := range ids {
		if got := c.expect(id, 200).body; got != "hello\nbye\n" {
			x.Errorf("got %q", got)
		}
	}
	stop.clean(x.drainLimit() / 2)
}
