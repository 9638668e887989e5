package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// start runs the command on a port of its own until the test ends.
func start(t *testing.T, args ...string) (url string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), in, io.Discard)
		_ = in.CloseWithError(io.EOF)
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening ")
	if err != nil || !ok {
		t.Fatalf("got %q, %v, want a line with the address", line, err)
	}
	return "http://" + addr
}

func TestEndpoints(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for _, args := range []string{"-runtime std", "-runtime loop", "-runtime loop -poller epoll"} {
		t.Run(args, func(t *testing.T) { testEndpoints(t, strings.Fields(args)...) })
	}
}

func testEndpoints(t *testing.T, args ...string) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ink.txt"), []byte("ink"), 0o600); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("ä", 100)
	tests := []struct {
		request, body string
		status        int
		want          string
	}{
		{"GET /", "", 200, "Hello, World!"},
		{"GET /users/7", "", 200, `{"id":7,"name":"octopus"}`},
		{"GET /users/-1", "", 200, `{"id":-1,"name":"octopus"}`},
		{"GET /users/seven", "", 400, ""},
		{"POST /users", `{"name":"octopus","email":"o@sea"}`, 201, `{"id":1,"name":"octopus","email":"o@sea"}`},
		{"POST /users", `{"name":"` + long + `","email":"o@sea"}`, 201, `{"id":1,"name":"` + long + `","email":"o@sea"}`},
		{"POST /users", `{"name":"` + long + `x","email":"o@sea"}`, 422, ""},
		{"POST /users", `{"name":"","email":"o@sea"}`, 422, ""},
		{"POST /users", `{"name":"octopus","email":"sea"}`, 422, ""},
		{"POST /users", `{"name":`, 400, ""},
		{"GET /search?q=a%20b&limit=5&tag=x&tag=y", "", 200, `{"q":"a b","limit":5,"tags":["x","y"]}`},
		{"GET /search?q=a&tag=x", "", 200, `{"q":"a","limit":20,"tags":["x"]}`},
		{"GET /search?limit=many", "", 400, ""},
		{"GET /sleep?ms=0", "", 200, "slept"},
		{"GET /sleep?ms=1", "", 200, "slept"},
		{"GET /sleep?ms=60001", "", 400, ""},
		{"GET /spin?us=1", "", 200, "spun"},
		{"GET /spin?us=long", "", 400, ""},
		{"GET /bytes/0", "", 200, ""},
		{"GET /bytes/3", "", 200, "xxx"},
		{"GET /bytes/200000", "", 200, strings.Repeat("x", 200000)},
		{"GET /bytes/1073741825", "", 400, ""},
		{"POST /upload", strings.Repeat("u", 3<<20), 200, `{"bytes":3145728}`},
		{"GET /static/ink.txt", "", 200, "ink"},
		{"GET /static/none.txt", "", 404, ""},
		{"GET /static/..%2Fink.txt", "", 404, ""},
	}
	url := start(t, append(args, "-static", dir)...)
	for _, tt := range tests {
		t.Run(tt.request, func(t *testing.T) {
			method, target, _ := strings.Cut(tt.request, " ")
			status, body := ask(t, method, url+target, tt.body)
			if status != tt.status {
				t.Errorf("got status %d, want %d: %.200s", status, tt.status, body)
			}
			if body = strings.TrimSuffix(body, "\n"); tt.status < 300 && body != tt.want {
				t.Errorf("got %d bytes %.200q, want %d bytes %.200q", len(body), body, len(tt.want), tt.want)
			}
		})
	}
}

func ask(t *testing.T, method, url, body string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(got)
}

func TestNoStaticFilesUnlessAsked(t *testing.T) {
	if status, _ := ask(t, http.MethodGet, start(t)+"/static/server_test.go", ""); status != http.StatusNotFound {
		t.Errorf("got status %d, want 404", status)
	}
}

type counting struct{ n int }

func (c *counting) Stats() struct{ Turns, Wakes int } {
	return struct{ Turns, Wakes int }{c.n, 7}
}

func TestPrintStats(t *testing.T) {
	for _, tt := range []struct {
		server any
		want   string
	}{
		{&counting{3}, "stats {Turns:3 Wakes:7}\n"},
		{http.NotFoundHandler(), ""},
	} {
		var out strings.Builder
		if printStats(&out, tt.server); out.String() != tt.want {
			t.Errorf("got %q, want %q", out.String(), tt.want)
		}
	}
}

func TestWorkers(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	start(t, "-workers", "3")
	if got := runtime.GOMAXPROCS(0); got != 3 {
		t.Errorf("GOMAXPROCS: got %d, want 3", got)
	}
}

func TestRunRejects(t *testing.T) {
	tests := []struct{ args, want string }{
		{"-runtime fibre", `no runtime "fibre"`},
		{"-poller auto", "-poller needs -runtime loop"},
		{"-poller kqueue", `no poller "kqueue"`},
		{"-workers 0", "-workers must be positive"},
		{"-static /no/such/folder", "no such file"},
		{"-addr nowhere:port", "port"},
		{"now", "unexpected argument"},
	}
	for _, tt := range tests {
		err := run(t.Context(), strings.Fields(tt.args), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.args, err, tt.want)
		}
	}
	if err := run(t.Context(), []string{"-h"}, io.Discard, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: got %v", err)
	}
}
