// Command gorilla is gorilla/websocket: WebSocket echo, and a room whose messages go to all
// members as prepared messages, each of which has a queue and a goroutine that writes.
package main

import (
	"net/http"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/tako-go/tako/bench/rivals/internal/boot"
)

// queue is how many messages may wait for a member.
const queue = 256

func main() {
	rooms := &room{members: map[chan *websocket.PreparedMessage]struct{}{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ws", opens(echo))
	mux.HandleFunc("GET /room", opens(rooms.serve))
	boot.Serve(mux)
}

func opens(serve func(*websocket.Conn)) http.HandlerFunc {
	// Idle connections keep no buffer for writing.
	upgrader := websocket.Upgrader{WriteBufferPool: new(sync.Pool)}
	return func(w http.ResponseWriter, req *http.Request) {
		conn, err := upgrader.Upgrade(w, req, nil)
		if err != nil {
			return
		}
		go func() { // on a stack without that of net/http
			defer conn.Close()
			serve(conn)
		}()
	}
}

func echo(c *websocket.Conn) {
	for {
		kind, p, err := c.ReadMessage()
		if err != nil || c.WriteMessage(kind, p) != nil {
			return
		}
	}
}

type room struct {
	mu      sync.RWMutex
	members map[chan *websocket.PreparedMessage]struct{}
}

func (r *room) serve(c *websocket.Conn) {
	inbox := make(chan *websocket.PreparedMessage, queue)
	r.mu.Lock()
	r.members[inbox] = struct{}{}
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.members, inbox)
		r.mu.Unlock()
		close(inbox)
	}()
	go func() {
		for m := range inbox {
			if c.WritePreparedMessage(m) != nil {
				_ = c.Close()
				return
			}
		}
	}()
	for {
		_, p, err := c.ReadMessage()
		if err != nil {
			return
		}
		m, err := websocket.NewPreparedMessage(websocket.BinaryMessage, p)
		if err != nil {
			return
		}
		r.send(m)
	}
}

// send drops the message for members whose queue is full.
func (r *room) send(m *websocket.PreparedMessage) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for inbox := range r.members {
		select {
		case inbox <- m:
		default:
		}
	}
}
