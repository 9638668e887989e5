package soak

import (
	"context"
	"crypto/tls"
	"log/slog"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
)

// patience bounds whatever one party waits for of another.
const patience = 20 * time.Second

// limits are short, so that stalled clients are met often, and long enough for
// good clients on a busy machine.
func limits() Bounds {
	return Bounds{
		tako.Limits{HeaderTimeout: 3 * time.Second, IdleTimeout: 3 * time.Second, WriteTimeout: 3 * time.Second,
			BodyTimeout: 4 * time.Second, HandshakeTimeout: 3 * time.Second, Conns: 200, ConnsPerAddr: 100},
		tako.HTTP2Config{SettingsTimeout: 3 * time.Second, PingInterval: 2 * time.Second, PingTimeout: 3 * time.Second, Controls: 1000},
	}
}

// rotation is a server and its heirs, and the clients that see one address.
type rotation struct {
	*record
	target  Target
	turn    int
	around  tako.Middleware
	ledger  *ledger
	live    *tako.Live
	addr    *net.TCPAddr
	numbers atomic.Uint64
	serial  atomic.Int64 // of the oldest certificate that new clients may see
	tickets tls.ClientSessionCache
	in, out atomic.Int64 // bytes that clients have got and sent

	drained atomic.Int64  // when the last drain ended; the end of all time during one
	closing atomic.Bool   // the last server drains
	cutting atomic.Bool   // and does not wait
	winding chan struct{} // closed when stalled clients shall leave
	over    chan struct{} // closed when all shall
}

func newRotation(t Target, rec *record, around tako.Middleware, turn int) *rotation {
	return &rotation{record: rec, target: t, turn: turn, around: around, ledger: newLedger(),
		tickets: tls.NewLRUClientSessionCache(8),
		winding: make(chan struct{}), over: make(chan struct{})}
}

// running is a server under load.
type running struct {
	Server
	served chan error
}

// rotate runs servers for about the span, each the heir of the one before. It reports
// whether everybody has left.
func (x *rotation) rotate(span time.Duration) bool {
	x.mu.Lock()
	x.rows++
	x.mu.Unlock()
	x.live = tako.NewLive(x.newApp(0))
	s := x.start(nil)
	if s == nil {
		return true
	}
	x.addr = s.Addr().(*net.TCPAddr)
	var clients sync.WaitGroup
	all := append(x.clients(), x.streamClients()...)
	if span > time.Second { // what waits in the sockets for such a client takes seconds
		all = append(all, x.every(20*time.Millisecond, x.slowReader))
	}
	if span > 5*time.Second { // less is too short for a server to lose its patience
		all = append(all, x.impatient()...)
	}
	for _, client := range all {
		clients.Go(client)
	}
	heirs := 2
	switch { // drains take longer than what is served in between
	case x.around != nil:
		heirs = 0
	case span < time.Second:
		heirs = 1
	}
	share := span / time.Duration(heirs+1)
	for range heirs {
		x.serve(s, share)
		if heir := x.start(s); heir != nil {
			x.stop(s)
			s = heir
		}
	}
	x.serve(s, share)
	x.closing.Store(true)
	close(x.winding)
	x.cutting.Store(x.turn%4 == 3)
	x.stop(s)
	close(x.over)
	return x.dismiss(&clients)
}

// serve waits, and swaps the router and the certificates now and then.
func (x *rotation) serve(s *running, span time.Duration) {
	for until, round := time.Now().Add(span), 0; time.Now().Before(until); round++ {
		if round%2 == 0 && x.secure() {
			x.renew(s)
		}
		time.Sleep(min(span/5, 200*time.Millisecond))
		if err := x.live.Swap(x.newApp(int(x.numbers.Add(1)))); err != nil {
			x.fail("swap", "%v", err)
		}
		x.add("swaps", 1)
	}
}

// start starts a server, on the sockets of old if there is one.
func (x *rotation) start(old *running) *running {
	var ln net.Listener
	if old == nil && x.turn%2 == 1 {
		var err error
		if ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			x.fail("start", "%v", err)
			return nil
		}
	}
	s := &running{Server: x.target.New(x.live, ln, limits(), slog.New(slog.DiscardHandler)), served: make(chan error, 1)}
	if old != nil {
		files, err := old.Sockets()
		if err == nil {
			err = s.Inherit(files)
		}
		if err != nil {
			x.fail("hand-over", "%v", err)
			return nil
		}
		x.add("handed over", 1)
	}
	if err := s.Listen(context.Background()); err != nil {
		x.fail("start", "%v", err)
		return nil
	}
	go func() { s.served <- s.Serve() }()
	return s
}

// stop drains a server.
func (x *rotation) stop(s *running) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if x.cutting.Load() {
		cancel()
	}
	x.drained.Store(math.MaxInt64)
	rep, err := s.Shutdown(ctx)
	x.drained.Store(time.Now().UnixNano())
	if !x.cutting.Load() && (err != nil || rep.Cut != 0) {
		x.fail("drain", "%v, %v\n%s", rep, err, stacks())
	}
	x.add("drained", int64(rep.Drained))
	x.add("cut", int64(rep.Cut))
	select {
	case err := <-s.served:
		if err != nil {
			x.fail("serve", "%v", err)
		}
	case <-time.After(patience):
		x.fail("serve", "has not returned")
	}
	open, handovers := int64(1), int64(0)
	for limit := time.Now().Add(patience); open != 0 && time.Now().Before(limit); time.Sleep(time.Millisecond) {
		open, handovers = x.target.Counts(s.Server)
	}
	if open != 0 {
		x.fail("connections", "%d are counted after the end", open)
	}
	x.add("blocked loops", handovers)
}

// dismiss waits for the clients and closes the books.
func (x *rotation) dismiss(clients *sync.WaitGroup) bool {
	left := make(chan struct{})
	go func() {
		clients.Wait()
		close(left)
	}()
	select {
	case <-left:
	case <-time.After(2 * patience):
		x.fail("hung", "clients have not left\n%s", stacks())
		return false
	}
	x.add("bytes in", x.in.Load())
	x.add("bytes out", x.out.Load())
	for i := range x.ledger.shards {
		s := &x.ledger.shards[i]
		s.Lock()
		for n, state := range s.open {
			if state != lost {
				x.fail("ledger", "request %d was left in state %d", n, state)
			}
		}
		s.Unlock()
	}
	return true
}

// wait lets d pass. It reports false when all shall leave.
func (x *rotation) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-x.over:
		return false
	}
}

// every calls f without end, with a pause of d.
func (x *rotation) every(d time.Duration, f func(round int)) func() {
	return func() {
		for round := 0; x.wait(d); round++ {
			f(round)
		}
	}
}

// clients returns those that load the server.
func (x *rotation) clients() []func() {
	ms := time.Millisecond
	return []func(){
		func() { x.keepAlive(1, mixed) }, func() { x.keepAlive(1, mixed) },
		func() { x.keepAlive(8, mixed) }, func() { x.keepAlive(5, mixed) },
		func() { x.keepAlive(1, bodies) }, func() { x.keepAlive(2, bodies) },
		x.every(3*ms, x.single), x.every(10*ms, x.halfClosed),
		x.every(20*ms, x.slowWriter),
		x.every(10*ms, x.upgraded), x.every(10*ms, x.echoed),
		x.every(5*ms, x.resets), x.every(10*ms, x.malformed), x.every(20*ms, x.refused),
		x.every(500*ms, x.flood),
	}
}

// streamClients returns those of HTTP/2.
func (x *rotation) streamClients() []func() {
	ms := time.Millisecond
	all := []func(){
		func() { x.streaming(1, plain) }, func() { x.streaming(6, plain) }, func() { x.streaming(16, plain) },
		func() { x.streaming(8, stingy) }, func() { x.streaming(4, gaming) }, func() { x.streaming(5, dripping) },
		func() { x.streaming(10, fickle) },
		func() { x.transported(6) },
		x.every(5*ms, x.brief), x.every(5*ms, x.cutStreams), x.every(20*ms, x.calmed), x.every(10*ms, x.garbled), x.every(200*ms, x.crowded),
	}
	if x.secure() {
		all = append(all, x.every(10*ms, x.strayed))
	}
	return all
}

// impatient returns clients that take seconds, and so do drains with them.
func (x *rotation) impatient() (all []func()) {
	for i := range 5 {
		all = append(all,
			x.every(50*time.Millisecond, func(round int) { x.stalled(round + i) }),
			x.every(50*time.Millisecond, func(round int) { x.stalledStreams(round + i*2) }))
	}
	return all
}
