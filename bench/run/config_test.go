package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/bench/internal/launch"
)

func targetNames(targets []launch.Target) string {
	var names []string
	for _, t := range targets {
		names = append(names, t.Name)
	}
	return strings.Join(names, " ")
}

func TestParseConfig(t *testing.T) {
	cfg, err := parseConfig(strings.Fields("-scenario hello,search -rivals c,gin -rounds 5 -duration 4s -conns 1,50"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := targetNames(cfg.targets), "tako/std gin c-epoll c-uring"; got != want {
		t.Errorf("targets: got %s, want %s", got, want)
	}
	if got, want := strings.Join(cfg.load.wrk(cfg.load.Conns[1]), " "), "-t4 -c50 -d4s"; got != want {
		t.Errorf("load: got %s, want %s", got, want)
	}
	if len(cfg.scenarios) != 2 || cfg.rounds != 5 {
		t.Errorf("got %d scenarios, %d rounds", len(cfg.scenarios), cfg.rounds)
	}
}

func TestReferencePreset(t *testing.T) {
	cfg, err := parseConfig([]string{"-preset", "reference"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(cfg.load.wrk(cfg.load.Conns[0]), " "), "-t4 -c100 -d30s"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestParseConfigRejects(t *testing.T) {
	tests := []struct{ args, want string }{
		{"-scenario world", "no scenario"},
		{"-scenario ,", "no scenario selected"},
		{"-rivals express", "no rival"},
		{"-ours std:", "runtime[:poller]"},
		{"-ours , -rivals none", "no server selected"},
		{"-preset fast", "no preset"},
		{"-preset reference -conns 5", "-conns contradicts"},
		{"-duration 1500ms", "whole seconds"},
		{"-threads 0", "-threads"},
		{"-conns 10,many", "no positive number"},
		{"-conns 10,0", "no positive number"},
		{"-conns ,", "no number of connections"},
		{"-rounds 0", "-rounds"},
		{"-workers 0", "-workers"},
		{"hello", "unexpected argument"},
	}
	for _, tt := range tests {
		_, err := parseConfig(strings.Fields(tt.args), io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.args, err, tt.want)
		}
	}
}

func TestScenarioSuits(t *testing.T) {
	tests := []struct {
		server, scenario string
		want             bool
	}{
		{"nethttp", "user", true},
		{"nethttp", "sleep", false},
		{"nethttp", "newconn", true},
		{"fasthttp", "user", false},
		{"fasthttp", "newconn", true},
		{"c-epoll", "hello", true},
		{"c-epoll", "pipelined", true},
		{"c-epoll", "newconn", false},
		{"c-epoll", "user", false},
		{"c-epoll", "tls-hello", false},
		{"gin", "h2c-10x100", false},
		{"nethttp", "h2c-create", true},
		{"nginx", "h2-100x10", true},
		{"nginx", "h2c-create", false},
		{"hyper", "tls-handshake", true},
		{"c-echo", "tcp-echo", true},
		{"c-echo", "hello", false},
		{"nethttp", "tcp-echo", false},
		{"c-udp", "udp-echo", true},
		{"c-udp", "tcp-echo", false},
		{"c-echo", "udp-echo", false},
		{"nethttp", "udp-echo", false},
		{"nethttp", "proxy-v2", false},
		{"nethttp", "h3-user", true},
		{"gin", "h3-hello", true},
		{"axum", "h3-handshake", true},
		{"actix", "h3-hello", false},
		{"c-epoll", "h3-hello", false},
		{"gws", "ws-64", true},
		{"gws", "ws-broadcast", true},
		{"gws", "hello", false},
		{"gws", "sse-fanout", false},
		{"gobwas", "ws-16k", true},
		{"gobwas", "ws-broadcast", false},
		{"axum", "ws-64-8", true},
		{"axum", "ws-64-blocking", false},
		{"axum", "sse-fanout", true},
		{"nethttp", "sse-fanout", true},
		{"nethttp", "ws-64", false},
		{"nginx", "static-100m", true},
		{"axum", "static-1k", false},
	}
	for _, tt := range tests {
		targets, err := launch.SelectRivals([]string{tt.server})
		if err != nil {
			t.Fatal(err)
		}
		scenarios, err := selectScenarios([]string{tt.scenario})
		if err != nil {
			t.Fatal(err)
		}
		if got := scenarios[0].suits(targets[0]); got != tt.want {
			t.Errorf("%s suits %s: got %v", tt.scenario, tt.server, got)
		}
	}
	own, err := launch.OurTargets([]string{"std"})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scenarios {
		if !s.suits(own[0]) {
			t.Errorf("%s does not suit our server", s.name)
		}
	}
}

func TestLoadCommand(t *testing.T) {
	l := load{Threads: 4, Duration: 90 * time.Second}
	if got, want := strings.Join(l.wrk(200), " "), "-t4 -c200 -d90s"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// wrk refuses more threads than connections.
	if got, want := strings.Join(l.wrk(1), " "), "-t1 -c1 -d90s"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
