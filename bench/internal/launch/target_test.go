package launch

import (
	"strings"
	"testing"
)

func names(targets []Target) string {
	var all []string
	for _, t := range targets {
		all = append(all, t.Name)
	}
	return strings.Join(all, " ")
}

func TestOurTargets(t *testing.T) {
	own, err := OurTargets([]string{"std", "loop:uring"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(own), "tako/std tako/loop:uring"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := strings.Join(own[1].args, " "), "-runtime loop -poller uring"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSelect(t *testing.T) {
	targets, err := Select("std, loop", "c,gin")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(targets), "tako/std tako/loop gin c-epoll c-uring"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if targets, err = Select("", "raw"); err != nil {
		t.Fatal(err)
	}
	if got, want := names(targets), "c-echo net-echo c-udp net-udp"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if targets, err = Select("", "sockets"); err != nil {
		t.Fatal(err)
	}
	if got, want := names(targets), "gws gorilla gobwas uws"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, tt := range []struct{ ours, rivals, want string }{
		{"", "none", "no server selected"},
		{":epoll", "", "runtime[:poller]"},
		{"std", "express", "no rival"},
	} {
		if _, err := Select(tt.ours, tt.rivals); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q and %q: got %v, want %q", tt.ours, tt.rivals, err, tt.want)
		}
	}
}

func TestCrateVersion(t *testing.T) {
	lock := "[[package]]\nname = \"axum-core\"\nversion = \"0.5.2\"\n\n[[package]]\nname = \"axum\"\nversion = \"0.8.4\"\n"
	if got := crateVersion(lock, "axum"); got != "0.8.4" {
		t.Errorf("got %q", got)
	}
	if got := crateVersion(lock, "ntex"); got != "" {
		t.Errorf("a crate that is not there: got %q", got)
	}
}
