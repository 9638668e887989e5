package main

import (
	"context"
	"runtime"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/transport/tcp"
	"github.com/tako-go/tako/transport/udp"
)

// newEcho sends back what it receives: on event loops, or for std on a goroutine for each
// connection.
func newEcho(o options) tako.Server {
	runtime.GOMAXPROCS(o.workers)
	if o.runtime != "loop" {
		return tcp.New(echoAlone, tcp.Config{Addr: o.addr})
	}
	events := loop.Events{Data: func(s *loop.Socket, p []byte) {
		if _, err := s.Write(p); err != nil {
			s.Reset()
		}
	}}
	return loop.NewTCP(events, loop.TCPConfig{Addr: o.addr, Loops: o.workers, Poller: loopPoller(o)})
}

// newDatagrams sends back datagrams, with every setting at its default.
func newDatagrams(o options) tako.Server {
	runtime.GOMAXPROCS(o.workers)
	return udp.New(func(_ context.Context, p *udp.Packet) error {
		_, err := p.Reply(p.Data)
		return err
	}, udp.Config{Addr: o.addr})
}

// echoAlone does not leave it to io.Copy, which would splice: messages are short.
func echoAlone(_ context.Context, c *tcp.Conn) error {
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return nil // the client is gone
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return err
		}
	}
}
