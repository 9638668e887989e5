package main

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"time"

	"github.com/tako-go/tako/bench/internal/launch"
	"github.com/tako-go/tako/bench/internal/live"
)

// streaming is a load over connections that stay open.
type streaming struct {
	// path is what all connections ask for.
	path string
	// size of messages that come back, each to the connection that sent it. 0 sends to all.
	size int
	// events are server-sent, in place of WebSocket.
	events bool
	// rate is how many messages for all are sent in a second, 0 the next one when the last one
	// has come to all.
	rate float64
}

func (s streaming) suits(t launch.Target) bool {
	switch {
	case s.events:
		return t.Events
	case s.size == 0:
		return t.Rooms
	}
	return t.Sockets
}

// text says what is loaded.
func (s streaming) text(conns, window int, length time.Duration) string {
	switch {
	case s.size > 0:
		return fmt.Sprintf("WebSocket messages of %d bytes on %d connections, %d at a time on each, for %v", s.size, conns, window, length)
	case s.events:
		return fmt.Sprintf("%.0f events of %d bytes in a second to %d clients for %v", s.rate, live.NoteSize, conns, length)
	}
	return fmt.Sprintf("WebSocket messages of %d bytes to %d connections, one after the other, for %v", live.NoteSize, conns, length)
}

// liveThreads are those of the client.
func liveThreads() int { return min(4, runtime.NumCPU()) }

// runLive opens the connections before anything counts.
func (l loader) runLive(ctx context.Context, addr string, s scenario, conns int, length time.Duration) (loadResult, error) {
	gather := live.Sockets
	if s.live.events {
		gather = live.Subscribers
	}
	crowd, err := gather(ctx, addr, s.live.path, conns, liveThreads())
	if err != nil {
		return loadResult{}, err
	}
	defer crowd.Close()
	if s.live.size == 0 {
		return l.runFanout(ctx, addr, crowd, *s.live, length)
	}
	if err := l.span.begin(); err != nil {
		return loadResult{}, err
	}
	result, err := together(ctx, min(liveThreads(), conns), length, func(ctx context.Context, id int, until time.Time) (*tally, error) {
		counted, err := crowd.Echo(ctx, id, s.live.size, max(1, s.streams), until)
		if err != nil {
			return nil, err
		}
		return &tally{Histogram: *counted}, nil
	})
	if err != nil {
		return result, err
	}
	return result, l.span.end()
}

func (l loader) runFanout(ctx context.Context, addr string, crowd *live.Crowd, s streaming, length time.Duration) (loadResult, error) {
	var before, used time.Duration
	fanout := live.Fanout{
		Publish: crowd.Say,
		Rate:    s.rate,
		Ready:   func() error { before = ownCPU(); return l.span.begin() },
		Done:    func() error { used = ownCPU() - before; return l.span.end() },
	}
	if s.events {
		press, err := live.NewPublisher(ctx, addr)
		if err != nil {
			return loadResult{}, err
		}
		defer press.Close()
		fanout.Publish = press.Post
	}
	got, err := fanout.Run(ctx, crowd, length)
	if err != nil {
		return loadResult{}, err
	}
	all := tally{got.Histogram, got.Lost}
	return all.result(got.Took, used)
}

// checkLive wants a message back, or notes that come to a few.
func checkLive(ctx context.Context, addr string, s scenario) error {
	if s.live.size == 0 {
		_, err := loader{}.runLive(ctx, addr, s, 3, time.Millisecond)
		return err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	if err := live.Open(conn, s.live.path); err != nil {
		return err
	}
	return live.CheckEcho(conn, s.live.size)
}
