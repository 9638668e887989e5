package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako/bench/internal/proc"
	"github.com/tako-go/tako/bench/internal/report"
	"github.com/tako-go/tako/bench/internal/wire"
)

func TestParseConfigRejects(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-conns 0", "-conns"},
		{"-watch 0s", "-watch"},
		{"-settle -1s", "-settle"},
		{"-rivals express", "no rival"},
		{"-protocol h1", "no -protocol \"h1\""},
		{"-protocol ,", "no -protocol selected"},
		{"std", "unexpected argument"},
	} {
		_, err := parseConfig(strings.Fields(tt.args), io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.args, err, tt.want)
		}
	}
}

func TestCrowd(t *testing.T) {
	var mu sync.Mutex
	from := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		host, _, _ := net.SplitHostPort(req.RemoteAddr)
		mu.Lock()
		from[host] = true
		mu.Unlock()
		_, _ = io.WriteString(w, "ink")
	}))
	defer server.Close()
	all, err := gather(t.Context(), strings.TrimPrefix(server.URL, "http://"), 150, wire.HTTP1, wire.Pair{})
	if err != nil {
		t.Fatal(err)
	}
	defer all.leave()
	if len(from) != sources {
		t.Errorf("came from %d addresses, want %d", len(from), sources)
	}
	if dead, err := all.dead(t.Context()); dead != 0 || err != nil {
		t.Errorf("got %d dead, %v", dead, err)
	}
	server.CloseClientConnections()
	if dead, err := all.dead(t.Context()); dead != 150 || err != nil {
		t.Errorf("got %d dead, %v, want all", dead, err)
	}
}

func TestGatherFails(t *testing.T) {
	closing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
	}))
	defer closing.Close()
	_, err := gather(t.Context(), strings.TrimPrefix(closing.URL, "http://"), 20, wire.HTTP1, wire.Pair{})
	if err == nil || !strings.Contains(err.Error(), "close is true") {
		t.Errorf("a server that keeps nothing open: got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := gather(ctx, "127.0.0.1:1", 20, wire.HTTP1, wire.Pair{}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
}

func TestEachStopsAtAnError(t *testing.T) {
	var calls atomic.Int64
	err := each(t.Context(), 1000, func(i int) error {
		calls.Add(1)
		if i == 3 {
			return io.ErrUnexpectedEOF
		}
		return nil
	})
	if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "connection 4") {
		t.Errorf("got %v", err)
	}
	if err := each(t.Context(), 1000, func(int) error { calls.Add(1); return nil }); err != nil {
		t.Error(err)
	}
	if got := calls.Load(); got < 1000 || got > 2000 {
		t.Errorf("got %d calls", got)
	}
}

func TestTable(t *testing.T) {
	one := sample{
		protocol: "h2", server: "tako/std", round: 1,
		before: proc.Memory{RSS: 1 << 20, PSS: 1 << 20, Anonymous: 1 << 19},
		after:  proc.Memory{RSS: 3 << 20, PSS: 2 << 20, Anonymous: 1 << 20},
		cpu:    2 * time.Millisecond,
	}
	two := one
	two.round = 2
	two.after.RSS = 5 << 20
	other := one
	other.protocol = "h3"
	table := report.NewTable(columns(config{conns: 1024, watch: time.Second}), summarize([]sample{one, other, two})).Text()
	if len(table) != 3 {
		t.Fatalf("got %q", table)
	}
	if got, want := strings.Join(strings.Fields(table[1]), " "), "h2 tako/std 1.0 4.0 0.0 3.00 (2.00..4.00) 1.00 (1.00..1.00) 0.50 (0.50..0.50) 2.00 (2.00..2.00) 0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
