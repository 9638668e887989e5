package loop

import (
	"errors"
	"net/http"
	"sync"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/http1"
)

// errRefused ends an upgraded connection whose handler has not returned nil.
var errRefused = errors.New("loop: the handler that has upgraded has failed")

// UpgradeEvents makes a connection that is on an event loop a socket, once the handler has
// returned: until then the answer is gathered as others are. Connections that have left their
// loop have no events.
func (x *exchange) UpgradeEvents(h *tako.Header, protocol string, ev tako.StreamEvents, cfg tako.EventConfig) error {
	host := x.wire.socketHost()
	switch {
	case host == nil || x.route == nil:
		return errors.ErrUnsupported
	case x.err != nil:
		return x.err
	case x.headSent || x.hijacked:
		return http.ErrHijacked
	}
	x.headSent, x.noBody = true, true
	x.up = &Socket{kind: x.srv.upgrades.of(x.srv, x.route), ev: ev, peer: x.peer, host: host, room: cfg.Unsent, stall: cfg.WriteTimeout}
	b := append(x.out, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"...)
	if !h.Has("Upgrade") {
		b = http1.AppendField(b, "Upgrade", protocol)
	}
	for i := range h.Len() {
		switch name, value := h.Field(i); name {
		case "Connection", "Content-Length", "Transfer-Encoding":
		default:
			b = http1.AppendField(b, name, value)
		}
	}
	x.out = append(b, '\r', '\n')
	return nil
}

// upgrades has what the upgraded connections of each route have in common.
type upgrades struct {
	mu  sync.Mutex
	all map[routeKey]*kind
}

// routeKey names a route, also behind one router of the same routes or another.
type routeKey struct {
	method, pattern string
	mode            tako.DispatchMode
}

func (u *upgrades) of(s *Server, route *tako.RouteRef) *kind {
	u.mu.Lock()
	defer u.mu.Unlock()
	key := routeKey{route.Method, route.Pattern, route.Mode}
	k := u.all[key]
	if k == nil {
		of := *route
		if of.Pattern == "" {
			of.Pattern = route.String()
		}
		k = newKind(s, len(u.all)+1, of)
		if u.all == nil {
			u.all = map[routeKey]*kind{}
		}
		u.all[key] = k
	}
	return k
}

// socketHost is nil: a stream waits on its goroutine.
func (st *stream) socketHost() socketHost { return nil }
