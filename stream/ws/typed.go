package ws

import (
	"context"
	"errors"

	"github.com/tako-go/tako"
)

// JSON is [Events] whose messages are JSON: In is what the peer sends, Out what it is sent.
// Messages are decoded and checked as by [ReadJSON]. All functions may be nil.
type JSON[In, Out any] struct {
	// OnRequest is that of Events.
	OnRequest func(c *tako.Context) (value any, err error)
	// OnOpen is called first.
	OnOpen func(p Peer[Out])
	// OnMessage is called with each message.
	OnMessage func(p Peer[Out], in In)
	// OnInvalid is called for a message that is no In, with a [*tako.Error] with status 400 or 422.
	// Default: close with 1007 if it does not decode, and with 1008 if it breaks rules.
	OnInvalid func(p Peer[Out], err error)
	// OnClose is called last; see Events.
	OnClose func(p Peer[Out], err error)
}

// Peer is a [Conn] to which messages of one type are sent.
type Peer[Out any] struct{ *Conn }

// Send sends v as text; see [Conn.Send].
func (p Peer[Out]) Send(v Out) error { return SendJSON(p.Conn, v) }

// Handler is that of [Events].
func (j JSON[In, Out]) Handler(cfg Config) tako.Handler {
	e := Events{OnRequest: j.OnRequest, OnMessage: j.message}
	if j.OnOpen != nil {
		e.OnOpen = func(c *Conn) { j.OnOpen(Peer[Out]{c}) }
	}
	if j.OnClose != nil {
		e.OnClose = func(c *Conn, err error) { j.OnClose(Peer[Out]{c}, err) }
	}
	return e.Handler(cfg)
}

func (j JSON[In, Out]) message(c *Conn, _ Type, data []byte) {
	var in In
	err := c.decode(context.Background(), data, &in)
	switch {
	case err == nil && j.OnMessage != nil:
		j.OnMessage(Peer[Out]{c}, in)
	case err == nil:
	case j.OnInvalid != nil:
		j.OnInvalid(Peer[Out]{c}, err)
	default:
		refuseMessage(c, err)
	}
}

// refuseMessage closes a socket for a message that is no In.
func refuseMessage(c *Conn, err error) {
	code, reason := CodeInternal, ""
	if e, ok := errors.AsType[*tako.Error](err); ok && e.Status < 500 {
		if code, reason = CodePolicy, e.Detail; e.Status == 400 {
			code = CodeInvalidPayload
		}
	}
	_ = c.Close(code, reason)
}
