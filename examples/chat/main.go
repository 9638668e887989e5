// Command chat is a chat with rooms, and its page.
//
//	go run ./examples/chat
//	xdg-open http://localhost:8080/?room=reef
//
// Who is too slow for 64 messages misses the oldest; nobody else waits for that. Ctrl-C says goodbye
// to all with 1001.
package main

import (
	"context"
	_ "embed"
	"flag"
	"log"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/stream/ws"
)

//go:embed page.html
var page []byte

// said is what a client sends, and line what all in the room get.
type said struct {
	Text string `json:"text" minLength:"1" maxLength:"500"`
}

type line struct {
	From string `json:"from"`
	Text string `json:"text"`
}

// guest is who a socket belongs to.
type guest struct{ name, room string }

type chat struct{ hub ws.Hub }

func (ch *chat) tell(room string, l line) {
	if message, err := ws.PrepareJSON(l); err == nil { // encoded and framed once for all
		ch.hub.Broadcast(room, message)
	}
}

// come is called before the socket is opened: what it refuses is answered in plain HTTP.
func (ch *chat) come(c *tako.Context) (any, error) {
	g := guest{c.Query("name"), c.Param("room")}
	if g.name == "" || len(g.name) > 40 {
		return nil, tako.BadRequest("say who you are: ?name=")
	}
	return g, nil
}

func (ch *chat) open(p ws.Peer[line]) {
	g := p.Value().(guest)
	if ch.hub.Join(g.room, p.Conn) == nil {
		ch.tell(g.room, line{"", g.name + " is here"})
	}
}

func (ch *chat) message(p ws.Peer[line], in said) {
	g := p.Value().(guest)
	ch.tell(g.room, line{g.name, in.Text})
}

func (ch *chat) close(p ws.Peer[line], _ error) { // the hub knows that it is gone
	g := p.Value().(guest)
	ch.tell(g.room, line{"", g.name + " has left"})
}

func app() *tako.Router {
	ch := &chat{ws.Hub{Queue: 64, Full: ws.DropOldest}}
	r := tako.New()
	r.Get("/", func(c *tako.Context) error { return c.Bytes(200, "text/html; charset=utf-8", page) })
	r.Get("/rooms/{room}", ws.JSON[said, line]{OnRequest: ch.come, OnOpen: ch.open, OnMessage: ch.message, OnClose: ch.close}.
		Handler(ws.Config{MaxMessage: 4 << 10, Compression: ws.Compression{Enabled: true, NoContextTakeover: true}}))
	r.Get("/stats", func(c *tako.Context) error { return c.JSON(200, ch.hub.Stats()) })
	return r
}

func main() {
	addr := flag.String("addr", "localhost:8080", "TCP address to listen on")
	flag.Parse()
	if _, err := tako.Run(context.Background(), loop.New(app(), loop.Config{Addr: *addr})); err != nil {
		log.Fatal(err)
	}
}
