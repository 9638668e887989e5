package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/tcp"
	"github.com/tako-go/tako/transport/udp"
)

// streams serves raw connections: a line that says who the client is, and then what it sends.
func streams(e transport.Endpoint, certs tako.Certs, log *slog.Logger) tako.Server {
	var layers []tcp.Layer
	if e.Proxy.Mode != tako.ProxyOff {
		layers = append(layers, tcp.Proxy(e.Proxy))
	}
	if e.Protocol == transport.TLS {
		layers = append(layers, tcp.TLS(certs))
	}
	return tcp.New(func(_ context.Context, c *tcp.Conn) error {
		if _, err := fmt.Fprintln(c, clientText(c.Info())); err != nil {
			return err
		}
		_, err := io.Copy(c, c)
		return err
	}, tcp.Config{Listen: e.Listen, Log: log}, layers...)
}

// streamEvents is the same on event loops, which have no TLS.
func streamEvents(e transport.Endpoint, poller string, log *slog.Logger) tako.Server {
	write := func(s *loop.Socket, p []byte) {
		if _, err := s.Write(p); err != nil {
			s.Reset()
		}
	}
	return loop.NewTCP(loop.Events{
		Open:  func(s *loop.Socket) { write(s, []byte(clientText(s.Info())+"\n")) },
		Data:  write,
		Drain: func(*loop.Socket) {}, // it ends when the client is through
	}, loop.TCPConfig{Listen: e.Listen, Proxy: e.Proxy, Poller: poller, Log: log})
}

// datagrams sends each datagram back, behind a line that says who has sent it.
func datagrams(e transport.Endpoint, log *slog.Logger) tako.Server {
	return udp.New(func(_ context.Context, p *udp.Packet) error {
		_, err := p.Reply(append([]byte(clientText(p.Info())+"\n"), p.Data...))
		return err
	}, udp.Config{Listen: e.ListenPacket, Log: log})
}

func clientText(info *tako.ConnInfo) string {
	text := info.Transport + " " + addrText(info.Remote)
	if info.Peer != nil {
		text += fmt.Sprintf(" pid %d", info.Peer.PID)
	}
	if info.Proxy != nil {
		text += fmt.Sprintf(" proxy %d", info.Proxy.Version)
	}
	return text
}
