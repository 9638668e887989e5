package main

import (
	"bufio"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tako-go/tako/takotest"
)

// serve starts the app on the std runtime, in front of a backend of net/http.
func serve(t *testing.T) *takotest.Server {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("file a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Upgrade") != "" {
			echo(t, w)
			return
		}
		io.WriteString(w, "backend got "+req.Method+" "+req.URL.RequestURI()+" for "+req.Header.Get("X-Forwarded-For"))
	}))
	t.Cleanup(backend.Close)
	target, err := url.Parse(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	return takotest.Serve(t, app(dir, target))
}

// echo switches protocols and sends one line back.
func echo(t *testing.T, w http.ResponseWriter) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	line, _ := rw.ReadString('\n')
	io.WriteString(conn, "echo "+line)
}

func TestNested(t *testing.T) {
	srv := serve(t)
	tests := []struct {
		name, method, target string
		status               int
		want                 string
	}{
		{"the existing mux", "GET", "/old", 200, "as before\n"},
		{"its own 404", "GET", "/nothing", 404, "404 page not found"},
		{"a route", "GET", "/app/page", 200, "request "},
		{"file server", "GET", "/app/files/a.txt", 200, "file a\n"},
		{"no such file", "GET", "/app/files/b.txt", 404, "404 page not found"},
		{"proxy", "GET", "/app/proxy/x/y?q=1", 200, "backend got GET /x/y?q=1 for 127.0.0.1"},
		{"proxy of another method", "DELETE", "/app/proxy/x", 200, "backend got DELETE /x for 127.0.0.1"},
		{"no route", "GET", "/app/nothing", 404, `"status":404`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := srv.Do(tt.method, tt.target).Expect(tt.status).Text; !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q in it", got, tt.want)
			}
		})
	}
	srv.Get("/app/files/a.txt", takotest.Header("Range", "bytes=5-")).Expect(206).ExpectText("a\n")
}

func TestChi(t *testing.T) {
	srv := serve(t)
	id := takotest.Header("X-Request-Id", "mine-7")
	if got := srv.Get("/app/page", id).Expect(200).Text; !strings.HasPrefix(got, "request mine-7\n") {
		t.Errorf("got %q", got)
	}
	coded := srv.Get("/app/page", id, takotest.Header("Accept-Encoding", "gzip")).Expect(200).ExpectHeader("Content-Encoding", "gzip")
	r, err := gzip.NewReader(strings.NewReader(coded.Text))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); err != nil || !strings.HasPrefix(string(text), "request mine-7\nthe same again") {
		t.Errorf("got %q, %v", text, err)
	}
}

// An upgrade passes both Routers, the mux, chi's middleware and the proxy.
func TestUpgradeThroughProxy(t *testing.T) {
	conn := serve(t).Dial()
	io.WriteString(conn, "GET /app/proxy/socket HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	br := bufio.NewReader(conn)
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("got %s", resp.Status)
	}
	io.WriteString(conn, "hello\n")
	if line, err := br.ReadString('\n'); line != "echo hello\n" {
		t.Errorf("got %q, %v", line, err)
	}
}
