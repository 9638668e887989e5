package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tako-go/tako/bench/internal/wire"
)

// runStreams3 repeats the request of a scenario over HTTP/3, on so many streams of each
// connection.
func runStreams3(ctx context.Context, addr string, pair wire.Pair, conns int, s scenario, length time.Duration) (loadResult, error) {
	var all []*wire.Conn3
	defer func() {
		for _, c := range all {
			_ = c.Close()
		}
	}()
	for range conns {
		c, err := wire.Dial3(ctx, nil, addr, pair)
		if err != nil {
			return loadResult{}, err
		}
		all = append(all, c)
	}
	return together(ctx, conns*s.streams, length, func(ctx context.Context, id int, until time.Time) (*tally, error) {
		return repeat3(ctx, all[id%conns], addr, s.loaded, until)
	})
}

// repeat3 checks the first answer, and the others only for being the same.
func repeat3(ctx context.Context, c *wire.Conn3, addr string, p probe, until time.Time) (*tally, error) {
	// What the scenario ends with waits for the answers.
	ctx, cancel := context.WithDeadline(ctx, until.Add(handshakePatience))
	defer cancel()
	first, err := ask3(ctx, c, addr, p)
	if err != nil {
		return nil, err
	}
	if err := p.checkBody(first); err != nil {
		return nil, err
	}
	return again(ctx, until, func() error {
		body, err := ask3(ctx, c, addr, p)
		if err == nil && !bytes.Equal(body, first) {
			err = errors.New("another answer than before")
		}
		return err
	})
}

func ask3(ctx context.Context, c *wire.Conn3, addr string, p probe) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, p.verb(), "https://"+addr+p.target, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("a request over HTTP/3: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != p.status {
		err = fmt.Errorf("got status %d, want %d", resp.StatusCode, p.status)
	}
	return body, err
}

// runHandshakes3 is runHandshakes over QUIC.
func runHandshakes3(ctx context.Context, addr string, pair wire.Pair, conns int, length time.Duration) (loadResult, error) {
	return together(ctx, conns, length, func(ctx context.Context, _ int, until time.Time) (*tally, error) {
		return again(ctx, until, func() error { return handshake3(ctx, addr, pair) })
	})
}

func handshake3(ctx context.Context, addr string, pair wire.Pair) error {
	ctx, cancel := context.WithTimeout(ctx, handshakePatience)
	defer cancel()
	c, err := wire.Dial3(ctx, nil, addr, pair)
	if err != nil {
		return err
	}
	defer c.Close()
	body, err := ask3(ctx, c, addr, hello)
	if err != nil {
		return err
	}
	return hello.checkBody(body)
}
