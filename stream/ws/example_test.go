package ws_test

import (
	"context"
	"fmt"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/stream/ws"
)

// served runs app and calls use with its address.
func served(app *tako.Router, use func(url string)) {
	server := std.New(app, std.Config{Addr: "127.0.0.1:0"})
	if err := server.Listen(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve() }()
	use("ws://" + server.Addr().String())
	if _, err := server.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}
	<-done
}

// A socket in the form of events, and a client.
func ExampleEvents() {
	app := tako.New()
	app.Get("/echo", ws.Events{
		OnMessage: func(c *ws.Conn, typ ws.Type, p []byte) { _ = c.Send(typ, p) },
	}.Handler(ws.Config{}))

	served(app, func(url string) {
		ctx := context.Background()
		c, _, err := ws.Dial(ctx, url+"/echo", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer c.Close(ws.CodeNormal, "")
		if err := c.Write(ctx, ws.Text, []byte("hello")); err != nil {
			fmt.Println(err)
		}
		_, p, err := c.Read(ctx)
		fmt.Println(string(p), err)
	})
	// Output: hello <nil>
}

// A socket that is read in a loop.
func ExampleHandler() {
	app := tako.New()
	app.Get("/count", ws.Handler(ws.Config{}, func(ctx context.Context, c *ws.Conn) error {
		for n := 1; ; n++ {
			_, p, err := c.Read(ctx)
			if err != nil {
				return err // a close frame of the client is no failure
			}
			if err := c.Write(ctx, ws.Text, fmt.Appendf(nil, "%d: %s", n, p)); err != nil {
				return err
			}
		}
	}))

	served(app, func(url string) {
		ctx := context.Background()
		c, _, err := ws.Dial(ctx, url+"/count", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer c.Close(ws.CodeNormal, "")
		for _, word := range []string{"one", "two"} {
			_ = c.Write(ctx, ws.Text, []byte(word))
			_, p, err := c.Read(ctx)
			fmt.Println(string(p), err)
		}
	})
	// Output:
	// 1: one <nil>
	// 2: two <nil>
}

// A loop that reads every message into the same memory.
func ExampleConn_ReadAppend() {
	app := tako.New()
	app.Get("/echo", ws.Handler(ws.Config{}, func(ctx context.Context, c *ws.Conn) error {
		var p []byte
		for {
			typ, message, err := c.ReadAppend(ctx, p[:0])
			if err != nil {
				return err
			}
			if err := c.Write(ctx, typ, message); err != nil {
				return err
			}
			p = message // which may have grown
		}
	}))

	served(app, func(url string) {
		ctx := context.Background()
		c, _, err := ws.Dial(ctx, url+"/echo", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer c.Close(ws.CodeNormal, "")
		for _, word := range []string{"one", "two"} {
			_ = c.Write(ctx, ws.Text, []byte(word))
			_, p, err := c.ReadAppend(ctx, []byte("got "))
			fmt.Println(string(p), err)
		}
	})
	// Output:
	// got one <nil>
	// got two <nil>
}

// A room whose members all get what is broadcast.
func ExampleHub() {
	var hub ws.Hub
	app := tako.New()
	app.Get("/news", ws.Events{
		OnOpen: func(c *ws.Conn) {
			if hub.Join("news", c) == nil {
				hub.Broadcast("news", ws.Prepare(ws.Text, []byte("somebody is here")))
			}
		},
	}.Handler(ws.Config{}))

	served(app, func(url string) {
		ctx := context.Background()
		c, _, err := ws.Dial(ctx, url+"/news", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer c.Close(ws.CodeNormal, "")
		_, p, err := c.Read(ctx)
		fmt.Println(string(p), err)
	})
	// Output: somebody is here <nil>
}
