package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/tako-go/tako/bench/internal/report"
)

func TestParseConfigRejects(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-messages 9", "-messages"},
		{"-fast 0", "-fast"},
		{"-slow -1", "-slow"},
		{"-rivals express", "no rival"},
		{"-ours , -rivals nethttp", "no server with a room"},
		{"now", "unexpected argument"},
	} {
		_, err := parseConfig(strings.Fields(tt.args), io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.args, err, tt.want)
		}
	}
}

// serveRoom sends to all, and drops what has no room in a queue. The first of all is not told
// every lose-th message, unless that is 0.
func serveRoom(t *testing.T, lose int) (addr string) {
	var mu sync.Mutex
	var members []chan []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		inbox := make(chan []byte, 256)
		mu.Lock()
		place := len(members) // in the order of the dials, which end with the upgrade
		members = append(members, inbox)
		mu.Unlock()
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			members[place] = nil // nothing is sent to it
			close(inbox)
		}()
		conn, err := new(websocket.Upgrader).Upgrade(w, req, nil)
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			for p := range inbox {
				if conn.WriteMessage(websocket.BinaryMessage, p) != nil {
					return
				}
			}
		}()
		for n := 1; ; n++ {
			_, p, err := conn.ReadMessage()
			if err != nil {
				return
			}
			mu.Lock()
			for i, inbox := range members {
				if i == 1 && lose > 0 && n%lose == 0 {
					continue
				}
				select {
				case inbox <- p:
				default:
				}
			}
			mu.Unlock()
		}
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestFlood(t *testing.T) {
	const messages = 2000
	for _, lose := range []int{0, 900} {
		r, err := enter(t.Context(), serveRoom(t, lose), map[kind]int{fast: 2, slow: 1, stalled: 1})
		if err != nil {
			t.Fatal(err)
		}
		tenths := 0
		err = r.flood(t.Context(), messages, func(tenth int) error {
			if tenth != tenths {
				t.Errorf("got tenth %d, want %d", tenth, tenths)
			}
			tenths++
			return nil
		})
		r.leave()
		if err != nil {
			t.Fatal(err)
		}
		got, cut := r.heard(fast)
		if lost := got < messages; lost != (lose > 0) || cut != 0 || got < messages/2 || tenths != 11 {
			t.Errorf("got %d of %d messages, %d cut, %d tenths", got, messages, cut, tenths)
		}
	}
}

func TestFloodOfNobody(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	if _, err := enter(t.Context(), server.Listener.Addr().String(), map[kind]int{fast: 1}); err == nil {
		t.Error("a server without a room has no error")
	}
}

func TestTable(t *testing.T) {
	s := sample{server: "ours", rss: []int64{10 << 20, 11 << 20}, peak: 12 << 20, took: 2e9, cpu: 1e9, slow: 7, cut: 1, counted: "{Dropped:3}"}
	table := report.NewTable(columns(config{messages: 1000}), []sample{s}).Text()
	if got, want := strings.Join(strings.Fields(table[1]), " "), "ours 500 1000.00 10 11 12 0 7 1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := notes([]sample{s, {}}); len(got) != 1 || got[0] != "- ours counted {Dropped:3}" {
		t.Errorf("got %q", got)
	}
}
