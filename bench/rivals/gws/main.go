// Command gws is lxzan/gws with its defaults: WebSocket echo, and a room whose messages go to all
// members by its broadcaster.
package main

import (
	"net/http"
	"sync"

	"github.com/lxzan/gws"

	"github.com/tako-go/tako/bench/rivals/internal/boot"
)

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ws", opens(echo{}))
	mux.HandleFunc("GET /room", opens(&room{members: map[*gws.Conn]struct{}{}}))
	boot.Serve(mux)
}

func opens(events gws.Event) http.HandlerFunc {
	upgrader := gws.NewUpgrader(events, nil)
	return func(w http.ResponseWriter, req *http.Request) {
		if conn, err := upgrader.Upgrade(w, req); err == nil {
			go conn.ReadLoop() // on a stack without that of net/http
		}
	}
}

type echo struct{ gws.BuiltinEventHandler }

func (echo) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	_ = c.WriteMessage(m.Opcode, m.Bytes())
}

type room struct {
	gws.BuiltinEventHandler
	mu      sync.RWMutex
	members map[*gws.Conn]struct{}
}

func (r *room) OnOpen(c *gws.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members[c] = struct{}{}
}

func (r *room) OnClose(c *gws.Conn, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.members, c)
}

func (r *room) OnMessage(_ *gws.Conn, m *gws.Message) {
	defer m.Close()
	b := gws.NewBroadcaster(gws.OpcodeBinary, m.Bytes())
	defer b.Close()
	r.mu.RLock()
	defer r.mu.RUnlock()
	for c := range r.members {
		_ = b.Broadcast(c)
	}
}
