package main

import (
	"context"
	"fmt"
	"io"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/stream/sse"
	"github.com/tako-go/tako/stream/ws"
)

// topic is what all clients of /events subscribe to, and the room of all who are in /room.
const topic = "all"

// rooms is what goes to many.
type rooms struct {
	hub  ws.Hub
	news *sse.Hub[string]
}

// newRooms drops what is oldest for receivers that are slow, as rivals do.
func newRooms() *rooms {
	return &rooms{hub: ws.Hub{Full: ws.DropOldest}, news: sse.NewHub[string](sse.HubConfig{})}
}

func (r *rooms) mount(to *tako.Router) {
	to.Get("/ws", ws.Events{OnMessage: sendBack}.Handler(ws.Config{}))
	to.Get("/ws-blocking", ws.Handler(ws.Config{}, echoSocket))
	to.Get("/room", ws.Events{
		OnOpen:    func(c *ws.Conn) { _ = r.hub.Join(topic, c) },
		OnMessage: func(_ *ws.Conn, _ ws.Type, p []byte) { r.hub.Broadcast(topic, ws.Prepare(ws.Binary, p)) },
	}.Handler(ws.Config{}))
	tako.Get(to, "/events", r.events)
	to.Post("/publish", r.publish)
}

func sendBack(c *ws.Conn, typ ws.Type, p []byte) { _ = c.Send(typ, p) }

// echoSocket is the blocking form.
func echoSocket(ctx context.Context, c *ws.Conn) error {
	var p []byte
	for {
		var typ ws.Type
		var err error
		if typ, p, err = c.ReadAppend(ctx, p[:0]); err != nil {
			return err
		}
		if err = c.Write(ctx, typ, p); err != nil {
			return err
		}
	}
}

func (r *rooms) events(context.Context, struct{}) (sse.Stream[string], error) {
	return r.news.Stream(topic), nil
}

func (r *rooms) publish(c *tako.Context) error {
	text, err := io.ReadAll(c.Body())
	if err != nil {
		return err
	}
	if err := r.news.Publish(topic, sse.Event[string]{Data: string(text)}); err != nil {
		return err
	}
	return c.NoContent()
}

// printStats tells what became of messages for many.
func (r *rooms) printStats(w io.Writer) {
	fmt.Fprintf(w, "room %+v\nevents %+v\n", r.hub.Stats(), r.news.Stats())
}
