// Command websocket-http2 serves sockets over HTTP/2 (RFC 8441): many of them share one
// connection. The same handler serves them over HTTP/1.1.
//
//	go run ./examples/websocket-http2
//	go run ./examples/websocket-http2 -dial https://localhost:8443/echo -sockets 100
//
// Browsers open sockets of wss://localhost:8443 over HTTP/2 once they have a connection of it.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"log"

	"golang.org/x/net/http2"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/stream/ws"
	"github.com/tako-go/tako/transport"
)

func newServer(addr string, certs tako.Certs) tako.Server {
	app := tako.New()
	app.Get("/", func(c *tako.Context) error { return c.Text(200, "sockets are at /echo\n") })
	app.Get("/echo", ws.Events{
		OnRequest: func(c *tako.Context) (any, error) { return c.Protocol().String(), nil },
		OnOpen:    func(c *ws.Conn) { _ = c.SendText("this is " + c.Value().(string)) },
		OnMessage: func(c *ws.Conn, typ ws.Type, p []byte) { _ = c.Send(typ, p) },
	}.Handler(ws.Config{}))
	// Without ExtendedConnect clients are not told that they may.
	return loop.New(app, loop.Config{Addr: addr, Certs: certs, HTTP2: tako.HTTP2Config{ExtendedConnect: true}})
}

// open opens sockets over one connection, and says hello on each.
func open(ctx context.Context, url string, sockets int, secure *tls.Config) (first string, err error) {
	carrier := &http2.Transport{TLSClientConfig: secure}
	defer carrier.CloseIdleConnections()
	for i := range sockets {
		c, _, err := ws.Dial(ctx, url, &ws.DialConfig{HTTP2: carrier})
		if err != nil {
			return first, err
		}
		defer c.Close(ws.CodeNormal, "")
		if _, p, err := c.Read(ctx); err != nil {
			return first, err
		} else if i == 0 {
			first = string(p)
		}
		hello := fmt.Sprintf("hello from socket %d", i+1)
		if err := c.Write(ctx, ws.Text, []byte(hello)); err != nil {
			return first, err
		}
		if _, p, err := c.Read(ctx); err != nil {
			return first, err
		} else if string(p) != hello {
			return first, errors.New("another socket has answered")
		}
	}
	return first, nil
}

func main() {
	addr := flag.String("addr", "localhost:8443", "TCP address to listen on")
	dial := flag.String("dial", "", "be a client of this URL")
	sockets := flag.Int("sockets", 10, "how many sockets the client opens")
	flag.Parse()
	if *dial != "" {
		first, err := open(context.Background(), *dial, *sockets, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(*sockets, "sockets over one connection; the server says:", first)
		return
	}
	if _, err := tako.Run(context.Background(), newServer(*addr, transport.SelfSigned("localhost"))); err != nil {
		log.Fatal(err)
	}
}
