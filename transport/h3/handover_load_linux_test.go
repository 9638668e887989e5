package h3_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako/internal/assert"
)

// A traffic is clients that go on asking, each request by its own id.
type traffic struct {
	kinds   []*kind
	stop    chan struct{}
	clients sync.WaitGroup
}

// A kind of clients keeps connections, or makes one for each request.
type kind struct {
	name, method, path string
	body               []byte
	tcp, each          bool
	http2              bool
	conns, streams     int
	pace               time.Duration // between two requests of a client that gets its answers at once

	mu              sync.Mutex
	asked, repeated int            // repeated are those that were refused, or not sent, at first
	given           int            // connections that the client gave up itself
	answered        map[string]int // by id: the process
	by              map[int]int    // by process: the number
	faults          []string
}

// closer is a client.
type closer interface {
	http.RoundTripper
	CloseIdleConnections()
}

// h3Client closes its connections, busy or not: they are idle when it does.
type h3Client struct{ *http3.Transport }

func (c h3Client) CloseIdleConnections() { _ = c.Close() }

func (k *kind) client() closer {
	if !k.tcp {
		return h3Client{&http3.Transport{TLSClientConfig: clientTLS()}}
	}
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: certs.CertPool()}, ForceAttemptHTTP2: k.http2}
}

func (p *processes) traffic() *traffic {
	const quick, dials = 4 * time.Millisecond, 25 * time.Millisecond
	body := bytes.Repeat([]byte("0123456789abcdef"), 12_000)
	l := &traffic{stop: make(chan struct{}), kinds: []*kind{
		{name: "kept", path: "/", conns: 3, streams: 2, pace: quick},
		{name: "new", path: "/", conns: 2, streams: 1, pace: dials, each: true},
		{name: "slow", path: "/slow", conns: 2, streams: 5, pace: quick},
		{name: "upload", path: "/upload", method: "POST", body: body, conns: 2, streams: 2, pace: 2 * quick},
		{name: "upload-new", path: "/upload", method: "POST", body: body, conns: 1, streams: 1, pace: dials, each: true},
		{name: "tcp", path: "/", conns: 2, streams: 1, pace: quick, tcp: true},
		{name: "tcp-new", path: "/", conns: 1, streams: 1, pace: dials, tcp: true, each: true},
		{name: "tcp-h2", path: "/slow", conns: 1, streams: 3, pace: quick, tcp: true, http2: true},
	}}
	base := "https://" + p.Addr().String()
	for _, k := range l.kinds {
		k.answered, k.by = map[string]int{}, map[int]int{}
		for n := range k.conns {
			via := k.client()
			var streams sync.WaitGroup
			for m := range k.streams {
				streams.Go(func() { k.askAll(l.stop, via, base, fmt.Sprintf("%s-%d-%d", k.name, n, m)) })
			}
			l.clients.Go(func() {
				streams.Wait()
				via.CloseIdleConnections()
			})
		}
	}
	return l
}

// askAll asks until it is to stop.
func (k *kind) askAll(stop <-chan struct{}, via closer, base, name string) {
	tick := time.NewTicker(k.pace)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		to := via
		if k.each {
			to = k.client()
		}
		k.ask(to, base, fmt.Sprintf("%s-%d", name, i))
		if k.each {
			to.CloseIdleConnections()
		}
	}
}

func (k *kind) ask(via http.RoundTripper, base, id string) {
	k.mu.Lock()
	k.asked++
	k.mu.Unlock()
	attempts := 0
	s, err := k.attempt(via, base, id, &attempts)
	var ended *http3.Error
	given := errors.As(err, &ended) && !ended.Remote && ended.ErrorCode == http3.ErrCodeNoError
	if given { // the library closes at a GOAWAY, and does not see a request that begins just then
		s, err = k.attempt(via, base, id, &attempts)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case err != nil:
		k.faults = append(k.faults, fmt.Sprintf("%s: attempt %d: %v", id, attempts, err))
	case s.ID != id:
		k.faults = append(k.faults, fmt.Sprintf("%s: answer to %q", id, s.ID))
	case s.Bytes != len(k.body):
		k.faults = append(k.faults, fmt.Sprintf("%s: %d bytes came of %d", id, s.Bytes, len(k.body)))
	}
	k.repeated += max(attempts-1, 0)
	if given {
		k.given++
	}
	k.answered[id] = s.Pid
	k.by[s.Pid]++
}

// attempt makes a request, and counts how often it was sent.
func (k *kind) attempt(via http.RoundTripper, base, id string, sent *int) (s seen, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { *sent++ }})
	var body io.Reader
	if k.body != nil {
		body = bytes.NewReader(k.body)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, base+k.path+"?id="+id, body)
	if err != nil {
		return s, err
	}
	return fetch(via, req)
}

// reaches waits until a process has answered clients of each kind.
func (l *traffic) reaches(t *testing.T, pid int) {
	t.Helper()
	for _, k := range l.kinds {
		assert.Eventually(t, patience, fmt.Sprintf("%s: %d answers", k.name, pid), func() bool {
			k.mu.Lock()
			defer k.mu.Unlock()
			return k.by[pid] > 1 || len(k.faults) > 0
		})
	}
}

// ends stops the clients and accounts for each request. It returns the number of answers by
// HTTP/3 and over TCP, and how many of the first may have been served twice.
func (l *traffic) ends(t *testing.T, pids []int) (quic, tcp, twice int64) {
	t.Helper()
	close(l.stop)
	l.clients.Wait()
	for _, k := range l.kinds {
		for _, fault := range k.faults[:min(len(k.faults), 10)] {
			t.Error(fault)
		}
		assert.Equal(t, len(k.answered), k.asked, k.name, ": answers by id")
		for _, pid := range pids {
			assert.Equal(t, k.by[pid] > 0, true, k.name, ": answers of process ", pid)
		}
		assert.Equal(t, len(k.by), len(pids), k.name, ": processes that answered")
		t.Logf("%s: %d requests, %d of them repeated, %d given up by the client, %d failed", k.name, k.asked, k.repeated, k.given, len(k.faults))
		if k.tcp {
			tcp += int64(k.asked)
		} else {
			quic += int64(k.asked)
			twice += int64(k.given)
		}
	}
	return quic, tcp, twice
}
