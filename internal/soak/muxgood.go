package soak

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// streamed is one of the requests that are made over HTTP/2.
func (x *rotation) streamed() *job {
	n := x.numbers.Load()
	size := int64(1 + n*7919%(200<<10))
	switch n % 17 {
	case 0:
		return x.upload(size, int64(n%2))
	case 1:
		return x.download("/load/", size)
	case 2:
		return x.download("/stream/", size/4+1)
	case 3:
		return x.echo(size)
	case 4:
		j := x.get("/ignore/")
		j.method, j.body, j.early = "POST", newPattern(j.n, size), true
		j.check = j.checkNumber
		return j
	case 5:
		return x.tear()
	case 6:
		return x.left(size)
	case 7:
		return x.lateBody(size)
	case 8:
		return x.hinted()
	case 9:
		return x.trailed()
	case 10:
		j := x.upload(size, int64(n%2))
		j.fields = "Expect: 100-continue\r\n"
		return j
	}
	return x.mixed()
}

// streaming keeps its connection as long as the server does, with several streams at a
// time.
func (x *rotation) streaming(width int, next func(round int) style) {
	for round := 0; x.wait(time.Millisecond); round++ {
		c := x.dialMux(next(round))
		if c == nil {
			x.wait(10 * time.Millisecond)
			continue
		}
		var asked atomic.Int64
		most := int64(1 + rand.IntN(400)) // then the connection has done its work
		var all sync.WaitGroup
		for range width {
			all.Go(func() {
				for c.usable() && asked.Add(1) < most && x.wait(0) {
					j := x.streamed()
					if c.style.flaky && rand.IntN(3) == 0 {
						j.loosen()
					}
					if !c.do(j) {
						return
					}
					if rand.IntN(64) == 0 {
						x.wait(30 * time.Millisecond)
					}
				}
			})
		}
		all.Wait()
		c.leave(finish)
	}
}

// brief makes a connection for a few requests.
func (x *rotation) brief(round int) {
	c := x.dialMux(plain(round))
	if c == nil {
		return
	}
	var all sync.WaitGroup
	for range 1 + round%3 {
		all.Go(func() { c.do(x.mixed()) })
	}
	all.Wait()
	c.leave(reset)
}

// crowded opens more streams at once than the server allows. Each is answered or refused.
// Large responses would wait for each other for longer than the server lets them.
func (x *rotation) crowded(round int) {
	c := x.dialMux(style{room: 256 << 10, crowd: true})
	if c == nil {
		return
	}
	var all sync.WaitGroup
	for range 100 + round%4*100 {
		all.Go(func() { c.do(x.mixed()) })
	}
	all.Wait()
	c.leave(finish)
	x.add("crowds", 1)
}

// transported asks by the client of net/http, which asks again where it may.
func (x *rotation) transported(width int) {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(!x.secure())
	protocols.SetHTTP2(x.secure())
	tr := &http.Transport{Protocols: protocols, IdleConnTimeout: time.Second,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", x.addr.String())
		},
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "soak.example"}}
	defer tr.CloseIdleConnections()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() { // it waits for seconds before it asks again
		<-x.over
		cancel()
	})
	for range width {
		all.Go(func() {
			for x.wait(time.Millisecond) {
				j := x.streamed()
				x.transport(ctx, tr, j)
			}
		})
	}
	all.Wait()
}

// transport asks once.
func (x *rotation) transport(ctx context.Context, tr *http.Transport, j *job) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	req, err := http.NewRequestWithContext(ctx, j.method, map[bool]string{false: "http", true: "https"}[x.secure()]+"://soak.example"+j.target, nil)
	if err != nil {
		x.fail("request", "%v", err)
		return
	}
	for line := range strings.Lines(j.fields) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		req.Header.Set(name, value)
	}
	if j.body != nil {
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(newPattern(j.n, j.body.size)), nil }
		req.Body, _ = req.GetBody()
		if req.ContentLength = j.body.size; j.chunk > 0 {
			req.ContentLength = -1
		}
	}
	x.ledger.send(j.n)
	res, err := tr.RoundTrip(req)
	if err == nil {
		defer res.Body.Close()
		if err = j.judge(res); err == nil {
			x.add("by net/http", 1)
			x.settle(j)
			return
		}
	}
	var wrong *violation
	switch {
	case errors.As(err, &wrong):
		x.fail(wrong.kind, "by net/http, %s %s: %v", j.method, j.target, wrong)
		x.ledger.forget(j.n)
		return
	case errors.Is(err, context.DeadlineExceeded):
		x.fail("hung", "by net/http, %s %s: no answer in %v\n%s", j.method, j.target, patience, stacks())
	case x.closing.Load():
		x.add("turned away at the end", 1)
	case began.UnixNano() < x.drained.Load():
		x.add("failed in a drain by net/http: "+err.Error(), 1)
	default:
		x.fail("dropped", "by net/http, %s %s: %v", j.method, j.target, err)
	}
	if wrong := x.ledger.lose(j.n); wrong != "" && !x.cutting.Load() {
		x.fail("lost", "by net/http, %s %s: %s: %v", j.method, j.target, wrong, err)
	}
}
