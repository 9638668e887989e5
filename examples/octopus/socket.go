package main

import (
	"github.com/tako-go/tako"
	"github.com/tako-go/tako/stream/ws"
)

// openSocket is called before a socket is opened: what it refuses is answered in plain HTTP.
func (s *service) openSocket(c *tako.Context) (any, error) {
	name := c.Param("reef")
	_, err := s.reefs.Get(name)
	return name, err
}

func (s *service) joinSocket(p ws.Peer[told]) {
	if s.hubs.sockets.Join(p.Value().(string), p.Conn) == nil {
		_ = p.Send(told{Type: "joined"})
	}
}

// addSocket adds what a WebSocket speaks. On the loop runtime one that is idle needs no goroutine.
func (s *service) addSocket(live *tako.Router) {
	socket := ws.JSON[said, told]{
		OnRequest: s.openSocket,
		OnOpen:    s.joinSocket,
		OnMessage: func(p ws.Peer[told], in said) { _ = p.Send(s.say(p.Value().(string), in)) },
		OnInvalid: func(p ws.Peer[told], err error) { _ = p.Send(refusal(0, err)) },
	}
	// Pages of other sites are refused: that is the default.
	live.Get("/reefs/{reef}/socket", socket.Handler(ws.Config{MaxMessage: maxSaid}), tako.Timeout(0), tako.Hidden())
}
