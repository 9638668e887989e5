package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tako-go/tako/bench/internal/wire"
)

func TestCheckScenario(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /json", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "{ \"b\": 2, \"a\": 1 }\n")
	})
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, req *http.Request) {
		w.WriteHeader(http.StatusCreated)
		_, _ = io.Copy(w, req.Body)
	})
	server := httptest.NewServer(mux)
	defer server.Close()

	tests := []struct {
		name  string
		probe probe
		want  string
	}{
		{"json in another order", probe{target: "/json", status: 200, json: `{"a":1,"b":2}`}, ""},
		{"other json", probe{target: "/json", status: 200, json: `{"a":1}`}, "got body"},
		{"not that text", probe{target: "/json", status: 200, text: "Hello"}, "got body"},
		{"length", probe{target: "/json", status: 200, bytes: 7}, "got 19 bytes, want 7"},
		{"status", probe{target: "/nowhere", status: 200}, "got status 404, want 200"},
		{"body is sent", probe{method: "POST", target: "/echo", body: "ink", status: 201, text: "ink"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			addr := strings.TrimPrefix(server.URL, "http://")
			err := checkScenario(t.Context(), addr, wire.Pair{}, scenario{loaded: tt.probe})
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestCheckNewConn(t *testing.T) {
	tests := []struct {
		head, want string
	}{
		{"Connection: close\r\n", ""},
		{"", "does not say close"},
	}
	for _, tt := range tests {
		addr := answering(t, "HTTP/1.1 200 OK\r\n"+tt.head+"Content-Length: 3\r\n\r\nink")
		err := checkScenario(t.Context(), addr, wire.Pair{}, scenario{newConn: true, loaded: probe{target: "/", status: 200, text: "ink"}})
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%q: got %v, want %q", tt.head, err, tt.want)
		}
	}
}

func TestCheckPipeline(t *testing.T) {
	const answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nink"
	s := scenario{pipelined: 3, loaded: probe{target: "/", status: 200, text: "ink"}}
	if err := checkPipeline(t.Context(), answering(t, strings.Repeat(answer, 3)), s); err != nil {
		t.Error(err)
	}
	err := checkPipeline(t.Context(), answering(t, strings.Repeat(answer, 2)), s)
	if err == nil || !strings.Contains(err.Error(), "answer 3 of 3") {
		t.Errorf("one answer is missing: got %v", err)
	}
}

// answering is the address of a server that says text to whatever comes first
// on each connection.
func answering(t *testing.T, text string) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	t.Cleanup(func() {
		_ = ln.Close()
		served.Wait()
	})
	served.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = io.WriteString(conn, text)
			_ = conn.Close()
		}
	})
	return ln.Addr().String()
}

func TestLuaScript(t *testing.T) {
	tests := []struct {
		scenario scenario
		want     string
	}{
		{scenario{}, ""},
		{
			scenario{loaded: probe{method: "POST", body: `{"a":[[1]]}`}},
			"wrk.method = \"POST\"\nwrk.headers[\"Content-Type\"] = \"application/json\"\nwrk.body = [=[{\"a\":[[1]]}]=]\n",
		},
		{scenario{newConn: true}, "wrk.headers[\"Connection\"] = \"close\"\n"},
		{
			scenario{pipelined: 16},
			"local batch\nfunction init()\n\tbatch = string.rep(wrk.format(), 16)\nend\nfunction request() return batch end\n",
		},
	}
	for _, tt := range tests {
		if got := luaScript(tt.scenario); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
