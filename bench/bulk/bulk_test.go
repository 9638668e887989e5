package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/bench/internal/report"
	"github.com/tako-go/tako/bench/internal/transfer"
)

func TestParseConfigRejects(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-direction sideways", "no direction"},
		{"-direction ,", "no direction selected"},
		{"-size 0", "-size"},
		{"-size 1073741825", "-size"},
		{"-conns 0", "-conns"},
		{"-ours ,", "no server selected"},
		{"std", "unexpected argument"},
	} {
		_, err := parseConfig(strings.Fields(tt.args), io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.args, err, tt.want)
		}
	}
}

func TestMoveAll(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /bytes/{n}", func(w http.ResponseWriter, req *http.Request) {
		n, _ := strconv.Atoi(req.PathValue("n"))
		_, _ = io.WriteString(w, strings.Repeat("x", n))
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	addr := strings.TrimPrefix(server.URL, "http://")
	if err := moveAll(t.Context(), server.Client(), addr, 3, 100_000, transfer.Download); err != nil {
		t.Error(err)
	}
	err := moveAll(t.Context(), server.Client(), addr, 3, 100_000, transfer.Upload)
	if err == nil || !strings.Contains(err.Error(), "status 404") {
		t.Errorf("no such endpoint: got %v", err)
	}
}

func TestTable(t *testing.T) {
	one := sample{
		server: "tako/std", direction: "upload", round: 1, took: time.Second, cpu: 300 * time.Millisecond,
		before: 10 << 20, sampled: 11 << 20, peak: 12 << 20, after: 10 << 20,
	}
	two := one
	two.round, two.peak = 2, 14<<20
	table := report.NewTable(columns(config{size: 1 << 29, conns: 2}), summarize([]sample{one, two})).Text()
	if got, want := strings.Join(strings.Fields(table[1]), " "), "upload tako/std 1.00 s 1024 300 10.00 (10.00..10.00) 3.00 (2.00..4.00) 1.00 (1.00..1.00) 0.00 (0.00..0.00)"; len(table) != 2 || got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
