package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/bench/internal/wire"
)

// start runs the command on a port of its own until the test ends.
func start(t *testing.T, args ...string) (addr string) {
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
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening ")
	if err != nil || !ok {
		t.Fatalf("got %q, %v, want a line with the address", line, err)
	}
	return addr
}

func TestEndpoints(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	t.Run("HTTP/3", func(t *testing.T) { testEndpoints(t, wire.H3) })
	for _, args := range []string{"-runtime std", "-runtime loop", "-runtime loop -poller epoll"} {
		for name, p := range map[string]wire.Protocol{"HTTP/1.1": wire.HTTP1, "h2c": wire.H2C, "HTTPS": wire.HTTPS, "h2": wire.H2} {
			t.Run(args+" "+name, func(t *testing.T) { testEndpoints(t, p, strings.Fields(args)...) })
		}
	}
}

func testEndpoints(t *testing.T, p wire.Protocol, args ...string) {
	pair, err := wire.NewPair(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
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
	addr := start(t, slices.Concat(args, p.Options(pair), []string{"-static", dir})...)
	client := newClient(t, p, pair)
	for _, tt := range tests {
		t.Run(tt.request, func(t *testing.T) {
			method, target, _ := strings.Cut(tt.request, " ")
			resp, body := client.ask(t, method, p.Scheme()+"://"+addr+target, tt.body)
			if err := p.Check(resp); err != nil {
				t.Error(err)
			}
			status := resp.StatusCode
			if status != tt.status {
				t.Errorf("got status %d, want %d: %.200s", status, tt.status, body)
			}
			if body = strings.TrimSuffix(body, "\n"); tt.status < 300 && body != tt.want {
				t.Errorf("got %d bytes %.200q, want %d bytes %.200q", len(body), body, len(tt.want), tt.want)
			}
		})
	}
}

type client struct{ http.RoundTripper }

// newClient keeps its connections until the test ends.
func newClient(t *testing.T, p wire.Protocol, pair wire.Pair) client {
	if p == wire.H3 {
		transport := wire.Transport3(pair)
		t.Cleanup(func() { _ = transport.Close() })
		return client{transport}
	}
	transport := p.Transport(pair)
	t.Cleanup(transport.CloseIdleConnections)
	return client{transport}
}

func (c client) ask(t *testing.T, method, url, body string) (resp *http.Response, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if resp, err = c.RoundTrip(req); err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(got)
}

func TestNoStaticFilesUnlessAsked(t *testing.T) {
	addr := start(t)
	client := newClient(t, wire.HTTP1, wire.Pair{})
	resp, _ := client.ask(t, http.MethodGet, "http://"+addr+"/static/server_test.go", "")
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("got status %d, want 404", resp.StatusCode)
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
		{"-h2c -tls pair.pem", "exclude each other"},
		{"-tls /no/such/file", "no such file"},
		{"-h3", "-h3 needs -tls"},
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

func TestEcho(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for _, args := range []string{"-runtime std -echo", "-runtime loop -poller epoll -echo"} {
		echoes(t, "tcp", strings.Fields(args)...)
	}
	echoes(t, "udp", "-datagrams")
}

func echoes(t *testing.T, network string, args ...string) {
	nc, err := net.Dial(network, start(t, args...))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.WriteString(nc, "hello"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(nc, got); err != nil || string(got) != "hello" {
		t.Errorf("%s: got %q, %v", args, got, err)
	}
}

func TestProxy(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for _, args := range []string{"-runtime std", "-runtime loop -poller epoll"} {
		addr := start(t, append(strings.Fields(args), "-proxy")...)
		for head, want := range map[string]string{
			"PROXY TCP4 192.0.2.1 198.51.100.2 57005 443\r\n": "HTTP/1.1 200",
			"": "",
		} {
			nc, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			if err := nc.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(nc, head+"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			answer, _ := io.ReadAll(nc)
			if got := string(answer); want == "" && got != "" || !strings.HasPrefix(got, want) {
				t.Errorf("%s: %q is answered %q", args, head, got)
			}
		}
	}
}
