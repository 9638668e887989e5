package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako/bench/internal/live"
)

const (
	// patience with what has to happen at once.
	patience = 10 * time.Second
	// A slow member reads so much at a time, and waits so long before it reads again.
	slowRead = 4 << 10
	slowWait = 100 * time.Millisecond
	// narrow is the receive buffer of who does not keep up, so that the kernel holds little.
	narrow = 4 << 10
)

// kind is how a member reads.
type kind int

const (
	fast kind = iota
	slow
	stalled
)

// member is one socket in the room.
type member struct {
	net.Conn
	kind
	got, last atomic.Int64
	// begun is what it had got when the flood began.
	begun int64
	// cut is set when the server has ended the connection.
	cut atomic.Bool
}

func join(ctx context.Context, addr string, k kind) (*member, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	m := &member{Conn: conn, kind: k}
	if k != fast {
		err = conn.(*net.TCPConn).SetReadBuffer(narrow)
	}
	if err == nil {
		err = conn.SetDeadline(time.Now().Add(patience))
	}
	if err == nil {
		err = live.Open(conn, "/room")
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return m, nil
}

// listen reads until ctx is done, heard being called each time something has come. That the
// server ends the connection is no error but for fast members.
func (m *member) listen(ctx context.Context, heard func()) error {
	if m.kind == stalled {
		<-ctx.Done()
		return nil
	}
	defer context.AfterFunc(ctx, func() { _ = m.SetDeadline(time.Now()) })()
	var in live.Listener
	buf := make([]byte, slowRead)
	if m.kind == fast {
		buf = make([]byte, 64<<10)
	}
	for {
		n, err := m.Read(buf)
		if ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err == nil {
			err = in.Feed(buf[:n])
		}
		if err != nil {
			m.cut.Store(true)
			if m.kind == fast {
				return fmt.Errorf("a member that reads at once: %w", err)
			}
			return nil
		}
		m.got.Store(in.Got)
		m.last.Store(int64(in.Last))
		heard()
		if m.kind == slow && !pause(ctx, slowWait) {
			return nil
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
