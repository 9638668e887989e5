package launch

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

func TestAwaitListening(t *testing.T) {
	out, in := io.Pipe()
	go func() {
		_, _ = io.WriteString(in, "warning: first start\nlistening 127.0.0.1:4711\n")
		// The server must not block on what it prints later.
		_, _ = io.WriteString(in, strings.Repeat("request\n", 1000))
		_ = in.Close()
	}()
	if got, err := awaitListening(out); err != nil || got != "127.0.0.1:4711" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := awaitListening(strings.NewReader("no such option\n")); err == nil {
		t.Errorf("a server that ended listens on %q", got)
	}
}

func TestStartReportsComplaint(t *testing.T) {
	s := Server{Target: Target{Name: "broken"}, path: "/bin/sh"}
	// The options every server gets are no options of a shell, which says so.
	p, err := s.Start(t.Context(), 1)
	if err == nil {
		p.Stop()
		t.Fatal("a shell listens")
	}
	if got := err.Error(); !strings.HasPrefix(got, "broken: ended before it listened\n") {
		t.Errorf("got %q", got)
	}
}

func TestCounted(t *testing.T) {
	p := &Process{stderr: bytes.NewBufferString("INFO stopped\nmallocs 17\nstats {Turns:3}\n")}
	for name, want := range map[string]string{"mallocs": "17", "stats": "{Turns:3}", "turns": "", "INFO stop": ""} {
		if got := p.Counted(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
