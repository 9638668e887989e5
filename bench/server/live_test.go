package main

import (
	"bufio"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/bench/internal/live"
	"github.com/tako-go/tako/bench/internal/wire"
)

// open connects to a server that is started for the test.
func open(t *testing.T, addr, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := live.Open(conn, path); err != nil {
		t.Fatal(path, err)
	}
	return conn
}

func TestLive(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for _, args := range []string{"-runtime std", "-runtime loop -poller epoll"} {
		addr := start(t, strings.Fields(args)...)
		for _, path := range []string{"/ws", "/ws-blocking"} {
			conn := open(t, addr, path)
			for _, size := range []int{0, 64, 16 << 10} {
				if err := live.CheckEcho(conn, size); err != nil {
					t.Errorf("%s %s, %d bytes: %v", args, path, size, err)
				}
			}
		}
		other := open(t, addr, "/room")
		if err := live.CheckEcho(other, 5); err != nil { // else it may come in later than the next one's message
			t.Error(args, err)
		}
		one := open(t, addr, "/room")
		// It comes back to who has sent it, and to the others.
		if err := live.CheckEcho(one, 5); err != nil {
			t.Error(args, err)
		}
		if got, err := live.Receive(other); err != nil || string(got) != "octop" {
			t.Errorf("%s: got %q, %v", args, got, err)
		}
		events(t, addr)
	}
}

func events(t *testing.T, addr string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	client := newClient(t, wire.HTTP1, wire.Pair{})
	resp, err := client.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := make(chan string, 1)
	go func() {
		in := bufio.NewScanner(resp.Body)
		for in.Scan() {
			if data, ok := strings.CutPrefix(in.Text(), "data: "); ok {
				lines <- data
				break
			}
		}
		close(lines)
	}()
	// The stream may begin behind its head.
	for range 100 {
		if answer, _ := client.ask(t, http.MethodPost, "http://"+addr+"/publish", "ink"); answer.StatusCode != http.StatusNoContent {
			t.Fatalf("publish: got status %d", answer.StatusCode)
		}
		select {
		case got := <-lines:
			if got != "ink" {
				t.Errorf("got %q", got)
			}
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Error("no event came")
}
