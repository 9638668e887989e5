package main

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseConfig(t *testing.T) {
	cfg, err := parseConfig(strings.Fields("-ours std,loop:epoll -beside late,alone -pace paced -rate 300"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.targets) != 2 || !slices.Equal(cfg.rates, []float64{300}) {
		t.Errorf("got %d targets, rates %v", len(cfg.targets), cfg.rates)
	}
	if len(cfg.besides) != 2 || cfg.besides[0].name != "alone" || cfg.besides[1].name != "late" {
		t.Errorf("got %d cases, the first %q; want alone first", len(cfg.besides), cfg.besides[0].name)
	}
	for _, tt := range []struct{ args, want string }{
		{"-beside dance", `nothing called "dance"`},
		{"-beside ,", "nothing selected"},
		{"-pace slow", `no pace "slow"`},
		{"-pace ,", "no pace selected"},
		{"-rate 0", "-rate must"},
		{"-conns 0", "-conns"},
		{"-duration 0s", "-duration"},
		{"-ours ,", "no server selected"},
		{"std", "unexpected argument"},
	} {
		_, err := parseConfig(strings.Fields(tt.args), io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.args, err, tt.want)
		}
	}
}

func TestLateLearnsFirst(t *testing.T) {
	late, err := selectBesides("late")
	if err != nil {
		t.Fatal(err)
	}
	var slept []int64
	for n := range int64(learned + 3*oneIn) {
		if late[0].pick(n).Class == sleeping {
			slept = append(slept, n)
		}
	}
	if want := []int64{10099, 10199, 10299}; !slices.Equal(slept, want) {
		t.Errorf("calls %v sleep, want %v", slept, want)
	}
}

func TestIdeal(t *testing.T) {
	for _, tt := range []struct {
		name  string
		quick float64
		want  float64
	}{{"alone", 0, 0}, {"sleep", 0, 1000}, {"late", 0, 0}, {"late", 50_000, 50 / (50.0/50_000 + 0.0005)}, {"late", 100_000, 50_000}, {"spin", 0, 400}} {
		b, err := selectBesides(tt.name)
		if err != nil {
			t.Fatal(err)
		}
		if got := b[0].ideal(50, 2, tt.quick); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestRatioToAlone(t *testing.T) {
	at := func(beside string, round int, p99 time.Duration) sample {
		return sample{server: "tako/std", beside: beside, round: round, p99: p99}
	}
	broken := at("sleep", 2, 9*time.Millisecond)
	broken.errors, broken.fault, broken.stats = 3, errors.New("status 503"), "{Turns:3}"
	rows := summarize([]sample{
		at("alone", 1, time.Millisecond), at("sleep", 1, 2*time.Millisecond),
		at("alone", 2, 3*time.Millisecond), broken,
	})
	if len(rows) != 2 {
		t.Fatalf("got %d rows, want 2", len(rows))
	}
	if got := ratio(rows[1]); got != "2.50 (2.00..3.00)" {
		t.Errorf("ratio: got %q", got)
	}
	want := []string{"- closed, tako/std, sleep: first error: status 503", "- closed, tako/std, sleep: `{Turns:3}`"}
	if got := notes(rows); !slices.Equal(got, want) {
		t.Errorf("notes: got %q, want %q", got, want)
	}
}
