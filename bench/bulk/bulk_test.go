package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/bench/internal/report"
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

func TestTransfers(t *testing.T) {
	mux := http.NewServeMux()
	lost := 0
	mux.HandleFunc("POST /upload", func(w http.ResponseWriter, req *http.Request) {
		n, _ := io.Copy(io.Discard, req.Body)
		_, _ = io.WriteString(w, `{"bytes":`+strconv.Itoa(int(n)-lost)+`}`)
	})
	mux.HandleFunc("GET /bytes/{n}", func(w http.ResponseWriter, req *http.Request) {
		n, _ := strconv.Atoi(req.PathValue("n"))
		_, _ = io.WriteString(w, strings.Repeat("x", n-lost))
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	addr := strings.TrimPrefix(server.URL, "http://")
	for _, d := range directions {
		lost = 0
		if err := moveAll(t.Context(), server.Client(), addr, 3, 100_000, d); err != nil {
			t.Errorf("%s: %v", d.name, err)
		}
		lost = 1
		err := moveAll(t.Context(), server.Client(), addr, 1, 100_000, d)
		if err == nil || !strings.Contains(err.Error(), "99999 bytes of 100000") {
			t.Errorf("%s, a byte lost: got %v", d.name, err)
		}
	}
}

func TestStatusIsChecked(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	for _, d := range directions {
		err := d.move(t.Context(), server.Client(), strings.TrimPrefix(server.URL, "http://"), 10)
		if err == nil || !strings.Contains(err.Error(), "status 404") {
			t.Errorf("%s: got %v", d.name, err)
		}
	}
}

func TestSampleRSS(t *testing.T) {
	if got := sampleRSS(os.Getpid())(); got < 1<<20 {
		t.Errorf("got %d bytes", got)
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
