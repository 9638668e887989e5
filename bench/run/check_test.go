package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
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
			err := checkScenario(t.Context(), addr, scenario{loaded: tt.probe})
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestLuaScript(t *testing.T) {
	got := luaScript(probe{method: "POST", body: `{"a":[[1]]}`})
	want := "wrk.method = \"POST\"\nwrk.headers[\"Content-Type\"] = \"application/json\"\nwrk.body = [=[{\"a\":[[1]]}]=]\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
