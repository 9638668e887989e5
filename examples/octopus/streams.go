package main

import (
	"context"
	"errors"
	"io"

	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/transport/tcp"
)

// bye is what clients read last when the service drains.
const bye = "bye\n"

// serveLines serves a client by lines, on a goroutine.
func (s *service) serveLines(_ context.Context, c *tcp.Conn) error {
	write := func(p []byte) error {
		_, err := c.Write(p)
		return err
	}
	n := &session{service: s, write: write, send: write}
	defer n.close()
	for p := make([]byte, maxLine); ; {
		c.Idle() // half a line is no reason to wait either
		got, err := c.Read(p)
		if !n.feed(p[:got]) {
			return nil
		}
		switch {
		case err == io.EOF:
			n.end()
			return nil
		case errors.Is(err, tcp.ErrDraining):
			return write([]byte(bye))
		case err != nil:
			return err
		}
	}
}

// lineEvents serve clients by lines, on event loops.
func (s *service) lineEvents() loop.Events {
	of := func(c *loop.Socket) *session { return c.Value().(*session) }
	return loop.Events{
		Open: func(c *loop.Socket) {
			write := func(p []byte) error {
				_, err := c.Write(p)
				return err
			}
			c.SetValue(&session{service: s, write: write, send: c.Send})
		},
		Data: func(c *loop.Socket, p []byte) {
			if !of(c).feed(p) {
				c.Close()
			}
		},
		End: func(c *loop.Socket) {
			of(c).end()
			c.Close()
		},
		Drain: func(c *loop.Socket) {
			_, _ = c.Write([]byte(bye))
			c.Close()
		},
		Close: func(c *loop.Socket, _ error) { of(c).close() },
	}
}
