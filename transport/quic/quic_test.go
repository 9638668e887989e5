package quic_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	lib "github.com/quic-go/quic-go"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/quic"
)

// patience is how long a client waits for what must come.
const patience = 20 * time.Second

var (
	quiet = slog.New(slog.DiscardHandler)
	certs = transport.SelfSigned()
)

// TestMain looks for goroutines that outlive all servers.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && lingering() {
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
		code = 1
	}
	os.Exit(code)
}

func lingering() bool {
	stacks := make([]byte, 1<<20)
	by := time.NewTimer(10 * time.Second)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		text := string(stacks[:runtime.Stack(stacks, true)])
		if !strings.Contains(text, "quic-go") && !strings.Contains(text, "transport/quic.") {
			return false
		}
		select {
		case <-by.C:
			return true
		case <-again.C:
		}
	}
}

func start(t testing.TB, h quic.Handler, change ...func(*quic.Config)) *quic.Server {
	t.Helper()
	cfg := quic.Config{Addr: "127.0.0.1:0", Certs: certs, Protocols: []string{"echo/2", "echo/1"}, Datagrams: true, Log: quiet}
	for _, f := range change {
		f(&cfg)
	}
	s := quic.New(h, cfg)
	assert.NoError(t, s.Listen(t.Context()))
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = s.Shutdown(over)
		assert.NoError(t, <-served, "Serve")
	})
	return s
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func clientTLS(protocols ...string) *tls.Config {
	return &tls.Config{RootCAs: certs.CertPool(), NextProtos: protocols}
}

func dial(t testing.TB, s *quic.Server) *lib.Conn {
	t.Helper()
	c, err := lib.DialAddr(within(t), s.Addr().String(), clientTLS("echo/1"), &lib.Config{EnableDatagrams: true})
	assert.NoError(t, err)
	t.Cleanup(func() { _ = c.CloseWithError(0, "") })
	return c
}

func await[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("waited in vain for " + what)
		panic("unreachable")
	}
}

// closed waits for the end of a connection, and returns the code and reason of the server.
func closed(t testing.TB, c *lib.Conn) (code uint64, reason string) {
	t.Helper()
	await(t, c.Context().Done(), "the end of the connection")
	app, ok := errors.AsType[*lib.ApplicationError](context.Cause(c.Context()))
	if !ok || !app.Remote {
		t.Fatalf("the connection ended with %v", context.Cause(c.Context()))
	}
	return uint64(app.ErrorCode), app.ErrorMessage
}

func echo(ctx context.Context, c *quic.Conn) error {
	go func() {
		for p, err := c.ReceiveDatagram(ctx); err == nil; p, err = c.ReceiveDatagram(ctx) {
			_ = c.SendDatagram(p)
		}
	}()
	go func() {
		for {
			in, err := c.AcceptUniStream(ctx)
			if err != nil {
				return
			}
			if out, err := c.OpenUniStream(ctx); err == nil {
				_, _ = io.Copy(out, in)
				_ = out.Close()
			}
		}
	}()
	for {
		str, err := c.AcceptStream(ctx)
		if err != nil {
			return err
		}
		go func() {
			defer str.Close()
			_, _ = io.Copy(str, str)
		}()
	}
}

func TestEcho(t *testing.T) {
	t.Parallel()
	s := start(t, echo)
	assert.Equal(t, s.Describe(), "quic")
	c := dial(t, s)
	sent := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	str, err := c.OpenStreamSync(within(t))
	assert.NoError(t, err)
	go func() {
		_, _ = str.Write(sent)
		_ = str.Close()
	}()
	got, err := io.ReadAll(str)
	assert.NoError(t, err)
	assert.Equal(t, bytes.Equal(got, sent), true)
	out, err := c.OpenUniStreamSync(within(t))
	assert.NoError(t, err)
	_, err = out.Write([]byte("one way"))
	assert.NoError(t, err)
	assert.NoError(t, out.Close())
	in, err := c.AcceptUniStream(within(t))
	assert.NoError(t, err)
	got, err = io.ReadAll(in)
	assert.NoError(t, err)
	assert.Equal(t, string(got), "one way")
	assert.NoError(t, c.SendDatagram([]byte("ping")))
	p, err := c.ReceiveDatagram(within(t))
	assert.NoError(t, err)
	assert.Equal(t, string(p), "ping")
	assert.NoError(t, c.CloseWithError(3, "done"))
	assert.Eventually(t, patience, "it is counted out", func() bool { return s.Stats() == quic.Stats{Accepted: 1} })
}

// What a handler sees of a client that leaves, and of streams that are broken off.
func TestErrors(t *testing.T) {
	t.Parallel()
	errs := make(chan error, 3)
	s := start(t, func(ctx context.Context, c *quic.Conn) error {
		if !errors.Is(c.SendDatagram(make([]byte, 1<<16)), quic.ErrDatagramTooLarge) {
			errs <- errors.New("a large datagram was sent")
		}
		str, err := c.AcceptStream(ctx)
		if err != nil {
			return err
		}
		_, err = io.ReadAll(str)
		errs <- err
		str.CancelWrite(8)
		_, err = c.AcceptStream(ctx)
		errs <- err
		<-ctx.Done()
		errs <- context.Cause(ctx)
		return err
	})
	c := dial(t, s)
	str, err := c.OpenStreamSync(within(t))
	assert.NoError(t, err)
	_, err = str.Write([]byte("x"))
	assert.NoError(t, err)
	str.CancelWrite(7)
	theirs, ok := errors.AsType[*quic.StreamError](await(t, errs, "the end of the stream"))
	assert.Equal(t, ok, true)
	assert.Equal(t, *theirs, quic.StreamError{Code: 7, Remote: true})
	_, err = str.Read(make([]byte, 1))
	assert.ErrorIs(t, err, &lib.StreamError{StreamID: str.StreamID(), ErrorCode: 8, Remote: true})
	assert.NoError(t, c.CloseWithError(1<<40, "done"))
	for range 2 {
		err := await(t, errs, "the end of the connection")
		e, ok := errors.AsType[*quic.ConnError](err)
		assert.Equal(t, ok, true)
		assert.Equal(t, *e, quic.ConnError{Code: 1 << 40, Reason: "done", Remote: true})
		assert.ErrorIs(t, err, tako.ErrClientGone)
	}
	assert.Equal(t, s.Stats().Failed, int64(0))
}

// How a connection ends by what its handler returns.
func TestHandlerEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		h      quic.Handler
		code   uint64
		reason string
	}{
		"nil":     {func(context.Context, *quic.Conn) error { return nil }, 0, ""},
		"error":   {func(context.Context, *quic.Conn) error { return errors.New("no") }, 1, ""},
		"panic":   {func(context.Context, *quic.Conn) error { panic("no") }, 1, ""},
		"its own": {func(context.Context, *quic.Conn) error { return &quic.ConnError{Code: 9, Reason: "enough"} }, 9, "enough"},
		"closed":  {func(_ context.Context, c *quic.Conn) error { return c.Close(10, c.Protocol()) }, 10, "echo/1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, c.h)
			code, reason := closed(t, dial(t, s))
			assert.Equal(t, code, c.code)
			assert.Equal(t, reason, c.reason)
			assert.Eventually(t, patience, "it is counted out", func() bool { return s.Stats().Conns == 0 })
		})
	}
}

// TL-03, CN-01: a protocol that is not spoken, and more connections than there may be.
func TestRefused(t *testing.T) {
	t.Parallel()
	s := start(t, echo, func(c *quic.Config) { c.Limits.Conns = 1 })
	if _, err := lib.DialAddr(within(t), s.Addr().String(), clientTLS("h3"), nil); err == nil {
		t.Fatal("h3 is spoken")
	}
	assert.Eventually(t, patience, "the place is free", func() bool { return s.Stats().Handshakes == 0 })
	var first *lib.Conn
	assert.Eventually(t, patience, "the first is let in", func() bool {
		c, err := lib.DialAddr(within(t), s.Addr().String(), clientTLS("echo/1"), nil)
		first = c
		return err == nil
	})
	defer func() { _ = first.CloseWithError(0, "") }()
	if _, err := lib.DialAddr(within(t), s.Addr().String(), clientTLS("echo/1"), nil); err == nil {
		t.Fatal("there are two")
	}
	assert.Equal(t, s.Stats().Refused > 0, true)
	for name, change := range map[string]func(*quic.Config){
		"no protocols": func(c *quic.Config) { c.Protocols = nil }, "no certificates": func(c *quic.Config) { c.Certs = nil },
		"streams": func(c *quic.Config) { c.Streams = -1 }, "no address": func(c *quic.Config) { c.Addr = "" },
	} {
		cfg := quic.Config{Addr: "127.0.0.1:0", Certs: certs, Protocols: []string{"x"}}
		change(&cfg)
		if quic.New(echo, cfg).Listen(t.Context()) == nil {
			t.Error(name + ": no error")
		}
	}
}

// A client that is gone without a word is found out.
func TestIdle(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	s := start(t, func(ctx context.Context, _ *quic.Conn) error {
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return nil
	}, func(c *quic.Config) { c.Limits.IdleTimeout, c.KeepAlive = 300*time.Millisecond, tako.NoLimit })
	dial(t, s)
	assert.ErrorIs(t, await(t, ended, "the end"), tako.ErrClientGone)
}

// SD-06: a drain tells handlers, and waits for them; the socket is there until then.
func TestDrain(t *testing.T) {
	t.Parallel()
	told := make(chan struct{})
	s := start(t, func(ctx context.Context, c *quic.Conn) error {
		<-c.Draining()
		close(told)
		p, err := c.ReceiveDatagram(ctx)
		if err != nil {
			return err
		}
		return c.Close(5, string(p))
	})
	c := dial(t, s)
	assert.Eventually(t, patience, "it is served", func() bool { return s.Stats().Conns == 1 })
	reports := make(chan tako.Report, 1)
	go func() {
		report, err := s.Shutdown(within(t))
		assert.NoError(t, err)
		reports <- report
	}()
	await(t, told, "the handler is told")
	assert.NoError(t, c.SendDatagram([]byte("bye")))
	code, reason := closed(t, c)
	assert.Equal(t, code, uint64(5))
	assert.Equal(t, reason, "bye")
	report := await(t, reports, "the drain")
	assert.Equal(t, [2]int{report.Drained, report.Cut}, [2]int{1, 0})
}

func TestDrainCuts(t *testing.T) {
	t.Parallel()
	s := start(t, echo)
	c := dial(t, s)
	assert.Eventually(t, patience, "it is served", func() bool { return s.Stats().Conns == 1 })
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	report, err := s.Shutdown(ctx)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, report.Cut, 1)
	code, reason := closed(t, c)
	assert.Equal(t, code, uint64(1))
	assert.Equal(t, reason, "shutdown")
}
