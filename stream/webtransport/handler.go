package webtransport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tako-go/tako"
)

// Config configures a route for sessions. The zero value lets pages of the own origin in.
type Config struct {
	// Origins may open sessions beside the origin of the server itself: "https://app.example",
	// with the port if it is not the default one. "*" means all, but there are no patterns.
	// Others are answered 403. A request without Origin is not from a browser, and let in.
	Origins []string
	// Datagrams is how many received ones wait for ReceiveDatagram. Of more the oldest is dropped.
	// Default: 128; from 1 to 65536.
	Datagrams int
	// IdleTimeout closes a session, with code 0 and the reason "idle", when for so long nothing has
	// come or gone on its streams and by datagram. What comes on a stream counts when it is
	// accepted or read, what goes when the client leaves room for it: 4 KiB in that time are enough.
	// Default: 0, none: whether the client is there is found out by PING of QUIC.
	IdleTimeout time.Duration
}

// Handler makes a handler for a route of GET, on which sessions are opened. f serves each, on the
// goroutine of its request, and may use it until it returns: then it is closed, with code 0 if the
// error is nil or says that the client is gone. A [SessionError] that f has made closes it with
// its code and reason, any other error, which is logged, and a panic with code 1. ctx ends with the session;
// limits of time for requests do not hold for it.
//
// Requests that are not for WebTransport are answered 405, those for another protocol, and over
// connections that cannot have sessions, 501. Handler panics if cfg is not valid.
func Handler(cfg Config, f func(ctx context.Context, s *Session) error) tako.Handler {
	allowed, err := newOrigins(cfg.Origins)
	if err != nil {
		panic(err.Error())
	}
	if cfg.Datagrams == 0 {
		cfg.Datagrams = 128
	}
	if cfg.Datagrams < 1 || cfg.Datagrams > 1<<16 {
		panic(fmt.Sprintf("webtransport: Config.Datagrams is %d: it must be 1 to 65536, or 0 for the default", cfg.Datagrams))
	}
	if cfg.IdleTimeout < 0 {
		panic(fmt.Sprintf("webtransport: Config.IdleTimeout is %v: it must not be negative", cfg.IdleTimeout))
	}
	return func(c *tako.Context) error {
		if err := check(c, allowed); err != nil {
			return err
		}
		conn, err := c.Upgrade()
		if errors.Is(err, errors.ErrUnsupported) {
			return unsupported("this server does not take sessions of WebTransport", err)
		}
		if err != nil {
			return err
		}
		own, ok := conn.(sessionConn)
		if !ok {
			_ = conn.Close()
			return fmt.Errorf("webtransport: the connection was taken over as %T: %w", conn, errors.ErrUnsupported)
		}
		s := own.s
		s.begin(cfg, c.Draining())
		defer c.OnDrain(s.tellDrain)()
		return serve(s, f)
	}
}

// check judges a request before there is a session.
func check(c *tako.Context, allowed origins) error {
	switch c.UpgradeProtocol() {
	case "webtransport", "webtransport-h3":
	case "":
		return notForOthers()
	default:
		if c.Protocol() != tako.HTTP2 && c.Protocol() != tako.HTTP3 {
			return notForOthers()
		}
		return unsupported("this resource is for WebTransport alone", nil)
	}
	if c.Protocol() != tako.HTTP3 {
		return unsupported("WebTransport is served over HTTP/3 alone", errors.ErrUnsupported)
	}
	if !allowed.allow(c) {
		return &tako.Error{Status: http.StatusForbidden, Detail: "sessions may not be opened from this origin"}
	}
	return nil
}

func notForOthers() error {
	e := &tako.Error{Status: http.StatusMethodNotAllowed, Detail: "this resource is for WebTransport"}
	e.Header.Set("Allow", http.MethodConnect)
	return e
}

func unsupported(detail string, err error) error {
	return &tako.Error{Status: http.StatusNotImplemented, Detail: detail, Err: err}
}

// serve calls f, and closes the session by what becomes of it.
func serve(s *Session, f func(context.Context, *Session) error) error {
	returned := false
	defer func() {
		if !returned {
			_ = s.Close(codeFailed, "")
		}
	}()
	err := f(s.ctx, s)
	returned = true
	own, ok := errors.AsType[*SessionError](err)
	switch {
	case err == nil || s.ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(s.ctx))):
		return s.Close(0, "")
	case errors.Is(err, tako.ErrClientGone):
		return s.Close(0, "")
	case ok && !own.Remote:
		return s.Close(own.Code, own.Reason)
	}
	_ = s.Close(codeFailed, "")
	return err
}
