package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func sockets(t *testing.T, answer func([]byte) []byte) (addr string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		conn, err := new(websocket.Upgrader).Upgrade(w, req, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		for {
			kind, p, err := conn.ReadMessage()
			if err != nil || conn.WriteMessage(kind, answer(p)) != nil {
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestLive(t *testing.T) {
	addr := sockets(t, func(p []byte) []byte { return p })
	s := scenario{live: &streaming{path: "/ws", size: 64}, streams: 2}
	if err := checkLive(t.Context(), addr, s); err != nil {
		t.Fatal(err)
	}
	l := loader{span: &span{pid: os.Getpid()}}
	got, err := l.runLive(t.Context(), addr, s, 5, 300*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if got.Requests < 10 || got.P99 < got.P50 || !l.span.ended {
		t.Errorf("got %+v, ended %v", got.counts, l.span.ended)
	}
}

func TestLiveRefusesOthers(t *testing.T) {
	addr := sockets(t, func(p []byte) []byte { p[0]++; return p })
	s := scenario{live: &streaming{path: "/ws", size: 64}}
	if checkLive(t.Context(), addr, s) == nil {
		t.Error("checkLive has no error")
	}
	if _, err := (loader{}).runLive(t.Context(), addr, s, 2, time.Minute); err == nil {
		t.Error("runLive has no error")
	}
}

func TestSpan(t *testing.T) {
	s := &span{pid: os.Getpid()}
	if err := s.begin(); err != nil {
		t.Fatal(err)
	}
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	// What ends later does not count.
	s.after.User = s.before.User + time.Hour
	if err := s.end(); err != nil || s.used().User != time.Hour {
		t.Errorf("got %+v, %v", s.used(), err)
	}
	var none *span
	if none.begin() != nil || none.end() != nil {
		t.Error("a span of nobody fails")
	}
}
