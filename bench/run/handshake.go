package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/tako-go/tako/bench/internal/wire"
)

// handshakePatience is how long one connection may take.
const handshakePatience = 10 * time.Second

// handshaker connects, shakes hands in full, asks once, and connects again.
type handshaker struct {
	addr    string
	request []byte
	config  *tls.Config
}

func newHandshaker(addr string, pair wire.Pair) *handshaker {
	return &handshaker{
		addr:    addr,
		request: []byte("GET / HTTP/1.1\r\nHost: " + addr + "\r\nConnection: close\r\n\r\n"),
		config: &tls.Config{
			RootCAs:    pair.Roots,
			MinVersion: tls.VersionTLS13,
			NextProtos: []string{"http/1.1"},
			// As for the servers that can be told. Without a cache of sessions the client
			// asks for no tickets and sends none.
			CurvePreferences:       []tls.CurveID{tls.X25519},
			SessionTicketsDisabled: true,
		},
	}
}

// runHandshakes keeps as many connections busy at a time.
func runHandshakes(ctx context.Context, addr string, pair wire.Pair, conns int, length time.Duration) (loadResult, error) {
	h := newHandshaker(addr, pair)
	return together(ctx, conns, length, func(ctx context.Context, _ int, until time.Time) (*tally, error) {
		return again(ctx, until, func() error {
			if err := h.once(ctx); err != nil {
				return fmt.Errorf("a connection with TLS: %w", err)
			}
			return nil
		})
	})
}

func (h *handshaker) once(ctx context.Context) error {
	plain, err := new(net.Dialer).DialContext(ctx, "tcp", h.addr)
	if err != nil {
		return err
	}
	config := h.config.Clone()
	config.ServerName, _, _ = net.SplitHostPort(h.addr)
	conn := tls.Client(plain, config)
	defer plain.Close()
	if err := conn.SetDeadline(time.Now().Add(handshakePatience)); err != nil {
		return err
	}
	if _, err := conn.Write(h.request); err != nil {
		return err
	}
	answered := readHello(conn)
	state := conn.ConnectionState()
	if state.DidResume {
		return errors.New("a session was resumed")
	}
	if err := wire.CheckHandshake(&state); err != nil {
		return err
	}
	return answered
}
