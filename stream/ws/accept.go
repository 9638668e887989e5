package ws

import (
	"context"
	"errors"

	"github.com/tako-go/tako"
)

// Accept opens a socket in the blocking form. The Conn is the caller's: it may be used after the
// handler has returned, and has to be closed. It does not end with the context of the request,
// and no timeout of that counts for it.
//
// Errors are those of the handshake, to be returned by the handler: 426 for what does not ask for
// WebSocket or not for version 13, 400 for a bad key or no common subprotocol, 403 for a foreign
// origin, 501 where no socket can be opened, 500 for a Config that makes no sense. Nothing was
// switched then. [Handler] costs less for each socket.
func Accept(c *tako.Context, cfg Config) (*Conn, error) { return newSide(cfg, false).accept(c) }

func (s *side) accept(c *tako.Context) (*Conn, error) {
	agreed, err := s.handshake(c)
	if err != nil {
		return nil, err
	}
	info, ctx := c.ConnInfo(), c.Context()
	sealed := info.TLS != nil && c.Protocol() < tako.HTTP2
	nc, err := c.Upgrade()
	if err != nil {
		return nil, s.refuse(c, err)
	}
	conn := newConn(s, agreed)
	conn.rules = c.Checker()
	conn.attach(ctx, nc, info, sealed)
	conn.b.setQuit(conn, c.OnDrain(conn.goAway))
	return conn, nil
}

// setQuit notes how to stop waiting for the drain, if the socket is not over by now.
func (b *blocking) setQuit(c *Conn, quit func() bool) {
	c.mu.Lock()
	over := c.is(stateOver)
	if !over {
		b.quit = quit
	}
	c.mu.Unlock()
	if over {
		quit()
	}
}

// Handler returns a handler that opens a socket, and serves it with f on the goroutine of the
// request. ctx ends with the socket and has the values of the request's. When f returns the
// socket is closed: with 1000, or with 1011 if it has failed or panicked, unless the peer or a
// shutdown was first. Other errors than those of the connection are returned, and logged as those
// of a handler are.
func Handler(cfg Config, f func(ctx context.Context, conn *Conn) error) tako.Handler {
	s := newSide(cfg, false)
	return func(c *tako.Context) error {
		conn, err := s.accept(c)
		if err != nil {
			return err
		}
		returned := false
		defer func() {
			if !returned { // a panic, which goes on
				_ = conn.Close(CodeInternal, "")
			}
		}()
		err = f(conn.b.ctx, conn)
		returned = true
		return conn.end(err)
	}
}

// end closes a socket whose function has returned.
func (c *Conn) end(err error) error {
	_, closed := errors.AsType[*CloseError](err)
	if err == nil || closed || errors.Is(err, ErrClosed) {
		_ = c.Close(CodeNormal, "")
		return nil
	}
	c.mu.Lock()
	known := c.err != nil && errors.Is(err, c.err)
	c.mu.Unlock()
	_ = c.Close(CodeInternal, "")
	if known {
		return nil
	}
	return err
}
