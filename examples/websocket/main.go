// Command websocket serves sockets in each of their forms, and is the client of them.
//
//	go run ./examples/websocket                 # on event loops; -runtime std for net/http
//	go run ./examples/websocket -dial ws://localhost:8080/echo hello
//	go run ./examples/websocket -dial ws://localhost:8080/lines hello
//	go run ./examples/websocket -dial ws://localhost:8080/sum '{"a":1,"b":2}'
//
// /echo has the form of events, /lines is read in a loop, /sum speaks JSON that is checked. GET
// /stats tells what they have.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/stream/ws"
)

type terms struct {
	A int `json:"a" minimum:"0"`
	B int `json:"b" minimum:"0"`
}

type result struct {
	Sum int `json:"sum"`
}

func app() *tako.Router {
	meter := new(ws.Meter)
	cfg := ws.Config{Compression: ws.Compression{Enabled: true}, Meter: meter}
	r := tako.New()
	// On an event loop a socket costs no goroutine while nothing comes.
	r.Get("/echo", ws.Events{
		OnMessage: func(c *ws.Conn, typ ws.Type, p []byte) { _ = c.Send(typ, p) },
		OnClose:   func(c *ws.Conn, err error) { log.Printf("%v: %v", c.Info().Remote, err) },
	}.Handler(cfg))
	r.Get("/lines", ws.Handler(cfg, lines))
	r.Get("/sum", ws.JSON[terms, result]{
		OnMessage: func(p ws.Peer[result], in terms) { _ = p.Send(result{in.A + in.B}) },
	}.Handler(cfg))
	r.Get("/stats", func(c *tako.Context) error { return c.JSON(200, meter.Stats()) })
	return r
}

// lines counts what it gets. When it returns the socket is closed.
func lines(ctx context.Context, c *ws.Conn) error {
	for n := 1; ; n++ {
		_, p, err := c.Read(ctx)
		if err != nil {
			return err
		}
		if err := c.Write(ctx, ws.Text, fmt.Appendf(nil, "%d: %s", n, p)); err != nil {
			return err
		}
	}
}

func newServer(runtime, addr string) (tako.Server, error) {
	switch runtime {
	case "std":
		return std.New(app(), std.Config{Addr: addr}), nil
	case "loop":
		return loop.New(app(), loop.Config{Addr: addr}), nil
	}
	return nil, fmt.Errorf("there is no runtime %q: std and loop can be chosen", runtime)
}

func main() {
	addr := flag.String("addr", "localhost:8080", "TCP address to listen on")
	runtime := flag.String("runtime", "loop", "what serves: std or loop")
	dial := flag.String("dial", "", "be a client of this URL, and send the arguments")
	flag.Parse()
	if *dial != "" {
		answer, err := ask(context.Background(), *dial, strings.Join(flag.Args(), " "))
		fmt.Println(answer)
		if err != nil {
			log.Fatal(err)
		}
		return
	}
	server, err := newServer(*runtime, *addr)
	if err == nil {
		_, err = tako.Run(context.Background(), server)
	}
	if err != nil {
		log.Fatal(err)
	}
}
