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
	s := x.serve(tako.Limits{HeaderTimeout: off, BodyTimeout: off, MinBodyRate: off, IdleTimeout: off, WriteTimeout: off,
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
	s := x.serve(tako.Limits{HeaderTimeout: huge, BodyTimeout: huge, MinBodyRate: 1 << 30, IdleTimeout: huge, WriteTimeout: huge,
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
