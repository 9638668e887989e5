package quic

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	lib "github.com/quic-go/quic-go"

	"github.com/tako-go/tako"
)

const (
	codeFailed = 1 // closes connections whose handler has failed, and those that a drain cuts
	linger     = 500 * time.Millisecond
)

// Conn is one connection. Its methods may be called concurrently. When it has ended their error is
// a [ConnError], or one that matches [tako.ErrClientGone] if the client was lost.
type Conn struct {
	s    *Server
	lib  *lib.Conn
	info *tako.ConnInfo

	ctx    context.Context
	cancel context.CancelCauseFunc

	cutOff bool // by Shutdown; guarded by mu of the server
}

// serve gives a connection to the handler.
func (s *Server) serve(qc *lib.Conn) {
	if a, ok := qc.Context().Value(slotKey{}).(*slot); ok {
		a.handshake()
	}
	state := qc.ConnectionState().TLS
	c := &Conn{s: s, lib: qc, info: &tako.ConnInfo{Transport: "quic", Remote: qc.RemoteAddr(), Local: qc.LocalAddr(), TLS: &state}}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	context.AfterFunc(qc.Context(), func() { c.cancel(convert(context.Cause(qc.Context()))) })
	s.accepted.Add(1)
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	go func() {
		defer s.forget(c)
		c.run()
	}()
}

// run calls the handler, and closes the connection.
func (c *Conn) run() {
	var err error
	returned := false
	defer func() {
		if returned {
			return
		}
		p := recover()
		c.s.failed.Add(1)
		c.s.log.Error("a handler has panicked", "peer", c.info.Remote, "panic", p, "stack", string(debug.Stack()))
		_ = c.Close(codeFailed, "")
	}()
	err = c.s.handler(c.ctx, c)
	returned = true
	own, ok := errors.AsType[*ConnError](err)
	switch {
	case c.ctx.Err() != nil || errors.Is(err, tako.ErrClientGone):
		_ = c.Close(0, "")
	case err == nil:
		timer := time.NewTimer(linger)
		defer timer.Stop()
		select {
		case <-c.ctx.Done():
		case <-timer.C:
		}
		_ = c.Close(0, "")
	case ok && !own.Remote:
		_ = c.Close(own.Code, own.Reason)
	default:
		c.s.failed.Add(1)
		c.s.log.Error("a handler has failed", "peer", c.info.Remote, "err", err)
		_ = c.Close(codeFailed, "")
	}
	<-c.ctx.Done()
}

// Info describes the connection, as its handshake has found it.
func (c *Conn) Info() *tako.ConnInfo { return c.info }

// Protocol is the one of Config.Protocols that was agreed on.
func (c *Conn) Protocol() string { return c.info.TLS.NegotiatedProtocol }

// Context ends with the connection, with the error of that as its cause.
func (c *Conn) Context() context.Context { return c.ctx }

// Draining is closed when the server begins to drain. The connection may go on until the time for
// that is over.
func (c *Conn) Draining() <-chan struct{} { return c.s.draining }

// Close ends the connection at once, and tells the client why. What it has not got yet is lost.
// Codes are up to 2^62-1. Later calls do nothing.
func (c *Conn) Close(code uint64, reason string) error {
	return convert(c.lib.CloseWithError(lib.ApplicationErrorCode(code), reason))
}

// AcceptStream returns the next bidirectional stream of the client.
func (c *Conn) AcceptStream(ctx context.Context) (*Stream, error) {
	str, err := c.lib.AcceptStream(ctx)
	if err != nil {
		return nil, convert(err)
	}
	return &Stream{receiver{str}, sender{str}}, nil
}

// AcceptUniStream returns the next unidirectional stream of the client.
func (c *Conn) AcceptUniStream(ctx context.Context) (*ReceiveStream, error) {
	str, err := c.lib.AcceptUniStream(ctx)
	if err != nil {
		return nil, convert(err)
	}
	return &ReceiveStream{receiver{str}}, nil
}

// OpenStream opens a bidirectional stream. It waits while the client allows no more. The client
// learns of it by the first write.
func (c *Conn) OpenStream(ctx context.Context) (*Stream, error) {
	str, err := c.lib.OpenStreamSync(ctx)
	if err != nil {
		return nil, convert(err)
	}
	return &Stream{receiver{str}, sender{str}}, nil
}

// OpenUniStream opens a unidirectional stream. It waits while the client allows no more.
func (c *Conn) OpenUniStream(ctx context.Context) (*SendStream, error) {
	str, err := c.lib.OpenUniStreamSync(ctx)
	if err != nil {
		return nil, convert(err)
	}
	return &SendStream{sender{str}}, nil
}

// SendDatagram sends a datagram, which may be lost. It must fit into a packet, of which about 1200
// bytes are certain: else the error is [ErrDatagramTooLarge]. It waits while 32 others wait to be
// sent. Where one side does not take datagrams the error matches errors.ErrUnsupported.
func (c *Conn) SendDatagram(p []byte) error {
	if d := c.lib.ConnectionState().SupportsDatagrams; !d.Local || !d.Remote {
		return errors.ErrUnsupported
	}
	return convert(c.lib.SendDatagram(p))
}

// ReceiveDatagram returns the next datagram, which is the caller's. 128 wait for it; more are
// dropped.
func (c *Conn) ReceiveDatagram(ctx context.Context) ([]byte, error) {
	if !c.s.cfg.Datagrams {
		return nil, errors.ErrUnsupported
	}
	p, err := c.lib.ReceiveDatagram(ctx)
	return p, convert(err)
}
