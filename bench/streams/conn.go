package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/tako-go/tako/bench/internal/wire"
)

// conn is one connection with HTTP/2, which all requests share.
type conn struct {
	*http.ClientConn
	base     string
	protocol wire.Protocol
}

// dial connects, and asks once so that the server's settings are known.
func dial(ctx context.Context, cfg config, p wire.Protocol, addr string) (conn, error) {
	transport := p.Transport(cfg.pair)
	transport.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: cfg.window}
	one, err := transport.NewClientConn(ctx, p.Scheme(), addr)
	if err != nil {
		return conn{}, fmt.Errorf("connect: %w", err)
	}
	c := conn{one, p.Scheme() + "://" + addr, p}
	if err := c.hello(ctx); err != nil {
		return conn{}, errors.Join(err, one.Close())
	}
	if n := one.Available(); n < cfg.streams {
		return conn{}, errors.Join(fmt.Errorf("the server allows %d streams on a connection, not %d", n, cfg.streams), one.Close())
	}
	return c, nil
}

// hello is a small request.
func (c conn) hello(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/", nil)
	if err != nil {
		return err
	}
	resp, err := c.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("a small request: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 100))
	if err != nil {
		return fmt.Errorf("a small answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK || string(text) != "Hello, World!" {
		return fmt.Errorf("GET / got %d %q", resp.StatusCode, text)
	}
	return c.protocol.Check(resp)
}
