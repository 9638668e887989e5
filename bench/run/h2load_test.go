package main

import (
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/bench/internal/wire"
)

const h2loadClean = `starting benchmark...
spawning thread #0: 5 total client(s). Timing-based test with 0s of warm-up time and 1s of main duration for measurements.
TLS Protocol: TLSv1.3
Cipher: TLS_AES_128_GCM_SHA256
Server Temp Key: X25519 253 bits
Application protocol: h2

finished in 1.00s, 201521.00 req/s, 17.49MB/s
requests: 201521 total, 202521 started, 201521 done, 201521 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 201521 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 17.49MB (18338901) total, 11.53MB (12091260) headers (space savings 47.37%), 2.50MB (2619773) data
                     min         max         mean         sd        +/- sd
time for request:       73us     24.40ms      4.24ms      2.60ms    70.60%
`

func TestParseH2load(t *testing.T) {
	got, err := parseH2load(h2loadClean)
	want := h2loadOutput{
		counts:   counts{Requests: 201521, PerSecond: 201521},
		Protocol: "h2", TLS: "TLSv1.3", Cipher: "TLS_AES_128_GCM_SHA256",
	}
	if err != nil || got != want {
		t.Fatalf("got %+v, %v, want %+v", got, err, want)
	}
	if err := got.clean(wire.H2); err != nil {
		t.Errorf("clean run: %v", err)
	}
	if err := got.clean(wire.H2C); err == nil {
		t.Error("TLS counts as clear text")
	}
}

func TestParseH2loadFaults(t *testing.T) {
	tests := []struct{ old, now, want string }{
		{"0 failed", "3 failed", "3 failed"},
		{"0 errored", "2 errored", "2 errored"},
		{"0 4xx", "7 4xx", "7 of 201521 answers"},
		{"protocol: h2", "protocol: http/1.1", "spoke http/1.1"},
		{"AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "AES_256_GCM_SHA384"},
		{"TLSv1.3", "TLSv1.2", "TLSv1.2"},
	}
	for _, tt := range tests {
		out, err := parseH2load(strings.Replace(h2loadClean, tt.old, tt.now, 1))
		if err != nil {
			t.Fatal(err)
		}
		if err := out.clean(wire.H2); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.now, err, tt.want)
		}
	}
}

func TestParseH2loadRejects(t *testing.T) {
	for _, text := range []string{
		"",
		"finished in 1.00s, 0.00 req/s, 0B/s\nrequests: 0 total, 0 started, 0 done, 0 succeeded, 0 failed, 0 errored, 0 timeout\n",
		"requests: many\n",
		"finished in 1.00s, soon\n",
	} {
		if out, err := parseH2load(text); err == nil {
			t.Errorf("parsed %q as %+v", text, out)
		}
	}
}

func TestGenerators(t *testing.T) {
	l := load{Threads: 4, Conns: connCounts{1, 50}, Duration: 2 * time.Second}
	tests := []struct{ scenario, want string }{
		{"hello", "wrk -t1 -c1 -d2s; wrk -t4 -c50 -d2s"},
		{"tls-hello", "wrk -t1 -c1 -d2s; wrk -t4 -c50 -d2s"},
		{"h2c-10x100", "h2load -t4 -c10 -m100 -D2"},
		{"h2-100x10", "h2load -t4 -c100 -m10 -D2"},
		{"h2c-create", "h2load -t4 -c10 -m100 -D2"},
		{"tls-handshake", "full handshakes on 32 connections at a time for 2s"},
	}
	for _, tt := range tests {
		s, err := selectScenarios([]string{tt.scenario})
		if err != nil {
			t.Fatal(err)
		}
		var calls []string
		for _, conns := range s[0].connCounts(l) {
			calls = append(calls, s[0].command(l, conns))
		}
		if got := strings.Join(calls, "; "); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.scenario, got, tt.want)
		}
	}
}
