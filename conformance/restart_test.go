package conformance_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// replace has a new process take over from the server, and returns when that serves.
func (s *server) replace(t *testing.T) {
	t.Helper()
	before := s.addrs
	assert.NoError(t, syscall.Kill(s.pid, syscall.SIGUSR2))
	s.awaitUp(t)
	assert.Equal(t, s.addrs, before, "addresses")
}

// gone reports whether a process has ended; nobody may have waited for it.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "Z")
}

// load is what callers do while the server is replaced.
type load struct {
	t       *testing.T
	ctx     context.Context
	done    atomic.Int64
	answers sync.Map // process → how many
	all     sync.WaitGroup
}

// call asks until the context ends, and fails the test if one answer is missing.
func (l *load) call(name string, c *caller) {
	for l.ctx.Err() == nil {
		got, from, err := c.info(context.WithoutCancel(l.ctx))
		if err != nil {
			l.t.Errorf("%s: %v", name, err)
			return
		}
		if got.Remote != from {
			l.t.Errorf("%s: got client %s, want %s", name, got.Remote, from)
			return
		}
		n, _ := l.answers.LoadOrStore(got.PID, new(atomic.Int64))
		n.(*atomic.Int64).Add(1)
		l.done.Add(1)
	}
}

// TestHAProxyRestart replaces the server behind a balancer that tries nothing twice, but
// over HTTP/2: it opens no stream on a new connection on which GOAWAY came first.
func TestHAProxyRestart(t *testing.T) {
	tool(t, "haproxy")
	times, between := 3, int64(200)
	if *long {
		times, between = 20, 1000
	}
	eachRuntime(t, func(t *testing.T, to target) {
		s := start(t, to.with("-listen", haproxyListen, "-trusted", "127.0.0.1"))
		ways := []way{
			{"new", "", "\toption http-server-close\n", "%s send-proxy", behindProxy},
			{"passthrough", "", "\tmode tcp\n", "%s send-proxy-v2", behindProxyTLS},
			{"tcp", "", "\tmode tcp\n", "%s send-proxy-v2", behindProxy},
			{"kept", "", "", "%s send-proxy", behindProxy},
			{"h2", "", "\tretries 3\n", "%s proto h2 send-proxy-v2", behindProxy},
			{"h2-new", "", "\tretries 3\n\thttp-reuse never\n", "%s proto h2 send-proxy-v2", behindProxy},
			{"tls-h2", "", "\tretries 3\n", "%s ssl alpn h2 send-proxy-v2", behindProxyTLS},
		}
		f, _ := startHAProxy(t, s, ways)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		l := &load{t: t, ctx: ctx}
		for i, w := range ways {
			var config *tls.Config
			if w.name == "passthrough" {
				config = insecureTLS()
			}
			for n := range 2 {
				c := callFrom(t, fmt.Sprintf("127.0.0.%d", 2+n), f.addrs[i], config)
				c.client.Transport.(*http.Transport).DisableKeepAlives = w.name == "h2-new"
				l.all.Go(func() { l.call(w.name, c) })
			}
		}
		pids := []int{s.pid}
		for range times {
			l.await(between)
			s.replace(t)
			pids = append(pids, s.pid)
			before := pids[len(pids)-2]
			assert.Eventually(t, peerLimit, "the process before has ended", func() bool { return gone(before) })
		}
		l.await(between)
		cancel()
		l.all.Wait()
		for i, pid := range pids {
			if _, ok := l.answers.Load(pid); !ok {
				t.Errorf("process %d of %d has answered nothing", i+1, len(pids))
			}
		}
		t.Logf("%d requests while %d processes took over", l.done.Load(), times)
	})
}

// await waits for so many requests more.
func (l *load) await(more int64) {
	l.t.Helper()
	want := l.done.Load() + more
	assert.Eventually(l.t, peerLimit, "requests go on", func() bool { return l.t.Failed() || l.done.Load() >= want })
}
