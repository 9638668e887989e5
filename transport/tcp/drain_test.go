package tcp_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/succession"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/tcp"
)

// result is what a Shutdown has returned.
type result struct {
	report tako.Report
	err    error
}

func shutdown(ctx context.Context, s *tcp.Server) <-chan result {
	ch := make(chan result, 1)
	go func() {
		report, err := s.Shutdown(ctx)
		ch <- result{report, err}
	}()
	return ch
}

// lines echoes lines; the line "work" takes until work is closed.
func lines(entered chan<- struct{}, work <-chan struct{}) tcp.Handler {
	return func(_ context.Context, c *tcp.Conn) error {
		buf := make([]byte, 64)
		for {
			c.Idle()
			n, err := c.Read(buf)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if string(buf[:n]) == "work\n" {
				entered <- struct{}{}
				<-work
			}
			if _, err := c.Write(buf[:n]); err != nil {
				return err
			}
		}
	}
}

// Idle clients leave at once, work ends, and nobody waits for more.
func TestSD01Drain(t *testing.T) {
	t.Parallel()
	certs := transport.SelfSigned()
	for name, layers := range map[string][]tcp.Layer{"plain": nil, "tls": {tcp.TLS(certs)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const clients = 100
			entered, work := make(chan struct{}), make(chan struct{})
			release := sync.OnceFunc(func() { close(work) })
			defer release()
			s := start(t, lines(entered, work), tcp.Config{}, layers...)
			connect := func() *client {
				c := dial(t, s)
				if layers != nil {
					c = secure(t, c, certs)
				}
				c.asks("hello")
				return c
			}
			var idle []*client
			for range clients {
				idle = append(idle, connect())
			}
			busy := connect()
			busy.send("work\n")
			wait(t, "the work begins", entered)
			ended := shutdown(context.Background(), s)
			for _, c := range append(idle, busy) { // to connect all may have taken long
				assert.NoError(t, c.SetDeadline(time.Now().Add(patience)))
			}
			for _, c := range idle {
				c.ended()
			}
			busy.silent(short / 3)
			released := time.Now()
			release()
			busy.gets("work")
			busy.ended()
			got := wait(t, "Shutdown ends", ended)
			if took := time.Since(released); took > patience/4 {
				t.Errorf("Shutdown ended %v after the work", took)
			}
			assert.NoError(t, got.err)
			// The last one was idle when its work was done.
			assert.Equal(t, got.report.Idle+got.report.Drained, clients+1, "connections")
			assert.Equal(t, got.report.Idle > clients/2, true, "idle, if they have got to their next read")
			assert.Equal(t, got.report.Cut, 0, "cut")
		})
	}
}

// What has come already is served, also by who looks for it after the drain began.
func TestSD01Pending(t *testing.T) {
	t.Parallel()
	entered, work := make(chan struct{}), make(chan struct{})
	s := start(t, lines(entered, work), tcp.Config{})
	c := dial(t, s)
	c.send("work\n")
	wait(t, "the work begins", entered)
	c.send("pipelined\n")
	ended := shutdown(context.Background(), s)
	assert.Eventually(t, patience, "nobody can connect", func() bool { return refuses(s) })
	close(work)
	c.gets("work")
	c.gets("pipelined")
	c.ended()
	assert.NoError(t, wait(t, "Shutdown ends", ended).err)
}

// A connection that has just come may say its first word, though its handler waits behind Idle.
func TestSD01Fresh(t *testing.T) {
	t.Parallel()
	for range 10 {
		s := start(t, lines(nil, nil), tcp.Config{})
		began := time.Now()
		c := dial(t, s)
		assert.Eventually(t, patience, "it is served", func() bool { return s.Stats().Conns == 1 })
		ended := shutdown(context.Background(), s)
		assert.Eventually(t, patience, "nobody can connect", func() bool { return refuses(s) })
		_, err := c.Write([]byte("late\n"))
		line, _ := c.in.ReadString('\n')
		if time.Since(began) > 900*time.Millisecond {
			continue // it was not fresh any more
		}
		assert.NoError(t, err)
		assert.Equal(t, line, "late\n")
		c.ended()
		assert.NoError(t, wait(t, "Shutdown ends", ended).err)
		return
	}
	t.Skip("ten times the client had its second behind it before it could speak")
}

// SD-09: where a successor serves clients leave behind their next message.
func TestSD09Successor(t *testing.T) {
	t.Parallel()
	s := start(t, lines(nil, nil), tcp.Config{})
	spoken, fresh, silent := dial(t, s), dial(t, s), dial(t, s)
	spoken.asks("hello")
	assert.Eventually(t, patience, "all are served", func() bool { return s.Stats().Conns == 3 })
	ended := shutdown(succession.With(t.Context(), patience), s)
	assert.Eventually(t, patience, "nobody can connect", func() bool { return refuses(s) })
	for _, c := range []*client{spoken, fresh} {
		c.asks("once more")
		c.ended()
	}
	_ = silent.Close()
	got := wait(t, "Shutdown ends", ended)
	assert.NoError(t, got.err)
	assert.Equal(t, got.report.Cut, 0, "cut")

	s = start(t, lines(nil, nil), tcp.Config{})
	silent = dial(t, s)
	silent.asks("hello")
	assert.NoError(t, wait(t, "Shutdown ends", shutdown(succession.With(t.Context(), time.Millisecond), s)).err)
	silent.ended()
}

func refuses(s *tcp.Server) bool {
	conn, err := net.Dial(s.Addr().Network(), s.Addr().String())
	if err == nil {
		_ = conn.Close()
	}
	return err != nil
}

// Clients that wait in the accept queue are served.
func TestSD01AcceptQueue(t *testing.T) {
	t.Parallel()
	s := tcp.New(func(_ context.Context, c *tcp.Conn) error {
		_, err := io.WriteString(c, "hello\n")
		return err
	}, tcp.Config{Addr: "127.0.0.1:0", Log: quiet, Limits: tako.Limits{ConnsPerAddr: tako.NoLimit}})
	assert.NoError(t, s.Listen(t.Context()))
	var all []*client
	for range 50 {
		all = append(all, dial(t, s))
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	all[0].gets("hello")
	_, err := s.Shutdown(t.Context())
	assert.NoError(t, err)
	assert.NoError(t, <-served)
	for _, c := range all[1:] {
		c.gets("hello")
		c.ended()
	}
}

func TestSD03Sticky(t *testing.T) {
	t.Parallel()
	t.Run("before Listen", func(t *testing.T) {
		ln := listener(t)
		s := tcp.New(echo, tcp.Config{Listener: ln, Log: quiet})
		report, err := s.Shutdown(t.Context())
		assert.NoError(t, err)
		assert.Equal(t, report.Idle+report.Drained+report.Cut, 0, "connections")
		assert.ErrorIs(t, s.Listen(t.Context()), http.ErrServerClosed)
		assert.Equal(t, ln.closed.Load(), true, "closed")
		assert.Equal(t, s.Addr(), nil, "address")
		assert.NoError(t, s.Serve())
	})
	t.Run("before Serve", func(t *testing.T) {
		ln := listener(t)
		s := tcp.New(echo, tcp.Config{Listener: ln, Log: quiet})
		assert.NoError(t, s.Listen(t.Context()))
		_, err := s.Shutdown(t.Context())
		assert.NoError(t, err)
		assert.Equal(t, ln.closed.Load(), true, "closed")
		assert.NoError(t, s.Serve())
	})
	t.Run("from many", func(t *testing.T) {
		s := start(t, echo, tcp.Config{})
		c := dial(t, s)
		c.asks("hello")
		var group sync.WaitGroup
		reports := make(chan tako.Report, 20)
		for range cap(reports) {
			group.Go(func() {
				s.BeginDrain()
				report, err := s.Shutdown(context.Background())
				if err != nil {
					t.Error(err)
				}
				reports <- report
			})
		}
		group.Wait()
		first := <-reports
		assert.Equal(t, first.Idle+first.Drained, 1)
		for range cap(reports) - 1 {
			assert.Equal(t, <-reports, first)
		}
		again, err := s.Shutdown(over())
		assert.NoError(t, err)
		assert.Equal(t, again, first)
	})
	t.Run("meanwhile", func(t *testing.T) {
		entered, work := make(chan struct{}), make(chan struct{})
		s := start(t, lines(entered, work), tcp.Config{})
		c := dial(t, s)
		c.send("work\n")
		wait(t, "the work begins", entered)
		ended := shutdown(context.Background(), s)
		assert.Eventually(t, patience, "nobody can connect", func() bool { return refuses(s) })
		report, err := s.Shutdown(over())
		assert.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, report, tako.Report{})
		close(work)
		c.gets("work")
		assert.Equal(t, wait(t, "the first ends", ended).report.Cut, 0)
	})
}

// Whatever the server waits for, it can be stopped.
func TestSD04Always(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		handler tcp.Handler
		cfg     tcp.Config
		layers  []tcp.Layer
		begin   string
		report  tako.Report
	}{
		{name: "caps full", handler: echo, cfg: tcp.Config{Limits: tako.Limits{Conns: 1}}, begin: "hello\n", report: tako.Report{Idle: 1}},
		{name: "never a word", handler: plain, report: tako.Report{Idle: 1}},
		{name: "silent in the handshake", handler: echo, layers: []tcp.Layer{tcp.TLS(transport.SelfSigned())}, report: tako.Report{Idle: 1}},
		{name: "half a handshake", handler: echo, layers: []tcp.Layer{tcp.TLS(transport.SelfSigned())}, begin: "\x16\x03\x01\x02", report: tako.Report{Idle: 1}},
		{name: "silent before the header", handler: echo, layers: []tcp.Layer{proxied()}, report: tako.Report{Idle: 1}},
		{name: "half a header", handler: echo, layers: []tcp.Layer{proxied()}, begin: header[:20], report: tako.Report{Idle: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, tt.handler, tt.cfg, tt.layers...)
			c := dial(t, s)
			c.send(tt.begin)
			if tt.layers == nil && tt.begin != "" {
				c.gets("hello")
			}
			assert.Eventually(t, patience, "it is accepted", func() bool { return s.Stats().Conns == 1 })
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			report, err := s.Shutdown(ctx)
			assert.NoError(t, err)
			if report.Elapsed > patience/2 {
				t.Errorf("took %v", report.Elapsed)
			}
			if tt.name == "caps full" { // it may not have got to its next read
				report.Idle, report.Drained = report.Idle+report.Drained, 0
			}
			report.Elapsed = 0
			assert.Equal(t, report, tt.report)
			c.gone()
			assert.Equal(t, s.Stats().RefusedHandshakes+s.Stats().RefusedHeaders+s.Stats().Errors, int64(0), "nobody is to blame")
		})
	}
	t.Run("back-off", func(t *testing.T) {
		ln := &failing{Listener: listener(t), err: syscall.EMFILE}
		ln.left.Store(1 << 40)
		s := start(t, echo, tcp.Config{Listener: ln})
		assert.Eventually(t, patience, "it waits", func() bool { return s.Stats().AcceptErrors > 3 })
		_, err := s.Shutdown(t.Context())
		assert.NoError(t, err)
	})
	t.Run("no deadlines", func(t *testing.T) {
		s := start(t, echo, tcp.Config{Listener: listener(t)})
		dial(t, s).asks("hello")
		_, err := s.Shutdown(t.Context())
		assert.NoError(t, err)
	})
	t.Run("deadlines without effect", func(t *testing.T) {
		s := start(t, echo, tcp.Config{Listener: stuck{listener(t)}})
		dial(t, s).asks("hello")
		_, err := s.Shutdown(t.Context())
		assert.NoError(t, err)
	})
}

// stuck is a listener without deadlines that claims to have them.
type stuck struct{ net.Listener }

func (stuck) SetDeadline(time.Time) error { return nil }

// What does not end is cut off, and the client can tell.
func TestSD05Cut(t *testing.T) {
	t.Parallel()
	certs := transport.SelfSigned()
	for name, layers := range map[string][]tcp.Layer{"plain": nil, "tls": {tcp.TLS(certs)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entered, causes := make(chan struct{}, 3), make(chan error, 1)
			deaf := make(chan struct{})
			defer close(deaf)
			logs := &logbook{}
			s := start(t, func(ctx context.Context, c *tcp.Conn) error {
				line := make([]byte, 5)
				if _, err := io.ReadFull(c, line); err != nil {
					return err
				}
				entered <- struct{}{}
				switch string(line) {
				case "deaf\n":
					<-deaf
				case "wait\n":
					<-ctx.Done()
					causes <- context.Cause(ctx)
				}
				_, err := c.Read(line)
				return err
			}, tcp.Config{Log: logs.log()}, layers...)
			var all []*client
			for _, text := range []string{"deaf\n", "wait\n", "read\n"} {
				c := dial(t, s)
				if layers != nil {
					c = secure(t, c, certs)
				}
				c.send(text)
				wait(t, "it is read", entered)
				all = append(all, c)
			}
			cause := errors.New("enough")
			ctx, cancel := context.WithCancelCause(context.Background())
			ended := shutdown(ctx, s)
			all[0].silent(short)
			began := time.Now()
			cancel(cause)
			got := wait(t, "Shutdown ends", ended)
			if took := time.Since(began); took > patience/2 {
				t.Errorf("took %v", took)
			}
			assert.ErrorIs(t, got.err, cause)
			assert.Equal(t, got.report.Cut, 3, "cut")
			assert.Equal(t, got.report.Idle+got.report.Drained, 0, "others")
			for _, c := range all {
				if _, err := io.ReadAll(c.in); !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("got %v, want a reset", err)
				}
			}
			if err := wait(t, "the context ends", causes); errors.Is(err, tako.ErrClientGone) {
				t.Errorf("got cause %v", err)
			}
			assert.Equal(t, s.Stats().Errors, int64(0))
		})
	}
}

// Handlers are told before the server stops to accept, and are waited for.
func TestSD06Told(t *testing.T) {
	t.Parallel()
	s := start(t, func(ctx context.Context, c *tcp.Conn) error {
		if _, err := io.WriteString(c, "hello\n"); err != nil {
			return err
		}
		select {
		case <-c.Draining():
		case <-ctx.Done():
			return ctx.Err()
		}
		_, err := io.WriteString(c, "goodbye\n")
		return err
	}, tcp.Config{})
	c := dial(t, s)
	c.gets("hello")
	s.BeginDrain()
	s.BeginDrain()
	c.gets("goodbye")
	c.ended()
	late := dial(t, s)
	late.gets("hello")
	late.gets("goodbye")
	late.ended()
	report, err := s.Shutdown(t.Context())
	assert.NoError(t, err)
	assert.Equal(t, report.Cut, 0)
}

// A handler that reads without saying that it is idle is not disturbed.
func TestSD06Undisturbed(t *testing.T) {
	t.Parallel()
	s := start(t, plain, tcp.Config{})
	c := dial(t, s)
	c.asks("hello")
	ended := shutdown(context.Background(), s)
	c.silent(1300 * time.Millisecond) // longer than the grace of those that never said a word
	c.asks("still here")
	_ = c.Close()
	got := wait(t, "Shutdown ends", ended)
	assert.NoError(t, got.err)
	assert.Equal(t, got.report.Drained, 1)
}

func TestSD10Again(t *testing.T) {
	certs := transport.SelfSigned()
	round := func() {
		failed := tcp.New(echo, tcp.Config{Addr: "127.0.0.1:none", Log: quiet}, tcp.TLS(certs))
		if err := failed.Listen(t.Context()); err == nil {
			t.Fatal("got no error")
		}
		_, err := failed.Shutdown(t.Context())
		assert.NoError(t, err)
		s := tcp.New(echo, tcp.Config{Addr: "127.0.0.1:0", Log: quiet}, tcp.TLS(certs))
		assert.NoError(t, s.Listen(t.Context()))
		served := make(chan error, 1)
		go func() { served <- s.Serve() }()
		raw := dial(t, s)
		c := secure(t, raw, certs)
		c.asks("hello")
		_, err = s.Shutdown(t.Context())
		assert.NoError(t, err)
		assert.NoError(t, <-served)
		_ = raw.Close()
	}
	round()
	before := runtime.NumGoroutine()
	for range 100 {
		round()
	}
	assert.Eventually(t, patience, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
}
