package runtimetest

import (
	"runtime"
	"sync"

	"github.com/tako-go/tako"
)

func scaleCases() []testCase {
	return []testCase{
		{id: "CN-09/idle-memory", serial: true, run: idleMemory, faults: []fault{around("memory-kept", keeping)}},
		{id: "CN-09/churn", serial: true, run: churn, faults: []fault{around("goroutine-kept", stranding), around("connection-leaked", leakAny)}},
	}
}

// keeping holds on to memory for each request.
func keeping(next tako.Handler) tako.Handler {
	var mu sync.Mutex
	var kept [][]byte
	return func(c *tako.Context) error {
		block := make([]byte, 256<<10)
		mu.Lock()
		kept = append(kept, block)
		mu.Unlock()
		return next(c)
	}
}

// stranding leaves a goroutine behind for each request.
func stranding(next tako.Handler) tako.Handler {
	stuck := make(chan struct{})
	var free sync.Once
	return func(c *tako.Context) error {
		if c.Path() == "/free" {
			free.Do(func() { close(stuck) })
			return next(c)
		}
		go func() { <-stuck }()
		return next(c)
	}
}

func leakAny(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		if c.Path() == "/free" {
			return next(c)
		}
		_, _, err := c.Hijack()
		return err
	}
}

// idleBound is what an idle connection may cost in bytes, both of its ends taken
// together, with room for what the runtime of the language keeps. The client's end
// is not small: it has goroutines of its own over TLS and HTTP/2.
func (x *T) idleBound() int64 {
	bound := int64(64 << 10)
	if x.secure() {
		bound += 64 << 10
	}
	if x.streams() {
		bound += 48 << 10
	}
	if x.target.Protocol == HTTP3 {
		bound += 128 << 10
	}
	return bound
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// idleMemory parks connections that have made one request each.
func idleMemory(x *T) {
	n := 500
	if x.fault != nil {
		n = 100
	}
	s := x.serve(tako.Limits{}, hello)
	s.get("/hello", 200)
	before := heap()
	all := make([]*client, n)
	for i := range all {
		all[i] = s.dial()
		all[i].get("/hello")
	}
	if each := (heap() - before) / int64(n); each > x.idleBound() {
		x.Errorf("an idle connection takes %d bytes, the bound is %d", each, x.idleBound())
	}
	for _, c := range all {
		_ = c.Close()
	}
	if open := x.target.OpenConns; open != nil {
		x.until("no connection is open", func() bool { return open(s.raw) == 0 })
	}
}

func hello(app *tako.Router) {
	app.Get("/hello", say("hello"))
	app.Get("/free", say("free"))
}

// churn opens and closes connections in all the ways there are.
func churn(x *T) {
	n := 300
	if x.fault != nil {
		n = 30
	}
	s := x.serve(tako.Limits{}, hello)
	defer func() { s.get("/free", 200) }()
	s.frayed = x.fault != nil
	s.get(alivePath, 200)
	before := runtime.NumGoroutine()
	for i := range n {
		c := s.dial()
		switch i % 3 {
		case 0:
			c.send(request("GET", "/hello", "", "Connection: close"))
			c.expect(200)
		case 1:
			c.get("/hello")
		default:
			c.send("GET /hel")
		}
		_ = c.Close()
	}
	if open := x.target.OpenConns; open != nil {
		x.until("no connection is open", func() bool { return open(s.raw) == 0 })
	}
	if x.fault == nil || x.planted("goroutine-kept") {
		x.until("the goroutines are gone", func() bool { return runtime.NumGoroutine() <= before+2 })
	}
}
