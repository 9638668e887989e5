package live

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestFramesInPieces(t *testing.T) {
	long := strings.Repeat("x", 300)
	text := append([]byte{finBinary, 126, 1, 44}, long...)
	text = append(text, finPing, 3, 'i', 'n', 'k', finText, 2, 'h', 'i', finBinary, 0)
	for size := 1; size <= len(text); size++ {
		var in frames
		var got []string
		for piece := range pieces(text, size) {
			if err := in.feed(piece, func(p []byte) error { got = append(got, string(p)); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if want := []string{long, "hi", ""}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("in pieces of %d: got %q", size, got)
		}
	}
}

func TestFramesRefuse(t *testing.T) {
	for _, text := range [][]byte{{0x02, 1, 'x'}, {0x88, 0}, {finBinary, masked | 1, 0, 0, 0, 0, 0}} {
		var in frames
		if err := in.feed(text, func([]byte) error { return nil }); err == nil {
			t.Errorf("%x: no error", text)
		}
	}
}

func TestEventsInPieces(t *testing.T) {
	text := []byte("c\r\nretry: 1\n\n:k\r\na\r\n\ndata: one\r\n6\r\n\r\n\r\nda\r\n7\r\nta:two\n\r\n1\r\n\n\r\n")
	for size := 1; size <= len(text); size++ {
		var in events
		var got []string
		for piece := range pieces(text, size) {
			if err := in.feed(piece, func(p []byte) error { got = append(got, string(p)); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if fmt.Sprint(got) != "[one two]" {
			t.Fatalf("in pieces of %d: got %q", size, got)
		}
	}
	for _, text := range []string{"0\r\n", "g\r\n", "\r\n", "11111111\r\n"} {
		if new(events).feed([]byte(text), nil) == nil {
			t.Errorf("%q: no error", text)
		}
	}
}

func pieces(text []byte, size int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for begin := 0; begin < len(text); begin += size {
			if !yield(text[begin:min(begin+size, len(text))]) {
				return
			}
		}
	}
}

// all is a server that echoes and sends what it gets to all.
type all struct {
	mu      sync.Mutex
	sockets []*websocket.Conn
	clients []chan []byte
	// spoil changes what is sent.
	spoil func([]byte) []byte
}

func (a *all) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch req.URL.Path {
	case "/events":
		inbox := make(chan []byte, 100)
		a.mu.Lock()
		a.clients = append(a.clients, inbox)
		a.mu.Unlock()
		w.Header().Set("Content-Type", "text/event-stream")
		for {
			_ = http.NewResponseController(w).Flush()
			select {
			case p := <-inbox:
				_, _ = fmt.Fprintf(w, "data: %s\n\n", p)
			case <-req.Context().Done():
				return
			}
		}
	case "/publish":
		p, _ := io.ReadAll(req.Body)
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, inbox := range a.clients {
			inbox <- a.spoil(p)
		}
		w.WriteHeader(http.StatusNoContent)
		return
	}
	conn, err := new(websocket.Upgrader).Upgrade(w, req, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	a.mu.Lock()
	a.sockets = append(a.sockets, conn)
	a.mu.Unlock()
	for {
		_, p, err := conn.ReadMessage()
		if err != nil {
			return
		}
		to := []*websocket.Conn{conn}
		a.mu.Lock()
		if req.URL.Path == "/room" {
			to = a.sockets
		}
		for _, one := range to {
			_ = one.WriteMessage(websocket.BinaryMessage, a.spoil(p))
		}
		a.mu.Unlock()
	}
}

func serve(t *testing.T, spoil func([]byte) []byte) (addr string) {
	server := httptest.NewServer(&all{spoil: spoil})
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.Listener.Addr().String()
}

func as(p []byte) []byte { return p }

func TestEcho(t *testing.T) {
	for _, size := range []int{64, 16 << 10, 200 << 10} {
		c, err := Sockets(t.Context(), serve(t, as), "/ws", 5, 1)
		if err != nil {
			t.Fatal(err)
		}
		counted, err := c.Echo(t.Context(), 0, size, 3, time.Now().Add(300*time.Millisecond))
		c.Close()
		if err != nil || counted.Count() < 15 {
			t.Fatalf("%d bytes: got %+v, %v", size, counted, err)
		}
	}
}

func TestEchoRefusesOthers(t *testing.T) {
	addr := serve(t, func(p []byte) []byte { p[len(p)-1]++; return p })
	c, err := Sockets(t.Context(), addr, "/ws", 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Echo(t.Context(), 0, 64, 1, time.Now().Add(time.Minute)); err == nil {
		t.Error("Echo has no error")
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := Open(conn, "/ws"); err != nil {
		t.Fatal(err)
	}
	if CheckEcho(conn, 64) == nil {
		t.Error("CheckEcho has no error")
	}
}

func TestFanout(t *testing.T) {
	addr := serve(t, as)
	for _, rate := range []float64{0, 50} {
		room, err := Sockets(t.Context(), addr, "/room", 20, 2)
		if err != nil {
			t.Fatal(err)
		}
		fans(t, room, room.Say, rate)
		room.Close()
	}
	stream, err := Subscribers(t.Context(), addr, "/events", 20, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	press, err := NewPublisher(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	defer press.Close()
	fans(t, stream, press.Post, 50)
}

func fans(t *testing.T, c *Crowd, publish func([]byte) error, rate float64) {
	t.Helper()
	hooks := 0
	count := func() error { hooks++; return nil }
	f := Fanout{Publish: publish, Rate: rate, Ready: count, Done: count}
	got, err := f.Run(t.Context(), c, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if n := got.Count(); n < 20 || n%20 != 0 || got.Lost != 0 || hooks != 2 || got.Took <= 0 {
		t.Errorf("got %d notes, %d lost, %d hooks in %v", n, got.Lost, hooks, got.Took)
	}
	if n := got.Count(); rate > 0 && n != 100 {
		t.Errorf("got %d notes at a rate, want 100", n)
	}
}

func TestFanoutRefusesOthers(t *testing.T) {
	c, err := Sockets(t.Context(), serve(t, func(p []byte) []byte { return bytes.ToUpper(p) }), "/room", 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	nothing := func() error { return nil }
	f := Fanout{Publish: c.Say, Ready: nothing, Done: nothing}
	if _, err := f.Run(t.Context(), c, time.Minute); err == nil {
		t.Error("no error")
	}
}

func TestGatherRefuses(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	addr := server.Listener.Addr().String()
	if _, err := Sockets(t.Context(), addr, "/ws", 3, 1); err == nil || !strings.Contains(err.Error(), "status 404") {
		t.Errorf("sockets: got %v", err)
	}
	if _, err := Subscribers(t.Context(), addr, "/events", 3, 1); err == nil || !strings.Contains(err.Error(), "status 404") {
		t.Errorf("subscribers: got %v", err)
	}
}
