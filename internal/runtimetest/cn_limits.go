package runtimetest

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/tako-go/tako"
)

// A knob is one field of tako.Limits.
type knob struct {
	name string
	set  func(l *tako.Limits, v int)
}

var knobs = []knob{
	{"HeaderTimeout", func(l *tako.Limits, v int) { l.HeaderTimeout = time.Duration(v) }},
	{"HandshakeTimeout", func(l *tako.Limits, v int) { l.HandshakeTimeout = time.Duration(v) }},
	{"BodyTimeout", func(l *tako.Limits, v int) { l.BodyTimeout = time.Duration(v) }},
	{"MinBodyRate", func(l *tako.Limits, v int) { l.MinBodyRate = v }},
	{"IdleTimeout", func(l *tako.Limits, v int) { l.IdleTimeout = time.Duration(v) }},
	{"WriteTimeout", func(l *tako.Limits, v int) { l.WriteTimeout = time.Duration(v) }},
	{"HeaderBytes", func(l *tako.Limits, v int) { l.HeaderBytes = v }},
	{"HeaderFields", func(l *tako.Limits, v int) { l.HeaderFields = v }},
	{"TargetBytes", func(l *tako.Limits, v int) { l.TargetBytes = v }},
	{"Conns", func(l *tako.Limits, v int) { l.Conns = v }},
	{"ConnsPerAddr", func(l *tako.Limits, v int) { l.ConnsPerAddr = v }},
}

// limitCases go over the knobs. That working values strike is shown by the cases
// on timeouts, sizes and caps; what is left are the edges.
func limitCases() []testCase {
	all := []testCase{
		{id: "CN-10/defaults", run: defaultsHold, faults: []fault{
			limited("tiny-head", func(l *tako.Limits) { l.HeaderBytes = 1000 }),
			limited("few-fields", func(l *tako.Limits) { l.HeaderFields = 10 })}},
		{id: "CN-10/HeaderBytes/no-limit", run: without(request("GET", "/hello", "", "X-Long: "+strings.Repeat("a", 200<<10))),
			faults: []fault{limited("default", func(l *tako.Limits) { l.HeaderBytes = 0 })}},
		{id: "CN-10/HeaderFields/no-limit", run: without(request("GET", "/hello", "", slicesOf("X-Many: 1", 500)...)),
			faults: []fault{limited("default", func(l *tako.Limits) { l.HeaderFields = 0 })}},
		{id: "CN-10/TargetBytes/no-limit", run: without(request("GET", "/hello?q="+strings.Repeat("a", 30<<10), "")),
			faults: []fault{limited("default", func(l *tako.Limits) { l.TargetBytes = 0 })}},
		{id: "CN-10/timeouts/no-limit", run: noTimeouts, faults: []fault{
			limited("timeouts", func(l *tako.Limits) { l.HeaderTimeout, l.IdleTimeout = short/2, short/2 })}},
		{id: "CN-10/huge", run: hugeLimits, faults: []fault{serverFault("refused", func(s tako.Server) tako.Server { return refusedListen{s} })}},
	}
	for _, k := range knobs {
		all = append(all, testCase{id: "CN-10/" + k.name + "/negative", run: negative(k),
			faults: []fault{serverFault("error-swallowed", swallowListen),
				limited("mended", func(l *tako.Limits) { k.set(l, 0) })}})
	}
	return all
}

// http2Knobs are the fields of tako.HTTP2Config with values that are out of range.
var http2Knobs = []struct {
	name string
	set  func(h *tako.HTTP2Config)
}{
	{"Streams", func(h *tako.HTTP2Config) { h.Streams = -1 }},
	{"Window", func(h *tako.HTTP2Config) { h.Window = 1 << 30 }},
	{"MaxWindow", func(h *tako.HTTP2Config) { h.Window, h.MaxWindow = 2<<20, 1<<20 }},
	{"SendBuffer", func(h *tako.HTTP2Config) { h.SendBuffer = -1 }},
	{"HeaderTable", func(h *tako.HTTP2Config) { h.HeaderTable = 1 << 20 }},
	{"Resets", func(h *tako.HTTP2Config) { h.Resets = -1 }},
	{"Controls", func(h *tako.HTTP2Config) { h.Controls = -1 }},
	{"SettingsTimeout", func(h *tako.HTTP2Config) { h.SettingsTimeout = -2 }},
	{"PingInterval", func(h *tako.HTTP2Config) { h.PingInterval = -1 }},
	{"PingTimeout", func(h *tako.HTTP2Config) { h.PingTimeout = -2 }},
}

// http2LimitCases have the edges of the knobs of HTTP/2.
func http2LimitCases() (all []testCase) {
	swallowed := serverFault("error-swallowed", swallowListen)
	for _, k := range http2Knobs {
		all = append(all, testCase{id: "CN-10/HTTP2-" + k.name, over: []Protocol{H2C}, faults: []fault{swallowed}, run: func(x *T) {
			var config tako.HTTP2Config
			k.set(&config)
			s := x.prepare(setup{http2: config}, nil)
			if err := s.Listen(context.Background()); err == nil || !strings.Contains(err.Error(), k.name) {
				x.Errorf("Listen returned %v, want an error that names %s", err, k.name)
			}
		}})
	}
	return append(all,
		testCase{id: "CN-10/HTTP2-smallest", over: []Protocol{H2C, HTTP2}, run: smallestHTTP2, faults: []fault{unanswered}},
		testCase{id: "CN-10/HTTP2-largest", over: []Protocol{H2C, HTTP2}, run: largestHTTP2, faults: []fault{unanswered}})
}

// smallestHTTP2 goes on with next to nothing. A body that takes a round trip for each
// byte has no rate to speak of.
func smallestHTTP2(x *T) {
	s := x.serveWith(setup{limits: tako.Limits{MinBodyRate: tako.NoLimit}, http2: tako.HTTP2Config{Streams: 1, Window: 1, MaxWindow: 1, SendBuffer: 1, HeaderTable: 1}}, uploads(x, nil))
	c := s.h2()
	c.ready()
	for range 3 {
		c.ask(alivePath)
	}
	c.sum(200)
}

func largestHTTP2(x *T) {
	s := x.serveWith(setup{http2: tako.HTTP2Config{Streams: 1 << 16, Window: 16 << 20, MaxWindow: 16 << 20, SendBuffer: 16 << 20, HeaderTable: 64 << 10,
		Resets: 1 << 30, Controls: 1 << 30, SettingsTimeout: tako.NoLimit, PingTimeout: tako.NoLimit, PingInterval: 1 << 62}}, uploads(x, nil))
	c := s.h2()
	c.ready()
	c.ask(alivePath)
	c.sum(4 << 20)
}

type refusedListen struct{ tako.Server }

func (refusedListen) Listen(context.Context) error { return context.Canceled }

func negative(k knob) func(x *T) {
	return func(x *T) {
		for _, v := range []int{-2, -1 << 31} {
			var limits tako.Limits
			k.set(&limits, v)
			s := x.prepare(setup{limits: limits}, nil)
			if err := s.Listen(context.Background()); err == nil || !strings.Contains(err.Error(), k.name) {
				x.Errorf("%s is %d and Listen returned %v, want an error that names it", k.name, v, err)
			}
		}
	}
}

// defaultsHold sends what the documented defaults allow.
func defaultsHold(x *T) {
	s := x.serve(tako.Limits{}, hello)
	s.ask(request("GET", "/hello", "", "X-Long: "+strings.Repeat("a", 50<<10)), 200)
	s.ask(request("GET", "/hello", "", slicesOf("X-Many: 1", 90)...), 200)
	s.ask(request("GET", "/hello?q="+strings.Repeat("a", 8000), ""), 200)
	s.ask(request("GET", "/hello", "", "X-Long: "+strings.Repeat("a", 80<<10)), 431)
	s.ask(request("GET", "/hello", "", slicesOf("X-Many: 1", 110)...), 431)
	s.ask(request("GET", "/hello?q="+strings.Repeat("a", 8200), ""), 414)
}

// without turns the limits on heads off.
func without(raw string) func(x *T) {
	return func(x *T) {
		const off = tako.NoLimit
		s := x.serve(tako.Limits{HeaderBytes: off, HeaderFields: off, TargetBytes: off}, hello)
		s.ask(raw, 200)
	}
}

func noTimeouts(x *T) {
	const off = tako.NoLimit
	s := x.serve(tako.Limits{HeaderTimeout: off, HandshakeTimeout: off, BodyTimeout: off, MinBodyRate: off, IdleTimeout: off, WriteTimeout: off,
		Conns: off, ConnsPerAddr: off}, hello)
	c := s.dial()
	c.send("GET /hello HTTP/1.1\r\n")
	c.quiet(2 * short)
	c.send("Host: a.example\r\n\r\n")
	c.expect(200)
	c.quiet(2 * short)
	c.get("/hello")
}

func hugeLimits(x *T) {
	const huge, most = 1<<63 - 1, math.MaxInt
	s := x.serve(tako.Limits{HeaderTimeout: huge, HandshakeTimeout: huge, BodyTimeout: huge, MinBodyRate: 1 << 30, IdleTimeout: huge, WriteTimeout: huge,
		HeaderBytes: most, HeaderFields: most, TargetBytes: most, Conns: 1 << 30, ConnsPerAddr: most}, hello)
	c := s.dial()
	c.get("/hello")
	c.get("/hello")
}

func slicesOf(s string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = s
	}
	return all
}
