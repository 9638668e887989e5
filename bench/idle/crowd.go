package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// sources are as many addresses of this machine, so that neither ports nor a
	// bound per address run out.
	sources = 100
	// askers send at the same time; more would measure a burst of requests.
	askers = 8
	// patience with one connect or answer.
	patience = 10 * time.Second
)

// crowd is a set of open connections.
type crowd []net.Conn

// gather opens n connections, each of which gets an answer.
func gather(ctx context.Context, addr string, n int) (crowd, error) {
	c := make(crowd, n)
	err := each(ctx, n, func(i int) (err error) {
		dialer := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+i%sources))}}
		if c[i], err = dialer.DialContext(ctx, "tcp", addr); err != nil {
			return err
		}
		return ask(c[i])
	})
	if err != nil {
		c.leave()
		return nil, err
	}
	return c, nil
}

func (c crowd) leave() {
	for _, conn := range c {
		if conn != nil {
			_ = conn.Close()
		}
	}
}

// dead counts connections that get no answer any more.
func (c crowd) dead(ctx context.Context) (n int64, err error) {
	var dead atomic.Int64
	err = each(ctx, len(c), func(i int) error {
		if ask(c[i]) != nil {
			dead.Add(1)
		}
		return nil
	})
	return dead.Load(), err
}

// each calls do for 0 to n-1 on a few goroutines and returns the first error.
func each(ctx context.Context, n int, do func(i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range askers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && ctx.Err() == nil; i = next.Add(1) - 1 {
				if err := do(int(i)); err != nil {
					cancel(fmt.Errorf("connection %d: %w", i+1, err))
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// ask sends one request and reads the answer, after which the connection must
// stay open.
func ask(conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 1024), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || resp.Close {
		return fmt.Errorf("status %d, close is %v", resp.StatusCode, resp.Close)
	}
	return nil
}
