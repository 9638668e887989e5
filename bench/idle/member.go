package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/tako-go/tako/bench/internal/live"
	"github.com/tako-go/tako/bench/internal/wire"
)

// patience with one connect or answer.
const patience = 10 * time.Second

// member is one connection of a crowd.
type member interface {
	// ask sends one request and reads the answer, after which the connection must stay open.
	ask(ctx context.Context) error
	Close() error
}

// join connects from an address of this machine.
func join(ctx context.Context, from net.IP, addr string, p wire.Protocol, pair wire.Pair) (member, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}
	switch p {
	case wire.HTTP1:
		conn, err := dialer.DialContext(ctx, "tcp", addr)
		return plain{conn}, err
	case wire.WebSocket:
		conn, err := dialer.DialContext(ctx, "tcp", addr)
		if err != nil {
			return nil, err
		}
		_ = conn.SetDeadline(time.Now().Add(patience))
		if err := live.Open(conn, "/ws"); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return socket{conn}, nil
	case wire.H3:
		conn, err := wire.Dial3(ctx, from, addr, pair)
		return modern{conn, p, addr}, err
	}
	transport := p.Transport(pair)
	transport.DialContext = dialer.DialContext
	conn, err := transport.NewClientConn(ctx, p.Scheme(), addr)
	return modern{conn, p, addr}, err
}

// plain takes little memory itself.
type plain struct{ net.Conn }

func (c plain) ask(context.Context) error {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReaderSize(c, 1024), nil)
	if err != nil {
		return err
	}
	return kept(resp)
}

// socket is a WebSocket, which echoes.
type socket struct{ net.Conn }

func (c socket) ask(context.Context) error {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	return live.CheckEcho(c, 5)
}

// modern is one over TLS, HTTP/2 or HTTP/3.
type modern struct {
	conn interface {
		http.RoundTripper
		io.Closer
	}
	protocol wire.Protocol
	addr     string
}

func (c modern) Close() error { return c.conn.Close() }

func (c modern) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.protocol.Scheme()+"://"+c.addr+"/", nil)
	if err != nil {
		return err
	}
	resp, err := c.conn.RoundTrip(req)
	if err != nil {
		return err
	}
	return errors.Join(kept(resp), c.protocol.Check(resp))
}

func kept(resp *http.Response) error {
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || resp.Close {
		return fmt.Errorf("status %d, close is %v", resp.StatusCode, resp.Close)
	}
	return nil
}
