package tcp_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/tcp"
)

// A client that goes away ends the context of a handler that does nothing at all.
func TestCN07Gone(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("on this system only a read or write can tell")
	}
	tests := []struct {
		name   string
		leave  func(c *client)
		writes bool // to a client that is not there
	}{
		{name: "reset", leave: func(c *client) { _ = c.Conn.(*net.TCPConn).SetLinger(0); _ = c.Close() }},
		{name: "closed", leave: func(c *client) { _ = c.Close() }, writes: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			entered, gone := make(chan struct{}), make(chan error, 1)
			logs := &logbook{}
			s := start(t, func(ctx context.Context, c *tcp.Conn) error {
				close(entered)
				for err := error(nil); tt.writes && err == nil; {
					_, err = c.Write(make([]byte, 1<<10))
				}
				<-ctx.Done()
				gone <- context.Cause(ctx)
				return ctx.Err()
			}, tcp.Config{Log: logs.log()})
			c := dial(t, s)
			<-entered
			tt.leave(c)
			left := time.Now()
			assert.ErrorIs(t, wait(t, "the context ends", gone), tako.ErrClientGone)
			if took := time.Since(left); took > patience/2 {
				t.Errorf("the context ended %v after the client had left", took)
			}
			assert.Eventually(t, patience, "it is gone", func() bool { return s.Stats().Conns == 0 })
			assert.Equal(t, s.Stats().Errors, int64(0))
			assert.Contains(t, logs.String(), "client closed")
		})
	}
}

// A client that only ends its half is not gone.
func TestCN07Half(t *testing.T) {
	t.Parallel()
	s := start(t, func(ctx context.Context, c *tcp.Conn) error {
		select {
		case <-ctx.Done():
			t.Error("the context has ended")
		case <-time.After(1200 * time.Millisecond):
		}
		_, err := io.WriteString(c, "done\n")
		return err
	}, tcp.Config{})
	c := dial(t, s)
	assert.NoError(t, c.Conn.(*net.TCPConn).CloseWrite())
	c.gets("done")
	c.ended()
}

func TestCN08Panic(t *testing.T) {
	t.Parallel()
	certs := transport.SelfSigned()
	for name, end := range map[string]func(){
		"panic":  func() { panic("on purpose") },
		"goexit": runtime.Goexit,
	} {
		for _, layers := range [][]tcp.Layer{nil, {tcp.TLS(certs)}} {
			t.Run(name, func(t *testing.T) {
				logs := &logbook{}
				s := start(t, func(_ context.Context, c *tcp.Conn) error {
					line := make([]byte, 4)
					_, err := io.ReadFull(c, line)
					if string(line) == "boom" {
						end()
					}
					_, _ = c.Write(append(line, '\n'))
					return err
				}, tcp.Config{Log: logs.log()}, layers...)
				for range 3 {
					c := dial(t, s)
					if layers != nil {
						c = secure(t, c, certs)
					}
					c.send("boom")
					// A clean end would look like that of the answer.
					if _, err := io.ReadAll(c.in); !errors.Is(err, syscall.ECONNRESET) {
						t.Errorf("got %v, want a reset", err)
					}
				}
				c := dial(t, s)
				if layers != nil {
					c = secure(t, c, certs)
				}
				c.send("fine")
				c.gets("fine")
				assert.Eventually(t, patience, "they are gone", func() bool { return s.Stats().Conns == 0 })
				assert.Equal(t, s.Stats().Panics, int64(3))
				text := logs.String()
				if name == "panic" {
					assert.Equal(t, strings.Count(text, "on purpose"), 3, "logged")
					assert.Contains(t, text, "handler_test.go")
				} else {
					assert.Equal(t, strings.Count(text, "ended its goroutine"), 3, "logged")
				}
			})
		}
	}
}

// Deadlines of the handler's own hold beside the limits.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	s := start(t, func(_ context.Context, c *tcp.Conn) error {
		if err := c.SetDeadline(time.Now().Add(short / 10)); err != nil {
			return err
		}
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("read in time")
		}
		if err := c.SetDeadline(time.Time{}); err != nil {
			return err
		}
		if _, err := io.WriteString(c, "again\n"); err != nil {
			return err
		}
		return echo(context.Background(), c)
	}, tcp.Config{})
	c := dial(t, s)
	c.gets("again")
	c.asks("hello")
	assert.Equal(t, s.Stats().TimedOut, int64(0))
}

// yielding is a connection that lets others run behind each write.
type yielding struct{ net.Conn }

func (c yielding) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	<-time.After(time.Millisecond)
	return n, err
}

type yieldingListener struct{ net.Listener }

func (l yieldingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return yielding{c}, err
}

// What several goroutines write at the same time does not mix, however much it is.
func TestWritesDoNotMix(t *testing.T) {
	t.Parallel()
	const writers, size = 4, 1 << 20
	s := start(t, func(_ context.Context, c *tcp.Conn) error {
		ended := make(chan error, writers)
		for i := range writers {
			go func() {
				_, err := c.Write(bytes.Repeat([]byte{'a' + byte(i)}, size))
				ended <- err
			}()
		}
		var err error
		for range writers {
			err = errors.Join(err, <-ended)
		}
		return err
	}, tcp.Config{Listener: yieldingListener{listener(t)}})
	got, err := io.ReadAll(dial(t, s).in)
	assert.NoError(t, err)
	assert.Equal(t, len(got), writers*size)
	for i := range writers {
		if part := got[i*size : (i+1)*size]; bytes.Count(part, part[:1]) != size {
			t.Fatal("two writes have mixed")
		}
	}
}
