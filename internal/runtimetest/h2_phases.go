package runtimetest

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"time"

	"golang.org/x/net/http2"

	"github.com/tako-go/tako"
)

// slowClients are limits that shall strike, in each phase of a connection.
func slowClients() setup {
	return setup{limits: tako.Limits{HeaderTimeout: short},
		http2: tako.HTTP2Config{SettingsTimeout: short}}
}

func phaseCases() []testCase {
	unlimitedSettings := http2Fault("settings-unlimited", func(h *tako.HTTP2Config) { h.SettingsTimeout = tako.NoLimit })
	patient := fault{name: "limits-off", limits: unlimited.limits, http2: unlimitedSettings.http2}
	strikes := []fault{patient, hidden}
	idle := func(d time.Duration) fault {
		return limited("idle-changed", func(l *tako.Limits) { l.IdleTimeout = d })
	}
	return []testCase{
		{id: "H2-14/silent", timed: true, run: phase("", nil), faults: strikes},
		{id: "H2-14/half-preface", timed: true, run: phase("PRI * HTTP/2.0\r\n", nil), faults: strikes},
		{id: "H2-14/preface-alone", timed: true, run: phase(http2.ClientPreface, nil), faults: strikes},
		{id: "H2-14/half-settings", timed: true, run: phase(http2.ClientPreface+"\x00\x00\x06\x04\x00", nil), faults: strikes},
		{id: "H2-14/dripped-preface", timed: true, run: phase("", dripped(http2.ClientPreface)), faults: strikes},
		{id: "H2-14/wrong-preface", run: wrongPreface("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"), faults: []fault{hidden}},
		{id: "H2-14/not-settings", run: wrongPreface(http2.ClientPreface + "\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678"), faults: []fault{hidden}},
		{id: "H2-14/other-protocol", over: []Protocol{HTTP2}, run: wrongPreface("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"), faults: []fault{hidden}},
		{id: "H2-14/settings-not-acknowledged", timed: true, run: neverAcks, faults: []fault{unlimitedSettings, hidden, recoded}},
		{id: "H2-14/half-head", timed: true, run: stalledBlock, faults: strikes},
		{id: "H2-14/half-frame", timed: true, run: stalledFrame, faults: strikes},
		{id: "H2-14/dripped-head", timed: true, run: drippedBlock, faults: strikes},
		{id: "H2-14/ping-not-answered", timed: true, run: pingNotAnswered, faults: []fault{http2Fault("no-ping", func(h *tako.HTTP2Config) { h.PingInterval = 0 }), hidden}},
		{id: "H2-14/ping-answered", run: pingAnswered, faults: []fault{http2Fault("no-ping", func(h *tako.HTTP2Config) { h.PingInterval = 0 }), lost("ping-lost", http2.FramePing)}},
		{id: "CN-05/goaway", timed: true, over: []Protocol{HTTP2, H2C}, run: idleGoAway, faults: []fault{idle(time.Minute), hidden, recoded}},
		{id: "CN-05/not-idle", timed: true, over: []Protocol{HTTP2, H2C}, run: busyNotIdle, faults: []fault{unanswered}},
	}
}

// phase begins a connection, goes no further, and demands its end.
func phase(begin string, then func(c *frameClient, stop <-chan struct{})) func(x *T) {
	return func(x *T) {
		s := x.serveWith(slowClients(), nil)
		s.frayed = true
		began := time.Now()
		c := s.h2With(frameOptions{silent: true, noAck: true})
		c.raw([]byte(begin))
		stop := make(chan struct{})
		defer close(stop)
		if then != nil {
			go then(c, stop)
		}
		c.ends()
		if took := time.Since(began); took > x.bound()+time.Second {
			x.Errorf("closed only after %v", took)
		}
	}
}

// dripped sends text byte by byte, each soon enough behind the last.
func dripped(text string) func(c *frameClient, stop <-chan struct{}) {
	return func(c *frameClient, stop <-chan struct{}) {
		tick := time.NewTicker(short / 5)
		defer tick.Stop()
		for i := range len(text) {
			select {
			case <-tick.C:
				c.raw([]byte(text[i : i+1]))
			case <-stop:
				return
			}
		}
	}
}

// wrongPreface is refused in whatever way, and reaches no handler.
func wrongPreface(text string) func(x *T) {
	return func(x *T) {
		var seen echoes
		s := x.serveWith(slowClients(), seen.routes)
		s.frayed = true
		c := s.h2With(frameOptions{silent: true})
		c.raw([]byte(text))
		c.ends()
		if seen.others.Load() > 0 {
			x.Error("a handler has seen a request")
		}
	}
}

func neverAcks(x *T) {
	s := x.serveWith(slowClients(), nil)
	s.frayed = true
	c := s.h2With(frameOptions{noAck: true})
	c.ask(alivePath)
	c.dies(http2.ErrCodeSettingsTimeout)
}

// stalledBlock begins a head that does not go on.
func stalledBlock(x *T) {
	s := x.serveWith(slowClients(), nil)
	s.frayed = true
	c := s.h2()
	c.ask(alivePath)
	c.write(func(fr *http2.Framer) {
		_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 11, EndStream: true, BlockFragment: []byte("\x82")})
	})
	c.endsSoon()
}

func (c *frameClient) endsSoon() {
	c.x.Helper()
	began := time.Now()
	c.ends()
	if took := time.Since(began); took > c.x.bound()+time.Second {
		c.x.Errorf("closed only after %v", took)
	}
}

func stalledFrame(x *T) {
	s := x.serveWith(slowClients(), nil)
	s.frayed = true
	c := s.h2()
	c.ask(alivePath)
	c.raw([]byte("\x00\x00\x05\x01\x05\x00\x00\x00\x0b\x82"))
	c.endsSoon()
}

// drippedBlock has every byte of a head come soon behind the last.
func drippedBlock(x *T) {
	s := x.serveWith(slowClients(), nil)
	s.frayed = true
	c := s.h2()
	c.ask(alivePath)
	stop := make(chan struct{})
	defer close(stop)
	c.raw([]byte("\x00\x10\x00\x01\x05\x00\x00\x00\x0b"))
	go dripped(strings.Repeat("\x82", 4096))(c, stop)
	c.endsSoon()
}

// pinged has a server that asks clients with open streams whether they are there, and
// waits for their answer.
func pinged(x *T, slow *gated, wait time.Duration) *server {
	return x.serveWith(setup{http2: tako.HTTP2Config{PingInterval: short, PingTimeout: wait}}, func(app *tako.Router) { app.Get("/slow", slow.serve) })
}

func pingNotAnswered(x *T) {
	slow := newGated(x)
	s := pinged(x, slow, short)
	s.frayed = true
	c := s.h2With(frameOptions{noPong: true})
	c.ready()
	c.open(true, c.get("/slow"))
	waitFor(x, "the handler", slow.entered)
	c.endsSoon()
	close(slow.release)
}

func pingAnswered(x *T) {
	slow := newGated(x)
	s := pinged(x, slow, x.patience)
	c := s.h2()
	c.ready()
	id := c.open(true, c.get("/slow"))
	waitFor(x, "the handler", slow.entered)
	if !c.await(x.patience, func() bool { return c.pings >= 3 }) {
		x.Fatal("the server does not ask whether the client is there")
	}
	close(slow.release)
	c.expect(id, 200)
}

// idleGoAway demands that an idle connection ends in good order.
func idleGoAway(x *T) {
	s := x.serve(tako.Limits{IdleTimeout: short}, nil)
	c := s.h2()
	c.ask(alivePath)
	c.endsSoon()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.orderly() {
		x.Errorf("an idle connection ended with %v, %v, want GOAWAY with NO_ERROR", c.err, c.goAways)
	}
}

// busyNotIdle has a stream that takes longer than a connection may be idle.
func busyNotIdle(x *T) {
	s := x.serve(tako.Limits{IdleTimeout: short}, func(app *tako.Router) {
		app.Get("/slow", func(c *tako.Context) error {
			pause(c, 3*short)
			return c.Text(200, "slow")
		})
	})
	c := s.h2()
	if got := c.ask("/slow").body; got != "slow" {
		x.Errorf("got %q", got)
	}
}

// sharedPortCases are on HTTP/2 without TLS beside HTTP/1.1 on one port.
func sharedPortCases() []testCase {
	h2c, both := []Protocol{H2C}, []Protocol{H2C, HTTP2}
	off := []fault{noHTTP2, unanswered}
	on := http2Fault("on", func(h *tako.HTTP2Config) { h.Off, h.NoCleartext = false, false })
	return []testCase{
		{id: "H2-16/prior-knowledge", over: both, run: priorKnowledge, faults: []fault{unanswered}},
		{id: "H2-16/single-bytes", over: h2c, run: singleBytes, faults: off},
		{id: "H2-16/preface-with-request", over: both, run: oneSegment, faults: []fault{unanswered}},
		{id: "H2-16/upgrade-ignored", over: h2c, run: upgradeIgnored, faults: []fault{around("hijacked", switching)}},
		{id: "H2-16/same-port", over: h2c, run: samePort, faults: off},
		{id: "H2-16/looks-alike", over: h2c, run: looksAlike, faults: []fault{around("refused", refusing)}},
		{id: "H2-16/not-in-clear-text", over: h2c, run: notEnabled(tako.HTTP2Config{NoCleartext: true}), faults: []fault{on}},
		{id: "H2-16/off", over: h2c, run: notEnabled(tako.HTTP2Config{Off: true}), faults: []fault{on}},
	}
}

func refusing(tako.Handler) tako.Handler {
	return func(*tako.Context) error { return tako.BadRequest("refused") }
}

// switching takes every request for one that asks for HTTP/2.
func switching(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		c.BeforeHead(func(h *tako.Head) { h.Status = 400 })
		return next(c)
	}
}

func priorKnowledge(x *T) {
	s := x.serve(tako.Limits{}, hello)
	c := s.h2()
	for range 3 {
		if got := c.ask("/hello").body; got != "hello" {
			x.Errorf("got %q", got)
		}
	}
}

// singleBytes has the server look at a preface that is not whole.
func singleBytes(x *T) {
	s := x.serve(tako.Limits{}, hello)
	c := s.h2With(frameOptions{silent: true})
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	// The last byte has SETTINGS behind it, as the client would acknowledge those of
	// the server before its own.
	const last = len(http2.ClientPreface) - 1
	for i := range last {
		c.raw([]byte(http2.ClientPreface[i : i+1]))
		<-tick.C // so that the server gets them one by one
	}
	c.raw([]byte(http2.ClientPreface[last:] + "\x00\x00\x00\x04\x00\x00\x00\x00\x00"))
	c.ready()
	if got := c.ask("/hello").body; got != "hello" {
		x.Errorf("got %q", got)
	}
}

// oneSegment sends preface, SETTINGS and a request without waiting for anything.
func oneSegment(x *T) {
	s := x.serve(tako.Limits{}, hello)
	c := s.h2With(frameOptions{silent: true, noAck: true}) // it might acknowledge before its preface
	id := c.reserve(c.get("/hello")).id
	block := c.encode(c.get("/hello"))
	var all strings.Builder
	all.WriteString(http2.ClientPreface)
	fr := http2.NewFramer(&all, nil)
	_ = fr.WriteSettings()
	writeBlock(fr, id, true, block)
	c.raw([]byte(all.String()))
	if got := c.expect(id, 200).body; got != "hello" {
		x.Errorf("got %q", got)
	}
}

// plainText is a client of HTTP/1.1 on the same port.
func (s *server) plainText() *client {
	c := newClient(s.x, s.dialRaw(nil))
	return c
}

func upgradeIgnored(x *T) {
	var seen echoes
	c := x.serve(tako.Limits{}, seen.routes).plainText()
	c.send(request("GET", "/x", "", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"))
	if r := c.expect(200); r.line("protocol") != "HTTP/1.1" {
		x.Errorf("the protocol is %q", r.line("protocol"))
	}
	c.get("/next")
}

func samePort(x *T) {
	var seen echoes
	s := x.serve(tako.Limits{}, seen.routes)
	for range 3 {
		if got := s.plainText().get("/x").line("protocol"); got != "HTTP/1.1" {
			x.Errorf("the protocol is %q", got)
		}
		if got := s.h2().ask("/x").line("protocol"); got != "HTTP/2" {
			x.Errorf("the protocol is %q", got)
		}
	}
}

// looksAlike begins like the preface and is HTTP/1.1.
func looksAlike(x *T) {
	var seen echoes
	s := x.serve(tako.Limits{}, seen.routes)
	for _, method := range []string{"P", "PR", "PRI", "PRINT", "POST", "PROPFIND"} {
		c := s.plainText()
		for _, b := range []byte(method + " /x HTTP/1.1\r\nHost: a.example\r\n\r\n") {
			c.send(string(b))
		}
		r := c.read("GET")
		if r.status != 200 && r.status != 405 && r.status != 501 || method == "POST" && r.line("method") != "POST" {
			x.Errorf("%s: got status %d, method %q", method, r.status, r.line("method"))
		}
	}
}

// notEnabled demands an answer in HTTP/1.1, or the end.
func notEnabled(config tako.HTTP2Config) func(x *T) {
	return func(x *T) {
		var seen echoes
		s := x.serveWith(setup{http2: config}, seen.routes)
		s.frayed, s.unasked = true, true
		conn := s.dialRaw(nil)
		_ = conn.SetDeadline(time.Now().Add(x.patience))
		var all strings.Builder
		all.WriteString(http2.ClientPreface)
		_ = http2.NewFramer(&all, nil).WriteSettings()
		_, _ = io.WriteString(conn, all.String())
		got, err := io.ReadAll(conn)
		if len(got) > 0 && !strings.HasPrefix(string(got), "HTTP/1.") {
			x.Errorf("got %q and %v, want a refusal in HTTP/1.1", got, err)
		}
		if e, ok := err.(net.Error); ok && e.Timeout() {
			x.Error("the server keeps the connection open")
		}
		if got := s.plainText().get("/x").line("protocol"); got != "HTTP/1.1" {
			x.Errorf("the protocol is %q", got)
		}
	}
}

// overTLS is the connection of a client with this configuration.
func overTLS(x *T, conn net.Conn, config *tls.Config) (*tls.Conn, error) {
	secure := tls.Client(conn, config)
	_ = conn.SetDeadline(time.Now().Add(x.patience))
	err := secure.Handshake()
	_ = conn.SetDeadline(time.Time{})
	return secure, err
}
