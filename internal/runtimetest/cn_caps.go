package runtimetest

import (
	"net"
	"sync/atomic"

	"github.com/tako-go/tako"
)

func capCases() []testCase {
	return []testCase{
		{id: "CN-02/total", run: totalCap, faults: []fault{unlimited}},
		{id: "CN-02/slots-return", run: slotsReturn, faults: []fault{around("connection-leaked", leakConn), mute}},
		{id: "CN-03/one-address", run: addressCap, faults: []fault{limited("no-cap", func(l *tako.Limits) { l.ConnsPerAddr = tako.NoLimit })}},
		{id: "CN-03/default", run: defaultCap, faults: []fault{limited("no-cap", func(l *tako.Limits) { l.ConnsPerAddr = tako.NoLimit })}},
	}
}

// leakConn takes connections over and forgets them.
func leakConn(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		if c.Path() != "/panic" {
			return next(c)
		}
		_, _, err := c.Hijack()
		return err
	}
}

// totalCap holds more clients than the cap against it.
func totalCap(x *T) {
	const limit, clients = 4, 12
	var live, most atomic.Int64
	entered := make(chan struct{}, clients)
	release := make(chan struct{})
	s := x.serve(tako.Limits{Conns: limit, ConnsPerAddr: tako.NoLimit}, func(app *tako.Router) {
		app.Get("/work", func(c *tako.Context) error {
			n := live.Add(1)
			defer live.Add(-1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			entered <- struct{}{}
			select {
			case <-release:
			case <-c.Context().Done():
			}
			return c.Text(200, "done")
		})
	})
	all := make([]*client, clients)
	for i := range all {
		all[i] = s.dial()
		all[i].send("GET /work HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
	}
	for range limit {
		waitFor(x, "the clients below the cap", entered)
	}
	// Nothing tells that nobody else comes in; a client that must wait is asked.
	all[clients-1].quiet(100e6)
	if x.target.OpenConns != nil && x.target.OpenConns(s.raw) > limit {
		x.Errorf("%d connections open, the cap is %d", x.target.OpenConns(s.raw), limit)
	}
	close(release)
	for _, c := range all {
		c.expect(200)
		c.closed()
	}
	if most.Load() > limit {
		x.Errorf("%d connections were served at the same time, the cap is %d", most.Load(), limit)
	}
}

// slotsReturn wears the slots out: every way to end a connection gives back one
// slot, once.
func slotsReturn(x *T) {
	const limit = 3
	var live, most atomic.Int64
	gate := make(chan struct{}, 16)
	s := x.serve(tako.Limits{Conns: limit, ConnsPerAddr: tako.NoLimit}, func(app *tako.Router) {
		app.Get("/panic", func(*tako.Context) error { panic("slots") })
		app.Get("/abort", func(c *tako.Context) error {
			_, _ = c.WriteString("half")
			_ = c.Flush()
			panic("slots")
		})
		app.Get("/hold", func(c *tako.Context) error {
			most.Store(max(most.Load(), live.Add(1)))
			defer live.Add(-1)
			<-gate
			return c.Text(200, "held")
		})
	})
	for range 3 {
		for range limit {
			s.get("/panic", 500, "Connection: close")
			bad := s.dial()
			bad.send("GET /abort HTTP/1.1\r\nHost: a.example\r\n\r\n")
			if _, err := bad.tryRead("GET"); err == nil {
				x.Fatal("a response that panicked looks complete")
			}
			_ = bad.Close()
			_ = s.dial().Close()
			if x.streams() {
				continue
			}
			broken := s.dial()
			broken.send("no request\r\n\r\n")
			broken.expect(400)
			broken.closed()
		}
	}
	var all []*client
	for range 2 * limit {
		c := s.dial()
		c.send("GET /hold HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
		all = append(all, c)
	}
	x.until("the slots are in use again", func() bool { return live.Load() == limit })
	for range all {
		gate <- struct{}{}
	}
	for _, c := range all {
		c.expect(200)
	}
	if most.Load() > limit {
		x.Errorf("%d connections at the same time, the cap is %d", most.Load(), limit)
	}
}

// addressCap lets one address try to take all slots.
func addressCap(x *T) {
	s := x.serve(tako.Limits{Conns: 6, ConnsPerAddr: 3}, nil)
	fillAndAsk(x, s, 6, 3)
}

func defaultCap(x *T) {
	s := x.serve(tako.Limits{Conns: 8}, nil)
	fillAndAsk(x, s, 8, 6)
}

// fillAndAsk opens n connections from one address, of which it gets perAddr, and
// demands that another address is served.
func fillAndAsk(x *T, s *server, n, perAddr int) {
	var held, refused int
	for range n {
		c := s.dial()
		c.send("GET " + alivePath + " HTTP/1.1\r\nHost: a.example\r\n\r\n")
		if r, err := c.tryRead("GET"); err == nil && r.status == 200 {
			held++
		} else {
			refused++
		}
	}
	if held != perAddr || refused != n-perAddr {
		x.Errorf("one address holds %d connections and %d were refused, want %d and %d", held, refused, perAddr, n-perAddr)
	}
	if !eventually(x.patience, func() bool { return s.logs.count("refused", x.peerIP()) > 0 }) {
		x.Errorf("the refusal is not in the log: %s", s.logs)
	}
	s.dialFrom(net.IPv4(127, 0, 0, 2)).get(alivePath)
}
