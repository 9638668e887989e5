package main

import (
	"io"
	"strings"
	"testing"
	"time"
)

func targetNames(targets []target) string {
	var names []string
	for _, t := range targets {
		names = append(names, t.name)
	}
	return strings.Join(names, " ")
}

func TestParseConfig(t *testing.T) {
	cfg, err := parseConfig(strings.Fields("-scenario hello,search -rivals c,gin -rounds 5 -duration 4s -conns 50"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := targetNames(cfg.targets), "tako/std gin c-epoll c-uring"; got != want {
		t.Errorf("targets: got %s, want %s", got, want)
	}
	if got, want := strings.Join(cfg.load.command(), " "), "-t4 -c50 -d4s"; got != want {
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
	if got, want := strings.Join(cfg.load.command(), " "), "-t4 -c100 -d30s"; got != want {
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
		{"-threads 8 -conns 4", "-conns no smaller"},
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

func TestOurTargets(t *testing.T) {
	own, err := ourTargets([]string{"std", "loop:uring"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := targetNames(own), "tako/std tako/loop:uring"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := strings.Join(own[1].args, " "), "-runtime loop -poller uring"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTargetServes(t *testing.T) {
	tests := []struct {
		target   target
		scenario scenario
		want     bool
	}{
		{target{group: "own"}, scenario{ownOnly: true}, true},
		{target{group: "go"}, scenario{name: "user"}, true},
		{target{group: "go"}, scenario{name: "sleep", ownOnly: true}, false},
		{target{group: "c", helloOnly: true}, scenario{name: "hello"}, true},
		{target{group: "c", helloOnly: true}, scenario{name: "user"}, false},
	}
	for _, tt := range tests {
		if got := tt.target.serves(tt.scenario); got != tt.want {
			t.Errorf("%+v serves %s: got %v", tt.target, tt.scenario.name, got)
		}
	}
}

func TestLoadCommandKeepsWholeSeconds(t *testing.T) {
	l := load{Threads: 1, Conns: 2, Duration: 90 * time.Second}
	if got, want := strings.Join(l.command(), " "), "-t1 -c2 -d90s"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
