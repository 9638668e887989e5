package h3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/h3"
)

// H3-08: a reset is not the end of a body.
func TestResetUpload(t *testing.T) {
	t.Parallel()
	app := echoApp()
	type end struct {
		got []byte
		err error
	}
	ends := make(chan end, 1)
	begun := make(chan struct{})
	app.Post("/upload", func(c *tako.Context) error {
		close(begun)
		got, err := io.ReadAll(c.Body())
		ends <- end{got, err}
		return err
	})
	r := dialRaw(t, start(t, app, h3.Config{}))
	str := r.open(ask("POST", "/upload"), frame(frameData, []byte("abc")...))
	<-begun
	str.CancelWrite(quic.StreamErrorCode(http3.ErrCodeRequestCanceled))
	e := <-ends
	assert.ErrorIs(t, e.err, io.ErrUnexpectedEOF)
	assert.ErrorIs(t, e.err, tako.ErrClientGone)
	goesOn(t, r)
}

// CN-07: a client that stops its request ends the context of the handler.
func TestStopEndsContext(t *testing.T) {
	t.Parallel()
	app := echoApp()
	begun, causes := make(chan struct{}), make(chan error, 1)
	app.Get("/wait", func(c *tako.Context) error {
		close(begun)
		<-c.Context().Done()
		causes <- causeOf(c)
		return c.Context().Err()
	})
	s := start(t, app, h3.Config{})
	r := dialRaw(t, s)
	str := r.open(ask("GET", "/wait"))
	<-begun
	str.CancelRead(quic.StreamErrorCode(http3.ErrCodeRequestCanceled))
	str.CancelWrite(quic.StreamErrorCode(http3.ErrCodeRequestCanceled))
	assert.ErrorIs(t, <-causes, tako.ErrClientGone)
	goesOn(t, r)
	assert.Eventually(t, patience, "no request runs", func() bool { return s.Stats().Running == 0 })
}

// H3-08: a handler that fails behind the head resets the stream.
func TestHandlerFails(t *testing.T) {
	t.Parallel()
	app := echoApp()
	fail := func(how func() error) tako.Handler {
		return func(c *tako.Context) error {
			if err := c.WriteHead(200); err != nil {
				return err
			}
			if _, err := c.WriteString("begun"); err != nil {
				return err
			}
			if err := c.Flush(); err != nil {
				return err
			}
			return how()
		}
	}
	app.Get("/error", fail(func() error { return errors.New("no") }))
	app.Get("/panic", fail(func() error { panic("no") }))
	app.Get("/abort", fail(func() error { panic(http.ErrAbortHandler) }))
	app.Get("/before", func(*tako.Context) error { panic("no") })
	app.Get("/goexit", fail(func() error { runtime.Goexit(); return nil }))
	app.Get("/goexit-before", func(*tako.Context) error { runtime.Goexit(); return nil })
	s := start(t, app, h3.Config{})
	r := dialRaw(t, s)
	for _, target := range []string{"/error", "/panic", "/abort", "/goexit", "/goexit-before"} {
		a := r.request(ask("GET", target))
		assert.Equal(t, a.reset, http3.ErrCodeInternalError, target)
	}
	assert.Equal(t, r.request(ask("GET", "/before")).status, 500)
	goesOn(t, r)
	assert.Eventually(t, patience, "no request runs", func() bool { return s.Stats().Running == 0 })
}

// H3-09: an early answer arrives whole, and then the client is asked to stop.
func TestEarlyAnswer(t *testing.T) {
	t.Parallel()
	app := echoApp()
	app.BodyLimit(10)
	app.Post("/small", echo)
	app.Post("/never", func(c *tako.Context) error { return c.Text(200, "enough") })
	r := dialRaw(t, start(t, app, h3.Config{Window: 16 << 10, MaxWindow: 16 << 10}))
	for target, want := range map[string]string{"/small": "", "/never": "enough"} {
		str := r.open(ask("POST", target), frame(frameData, bytes.Repeat([]byte("x"), 100)...))
		a := read(t, str)
		assert.NoError(t, a.err, target)
		if want != "" {
			assert.Equal(t, a.body, want)
		} else {
			assert.Contains(t, a.body, "413")
		}
		var err error
		for more := bytes.Repeat([]byte("x"), 1<<10); err == nil; {
			_, err = str.Write(frame(frameData, more...))
		}
		var stop *quic.StreamError
		if !errors.As(err, &stop) || http3.ErrCode(stop.ErrorCode) != http3.ErrCodeNoError || !stop.Remote {
			t.Errorf("%s: the upload ended with %v", target, err)
		}
	}
	goesOn(t, r)
}

// H3-09: a handler that does not read stops the client.
func TestBackPressure(t *testing.T) {
	t.Parallel()
	const window = 16 << 10
	app := echoApp()
	release := make(chan struct{})
	app.Post("/slow", func(c *tako.Context) error {
		<-release
		n, err := io.Copy(io.Discard, c.Body())
		if err != nil {
			return err
		}
		return c.Text(200, strings.Repeat("x", int(n>>10)))
	})
	s := start(t, app, h3.Config{Window: window, MaxWindow: window, ConnWindow: 2 * window, MaxConnWindow: 2 * window})
	r := dialRaw(t, s)
	str := r.open(ask("POST", "/slow"))
	assert.NoError(t, str.SetWriteDeadline(time.Now().Add(short)))
	sent := 0
	piece := bytes.Repeat([]byte("x"), 1<<10)
	var err error
	for err == nil && sent < 100*window {
		var n int
		n, err = str.Write(frame(frameData, piece...))
		sent += n
	}
	if sent > 2*window {
		t.Errorf("%d bytes were taken, with a window of %d", sent, window)
	}
	close(release)
	str.CancelWrite(quic.StreamErrorCode(http3.ErrCodeRequestCanceled))
	goesOn(t, r)
}

// H3-07
func TestResetFlood(t *testing.T) {
	t.Parallel()
	app := echoApp()
	entered := make(chan struct{}, 1)
	app.Get("/work", func(c *tako.Context) error {
		entered <- struct{}{}
		<-c.Context().Done()
		return c.Context().Err()
	})
	s := start(t, app, h3.Config{Streams: 10, Resets: 20})
	r := dialRaw(t, s)
	n := 0
	for ; n < 100_000; n++ {
		str, err := r.OpenStreamSync(within(t))
		if err != nil {
			break
		}
		_, _ = str.Write(ask("GET", "/work"))
		select {
		case <-entered:
		case <-r.Context().Done():
		}
		str.CancelWrite(quic.StreamErrorCode(http3.ErrCodeRequestCanceled))
		str.CancelRead(quic.StreamErrorCode(http3.ErrCodeRequestCanceled))
	}
	assert.Equal(t, closedWith(t, r.Conn), http3.ErrCodeExcessiveLoad)
	if n < 20 {
		t.Errorf("it ended after %d requests, of which 20 are free", n)
	}
	assert.Equal(t, s.Stats().Excessive, int64(1))
	assert.Eventually(t, patience, "no request runs", func() bool { return s.Stats().Running == 0 })
	goesOn(t, dialRaw(t, s))
}

// H3-07: handlers that do not care for their client are bounded too.
func TestHandlersAreBounded(t *testing.T) {
	t.Parallel()
	app := echoApp()
	var running, most atomic.Int64
	release := make(chan struct{})
	app.Get("/work", func(c *tako.Context) error {
		n := running.Add(1)
		defer running.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		_, _ = io.Copy(io.Discard, c.Body()) // takes note of the reset
		_, _ = c.WriteString("x")
		_ = c.Flush()
		<-release
		return nil
	})
	s := start(t, app, h3.Config{Streams: 10, Resets: 10_000})
	r := dialRaw(t, s)
	ctx, cancel := context.WithTimeout(context.Background(), short)
	defer cancel()
	for range 200 {
		str, err := r.OpenStreamSync(ctx)
		if err != nil {
			break
		}
		_, _ = str.Write(ask("GET", "/work"))
		str.CancelRead(quic.StreamErrorCode(http3.ErrCodeRequestCanceled))
		_ = str.Close()
	}
	assert.Eventually(t, patience, "handlers run", func() bool { return running.Load() == 10 })
	close(release)
	assert.Eventually(t, patience, "no request runs", func() bool { return s.Stats().Running == 0 })
	if most.Load() > 10 {
		t.Errorf("%d handlers ran at once, with a limit of 10", most.Load())
	}
	goesOn(t, r)
}

// H3-07: streams that end before their request is there are charged to the next one.
func TestLostStreams(t *testing.T) {
	t.Parallel()
	s := start(t, echoApp(), h3.Config{Streams: 10, Resets: 20})
	r := dialRaw(t, s)
	for range 200 {
		str, err := r.OpenStreamSync(within(t))
		if err != nil {
			break
		}
		_, _ = str.Write([]byte{frameHeaders})
		str.CancelWrite(quic.StreamErrorCode(http3.ErrCodeRequestCanceled))
		str.CancelRead(quic.StreamErrorCode(http3.ErrCodeRequestCanceled))
	}
	_ = r.request(ask("GET", "/"))
	assert.Equal(t, closedWith(t, r.Conn), http3.ErrCodeExcessiveLoad)
}

// CN-04, CN-05
func TestIdle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(r *raw)
	}{
		{"silent", func(*raw) {}},
		{"half a head", func(r *raw) { r.open(ask("GET", "/")[:20]) }},
		{"after a request", func(r *raw) { r.request(ask("GET", "/")) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, echoApp(), h3.Config{Limits: tako.Limits{HeaderTimeout: rest, IdleTimeout: rest}})
			r := dialRaw(t, s)
			tt.do(r)
			assert.Equal(t, closedWith(t, r.Conn), http3.ErrCodeNoError)
			assert.Eventually(t, patience, "it is counted", func() bool { return s.Stats().TimedOut == 1 })
		})
	}
}

// A request that runs for longer than the idle timeout goes on.
func TestBusyIsNotIdle(t *testing.T) {
	t.Parallel()
	app := tako.New()
	app.Get("/", func(c *tako.Context) error {
		select {
		case <-time.After(2 * rest):
			return c.Text(200, "ok")
		case <-c.Context().Done():
			return c.Context().Err()
		}
	})
	s := start(t, app, h3.Config{Limits: tako.Limits{HeaderTimeout: rest, IdleTimeout: rest}})
	_, text := newClient(t, s).get(t, "/")
	assert.Equal(t, text, "ok")
}

// CN-04, EX-12
func TestSlowBody(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]tako.Limits{
		"timeout": {BodyTimeout: short},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, echoApp(), h3.Config{Limits: limits})
			r := dialRaw(t, s)
			a := read(t, r.open(ask("POST", "/echo"), frame(frameData, 'a')))
			assert.Contains(t, a.body, "408")
			assert.Equal(t, s.Stats().TimedOut, int64(1))
			goesOn(t, r)
		})
	}
}

// CN-06
func TestSlowReader(t *testing.T) {
	t.Parallel()
	app := echoApp()
	failed := make(chan error, 1)
	app.Get("/big", func(c *tako.Context) error {
		err := c.Bytes(200, "application/octet-stream", make([]byte, 8<<20))
		failed <- err
		return err
	})
	s := start(t, app, h3.Config{Limits: tako.Limits{WriteTimeout: short}})
	r := &raw{t: t, Conn: dial(t, s, func(_ *tlsConfig, c *quic.Config) {
		c.InitialStreamReceiveWindow, c.MaxStreamReceiveWindow = 64<<10, 64<<10
	})}
	str := r.open(ask("GET", "/big"))
	if err := <-failed; err == nil {
		t.Error("the handler has written all")
	}
	assert.Equal(t, read(t, str).reset, http3.ErrCodeInternalError)
	assert.Equal(t, s.Stats().TimedOut, int64(1))
	goesOn(t, r)
}

// H3-08, CN-06: a response that is sent behind the handler is whole, or its stream is reset. A
// client that does not take it is nobody's fault.
func TestSlowReaderOfLittle(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	app := tako.New()
	app.Get("/", func(c *tako.Context) error { return c.Text(200, strings.Repeat("x", 3900)) })
	app.Get("/big", func(c *tako.Context) error { return c.Text(200, strings.Repeat("x", 39000)) })
	app.Get("/careless", tako.HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 39000))
	})))
	s := start(t, app, h3.Config{Limits: tako.Limits{WriteTimeout: short}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	for i, target := range []string{"/", "/big", "/careless"} {
		r := &raw{t: t, Conn: dial(t, s, func(_ *tlsConfig, c *quic.Config) {
			c.InitialStreamReceiveWindow, c.MaxStreamReceiveWindow = 2500, 2500
		})}
		str := r.open(ask("GET", target))
		_ = str.Close()
		assert.Eventually(t, patience, "it took too long", func() bool { return s.Stats().TimedOut == int64(i+1) && s.Stats().Running == 0 })
		assert.Equal(t, read(t, str).reset, http3.ErrCodeInternalError, target)
	}
	if text := log.String(); strings.Contains(text, "level=ERROR") {
		t.Error(text)
	}
}

// syncBuffer is written by a log.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// A connection that ended before its requests is not idle.
func TestGoneIsNotIdle(t *testing.T) {
	t.Parallel()
	app := echoApp()
	entered, release, returned := make(chan struct{}), make(chan struct{}), make(chan struct{})
	app.Get("/wait", func(*tako.Context) error {
		defer close(returned)
		close(entered)
		<-release
		return nil
	})
	s := start(t, app, h3.Config{Limits: tako.Limits{IdleTimeout: rest}})
	r := dialRaw(t, s)
	r.open(ask("GET", "/wait"))
	<-entered
	_ = r.CloseWithError(0x100, "")
	assert.Eventually(t, patience, "the connection is gone", func() bool { return s.Stats().Conns == 0 })
	close(release)
	<-returned
	assert.Eventually(t, patience, "no request runs", func() bool { return s.Stats().Running == 0 })
	<-time.After(2 * rest)
	assert.Equal(t, s.Stats().TimedOut, int64(0))
}

// Deadlines of a handler hold beside the limits.
func TestHandlerDeadlines(t *testing.T) {
	t.Parallel()
	app := echoApp()
	app.Post("/read", func(c *tako.Context) error {
		if err := c.SetReadDeadline(time.Now().Add(short)); err != nil {
			return err
		}
		_, err := c.ReadBody()
		return err
	})
	s := start(t, app, h3.Config{})
	r := dialRaw(t, s)
	a := read(t, r.open(ask("POST", "/read"), frame(frameData, 'a')))
	assert.Contains(t, a.body, "408")
	assert.Equal(t, s.Stats().TimedOut, int64(0))
}

// CN-02, CN-03
func TestConnLimits(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]tako.Limits{
		"all":         {Conns: 2},
		"per address": {ConnsPerAddr: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if limits.Conns > 0 {
				limits.ConnsPerAddr = tako.NoLimit
			}
			s := start(t, echoApp(), h3.Config{Limits: limits})
			first := dialRaw(t, s)
			goesOn(t, dialRaw(t, s))
			_, err := quic.DialAddr(within(t), s.Addr().String(), clientTLS(), nil)
			var refused *quic.TransportError
			if !errors.As(err, &refused) || refused.ErrorCode != quic.ConnectionRefused {
				t.Errorf("the third connection got %v", err)
			}
			if s.Stats().RefusedConns == 0 {
				t.Error("nothing was counted")
			}
			_ = first.CloseWithError(0x100, "")
			assert.Eventually(t, patience, "a place is free", func() bool { return s.Stats().Conns == 1 })
			goesOn(t, dialRaw(t, s))
		})
	}
}

// H3-06: junk, small Initials and unknown versions get no more than they sent, or nothing.
func TestJunk(t *testing.T) {
	t.Parallel()
	s := start(t, echoApp(), h3.Config{})
	udp, err := net.Dial("udp", s.Addr().String())
	assert.NoError(t, err)
	defer udp.Close()
	initial := func(version byte, size int) []byte {
		b := append([]byte{0xc0, 0, 0, 0, version, 8, 1, 2, 3, 4, 5, 6, 7, 8, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0x44, 0xb0}, make([]byte, size)...)
		return b[:size]
	}
	sent := 0
	for _, b := range [][]byte{{0}, {0x40}, []byte("GET / HTTP/1.1\r\n\r\n"), bytes.Repeat([]byte{0x40}, 1200), bytes.Repeat([]byte{0xff}, 40),
		initial(1, 100), initial(1, 1200), initial(0x77, 100), initial(0x77, 1200)} {
		n, err := udp.Write(b)
		assert.NoError(t, err)
		sent += n
	}
	assert.NoError(t, udp.SetReadDeadline(time.Now().Add(short)))
	got := 0
	for b := make([]byte, 2000); ; {
		n, err := udp.Read(b)
		if err != nil {
			break
		}
		got += n
	}
	if got > sent/4 {
		t.Errorf("%d bytes were sent in answer to %d of junk", got, sent)
	}
	goesOn(t, dialRaw(t, s))
	assert.Equal(t, s.Stats().Accepted, int64(1))
}
