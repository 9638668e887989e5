package runtimetest

import (
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
)

// proxyCases have servers behind a balancer that speaks the PROXY protocol. They send
// the headers themselves, in front of every protocol.
func proxyCases() []testCase {
	all := []testCase{
		{id: "PP-01/off", run: unasked, faults: []fault{planted("plain")}},
		{id: "PP-01/required-untrusted", run: untrustedSource(tako.ProxyRequired), faults: []fault{proxied("trusted", trustAll)}},
		{id: "PP-01/optional-untrusted", run: untrustedSource(tako.ProxyOptional), faults: []fault{proxied("trusted", trustAll)}},
		{id: "PP-01/ignore-untrusted", run: untrustedSource(tako.ProxyIgnore), faults: []fault{proxied("trusted", trustAll)}},
		{id: "PP-01/optional", run: optionalHeader, faults: []fault{proxied("ignored", ignoreAll), replies("not-told", "proxy=1 ", "proxy=")}},
		{id: "PP-01/ignore", run: ignoredHeader, faults: []fault{proxied("believed", func(c *tako.ProxyConfig) { c.Mode = tako.ProxyRequired })}},
		{id: "PP-02/none", timed: true, run: noHeader, faults: []fault{proxied("optional", takeAll), deaf}},
		{id: "PP-02/silent", timed: true, run: halfHeader(""), faults: lateHeader},
		{id: "PP-02/half-version-1", timed: true, run: halfHeader("PROXY TCP4 192.0.2.1 198.51"), faults: lateHeader},
		{id: "PP-02/half-signature", timed: true, run: halfHeader(proxySignature[:7]), faults: lateHeader},
		{id: "PP-02/half-version-2", timed: true, run: halfHeader(string(toldBlock.bytes()[:20])), faults: lateHeader},
		{id: "PP-02/dripped", timed: true, run: drippedHeader, faults: lateHeader},
		{id: "PP-02/slots", timed: true, run: headerSlots, faults: []fault{limited("no-cap", func(l *tako.Limits) { l.Conns = tako.NoLimit }), proxied("no-timeout", noHeaderTimeout)}},
		{id: "PP-04/one-segment", run: joinedHeader, faults: []fault{proxied("ignored", ignoreAll), mute}},
		{id: "PP-04/byte-by-byte", run: byteByByte, faults: []fault{proxied("ignored", ignoreAll), mute}},
		{id: "SD-04/proxy-header", timed: true, run: stopsIn(waitingForHeader), faults: []fault{late, deaf}},
	}
	for i := range all {
		all[i].on = []Carrier{TCP}
	}
	return append(all, proxyHeaderCases()...)
}

// What is told where a case does not care.
var (
	toldFour  = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4711}
	toldBlock = proxyBlock{from: toldFour, to: toldServer}
)

// The ways in which a server is too kind, or not kind enough.
func trustAll(c *tako.ProxyConfig)        { c.Trusted = []string{balancer} }
func takeAll(c *tako.ProxyConfig)         { c.Mode = tako.ProxyOptional }
func ignoreAll(c *tako.ProxyConfig)       { c.Mode = tako.ProxyIgnore }
func noHeaderTimeout(c *tako.ProxyConfig) { c.Timeout = time.Hour }

var lateHeader = []fault{proxied("no-timeout", noHeaderTimeout), deaf}

// behind starts a server with a handler that tells where its clients come from.
func (x *T) behind(config tako.ProxyConfig, limits tako.Limits) *server {
	x.Helper()
	if config.Trusted == nil {
		config.Trusted = []string{balancer}
	}
	o := setup{limits: limits, proxy: config}
	if config.Mode == tako.ProxyRequired {
		o.greet = toldBlock.bytes()
	}
	return x.serveWith(o, func(app *tako.Router) { app.Get("/info", tellInfo) })
}

// bare connects without what ordinary clients send first.
func (s *server) bare() net.Conn {
	s.x.Helper()
	conn, err := reach(nil, s.addr())
	if err != nil {
		s.x.Fatal(err)
	}
	s.x.Cleanup(func() { _ = conn.Close() })
	return conn
}

// via is a client whose connection begins with a header.
func (s *server) via(header []byte) *client {
	s.x.Helper()
	conn := s.bare()
	_ = conn.SetWriteDeadline(time.Now().Add(s.x.patience))
	_, _ = conn.Write(header)
	return s.x.clientOver(conn).spoilt()
}

const askInfo = "GET /info HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"

// from asks where a client comes from, and demands an answer.
func (c *client) from(want string) *response {
	c.x.Helper()
	c.send(askInfo)
	r := c.expect(200)
	if got := r.line("ip"); got != want {
		c.x.Errorf("the client's address is %q, want %q", got, want)
	}
	return r
}

// unserved demands that what a client asks does not reach a handler: nothing may be
// answered but 400.
func (c *client) unserved() {
	c.x.Helper()
	c.send(askInfo)
	if r, err := c.tryRead("GET"); err == nil && r.status != 400 {
		c.x.Errorf("got status %d with body %.200q, want a connection that is refused", r.status, r.body)
	}
}

// unasked sends a header to a server that knows none.
func unasked(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) { app.Get("/info", tellInfo) })
	for _, header := range [][]byte{proxyLine(toldFour, toldServer), toldBlock.bytes()} {
		if x.planted("plain") {
			header = nil
		}
		s.via(header).unserved()
	}
}

// untrustedSource has a header from an address that may not send one.
func untrustedSource(mode tako.ProxyMode) func(x *T) {
	return func(x *T) {
		s := x.behind(tako.ProxyConfig{Mode: mode, Trusted: []string{"192.0.2.0/24", "2001:db8::/32"}}, tako.Limits{})
		for _, header := range [][]byte{proxyLine(toldFour, toldServer), toldBlock.bytes()} {
			c := s.via(header)
			if mode != tako.ProxyRequired {
				c.unserved()
				continue
			}
			c.send(askInfo)
			c.closed()
		}
		if mode == tako.ProxyRequired {
			s.unasked = true
			c := s.x.clientOver(s.bare()).spoilt()
			c.send(askInfo)
			c.closed()
			return
		}
		r := s.x.clientOver(s.bare()).spoilt().from(balancer)
		if got := r.line("proxy"); got != "" {
			x.Errorf("the header of a connection without one is %q", got)
		}
	}
}

func optionalHeader(x *T) {
	s := x.behind(tako.ProxyConfig{Mode: tako.ProxyOptional}, tako.Limits{})
	s.via(nil).from(balancer)
	if r := s.via(proxyLine(toldFour, toldServer)).from("192.0.2.1"); r.line("proxy")[:1] != "1" || r.line("remote") != "192.0.2.1:4711" || r.line("local") != toldServer.String() {
		x.Errorf("got %q", r.body)
	}
	s.via(toldBlock.bytes()).from("192.0.2.1")
}

func ignoredHeader(x *T) {
	s := x.behind(tako.ProxyConfig{Mode: tako.ProxyIgnore}, tako.Limits{})
	s.greet = toldBlock.bytes()
	for _, header := range [][]byte{nil, proxyLine(toldFour, toldServer), toldBlock.bytes()} {
		if x.fault != nil && header == nil {
			continue
		}
		s.via(header).from(balancer)
	}
}

// noHeader demands that a connection without a header is closed at once.
func noHeader(x *T) {
	s := x.behind(tako.ProxyConfig{Mode: tako.ProxyRequired, Timeout: time.Minute}, tako.Limits{})
	began := time.Now()
	c := s.via(nil)
	c.send(askInfo)
	c.closed()
	raw := s.via([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	raw.closed()
	s.via([]byte("PROXX ")).closed()
	s.via([]byte("\r\n\r\n\x00\r\nQUIX")).closed()
	if took := time.Since(began); took > x.patience/2 {
		x.Errorf("closed only after %v", took)
	}
}

// halfHeader demands that a header that does not end is given up, without a word.
func halfHeader(begin string) func(x *T) {
	return func(x *T) {
		s := x.behind(tako.ProxyConfig{Mode: tako.ProxyRequired, Timeout: short}, tako.Limits{})
		began := time.Now()
		conn := newClient(x, s.bare()).spoilt()
		conn.send(begin)
		conn.closed()
		if took := time.Since(began); took < short/2 || took > x.bound()+time.Second {
			x.Errorf("closed after %v, the limit is %v", took, short)
		}
	}
}

// drippedHeader must end although every byte comes soon after the last.
func drippedHeader(x *T) {
	s := x.behind(tako.ProxyConfig{Mode: tako.ProxyRequired, Timeout: short, MaxBytes: 65551}, tako.Limits{})
	block := proxyBlock{from: toldFour, to: toldServer, tlvs: []tlv{{0xE5, make([]byte, 65000)}}}.bytes()
	began := time.Now()
	c := newClient(x, s.bare()).spoilt()
	stop := make(chan struct{})
	defer close(stop)
	go c.drip(string(block), short/10, stop)
	c.closed()
	if took := time.Since(began); took > x.bound()+time.Second {
		x.Errorf("closed only after %v", took)
	}
}

// headerSlots has silent clients take all places until their time is over.
func headerSlots(x *T) {
	s := x.behind(tako.ProxyConfig{Mode: tako.ProxyRequired, Timeout: 2 * short}, tako.Limits{Conns: 2, ConnsPerAddr: tako.NoLimit})
	began := time.Now()
	for range 2 {
		c := newClient(x, s.bare())
		defer c.closed()
	}
	s.via(toldBlock.bytes()).from("192.0.2.1")
	if took := time.Since(began); took < short {
		x.Errorf("a third client was served after %v, two had all places for %v", took, 2*short)
	}
}

// joined sends a header together with what is written first.
type joined struct {
	net.Conn
	head []byte
	sent atomic.Bool
}

func (c *joined) Write(p []byte) (int, error) {
	if c.sent.Swap(true) {
		return c.Conn.Write(p)
	}
	n, err := c.Conn.Write(append(c.head, p...))
	return max(n-len(c.head), 0), err
}

func (c *joined) CloseWrite() error { return c.Conn.(halfCloser).CloseWrite() }

func joinedHeader(x *T) {
	s := x.behind(tako.ProxyConfig{Mode: tako.ProxyRequired}, tako.Limits{})
	for _, header := range [][]byte{proxyLine(toldFour, toldServer), toldBlock.bytes()} {
		x.clientOver(&joined{Conn: s.bare(), head: header}).spoilt().from("192.0.2.1")
	}
}

// byteByByte drips a header and the beginning of what follows.
func byteByByte(x *T) {
	s := x.behind(tako.ProxyConfig{Mode: tako.ProxyRequired}, tako.Limits{})
	for _, header := range [][]byte{proxyLine(toldFour, toldServer), toldBlock.bytes()} {
		x.clientOver(&slow{Conn: s.bare(), head: header}).spoilt().from("192.0.2.1")
	}
}

// slow writes a header, and some bytes behind it, one by one.
type slow struct {
	net.Conn
	head []byte
	sent atomic.Bool
}

func (c *slow) Write(p []byte) (int, error) {
	if c.sent.Swap(true) {
		return c.Conn.Write(p)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	first := p[:min(len(p), 8)]
	for _, b := range append(c.head, first...) {
		<-tick.C
		if _, err := c.Conn.Write([]byte{b}); err != nil {
			return 0, err
		}
	}
	n, err := io.WriteString(c.Conn, string(p[len(first):]))
	return n + len(first), err
}

func (c *slow) CloseWrite() error { return c.Conn.(halfCloser).CloseWrite() }

// waitingForHeader has clients that owe their header when the server stops.
func waitingForHeader(x *T) (*server, time.Duration) {
	s := x.behind(tako.ProxyConfig{Mode: tako.ProxyRequired, Timeout: time.Minute}, tako.Limits{})
	for _, begin := range []string{"", "PROXY TCP4 ", string(toldBlock.bytes()[:20])} {
		c := newClient(x, s.bare()).spoilt()
		c.send(begin)
		x.Cleanup(c.closed)
	}
	s.get(alivePath, 200) // they were accepted before
	return s, 3 * time.Second
}
