package webtransport_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	lib "github.com/quic-go/webtransport-go"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/webtransport"
)

// WT-01: streams both ways, and datagrams, with and without flow control.
func TestWT01Echo(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]*lib.Config{"flow control": &flow, "without": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, webtransport.ServerConfig{}, webtransport.Config{}, echo)
			_, s := r.open(cfg)
			sent := bytes.Repeat([]byte("0123456789abcdef"), 20<<10)
			str, err := s.OpenStreamSync(within(t))
			assert.NoError(t, err)
			go func() {
				_, _ = str.Write(sent)
				_ = str.Close()
			}()
			got, err := io.ReadAll(str)
			assert.NoError(t, err)
			assert.Equal(t, bytes.Equal(got, sent), true)

			out, err := s.OpenUniStreamSync(within(t))
			assert.NoError(t, err)
			_, err = out.Write([]byte("one way"))
			assert.NoError(t, err)
			assert.NoError(t, out.Close())
			in, err := s.AcceptUniStream(within(t))
			assert.NoError(t, err)
			got, err = io.ReadAll(in)
			assert.NoError(t, err)
			assert.Equal(t, string(got), "one way")

			assert.NoError(t, s.SendDatagram([]byte("ping")))
			p, err := s.ReceiveDatagram(within(t))
			assert.NoError(t, err)
			assert.Equal(t, string(p), "ping")
			assert.NoError(t, s.CloseWithError(0, ""))
			assert.Eventually(t, patience, "the session is counted out", func() bool {
				return r.sessions.Stats() == webtransport.ServerStats{Opened: 1} && r.server.Stats().Running == 0
			})
		})
	}
}

// Streams of the server, and what a session tells of itself.
func TestServerStreams(t *testing.T) {
	t.Parallel()
	stats := make(chan webtransport.Stats, 1)
	r := start(t, webtransport.ServerConfig{Protocols: []string{"chat", "game"}}, webtransport.Config{}, func(ctx context.Context, s *webtransport.Session) error {
		str, err := s.OpenStream(ctx)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(str, s.Protocol()+" "+s.RemoteAddr().(*net.UDPAddr).IP.String()+" "+s.LocalAddr().String()); err != nil {
			return err
		}
		_ = str.Close()
		_, _ = io.ReadAll(str)
		stats <- s.Stats()
		<-ctx.Done()
		return nil
	})
	c := r.dial(&flow, "game", "chat")
	s := r.session(c, nil)
	str, err := s.AcceptStream(within(t))
	assert.NoError(t, err)
	assert.NoError(t, str.Close())
	got, err := io.ReadAll(str)
	assert.NoError(t, err)
	assert.Equal(t, string(got), "game 127.0.0.1 "+r.server.Addr().String())
	assert.Equal(t, await(t, stats, "the counters"), webtransport.Stats{Opened: 1, Sent: int64(len(got))})
}

// Codes of streams that are broken off, both ways.
func TestStreamCodes(t *testing.T) {
	t.Parallel()
	errs := make(chan error, 2)
	r := start(t, webtransport.ServerConfig{}, webtransport.Config{}, func(ctx context.Context, s *webtransport.Session) error {
		str, err := s.AcceptStream(ctx)
		if err != nil {
			return err
		}
		_, err = io.ReadAll(str)
		errs <- err
		str.CancelWrite(1<<32 - 1)
		in, err := s.AcceptUniStream(ctx)
		if err != nil {
			return err
		}
		in.CancelRead(30)
		_, err = in.Read(make([]byte, 1))
		errs <- err
		<-ctx.Done()
		return nil
	})
	_, s := r.open(&flow)
	str, err := s.OpenStreamSync(within(t))
	assert.NoError(t, err)
	_, err = str.Write([]byte("x"))
	assert.NoError(t, err)
	str.CancelWrite(29)
	theirs, ok := errors.AsType[*webtransport.StreamError](await(t, errs, "the first error"))
	assert.Equal(t, ok, true)
	assert.Equal(t, *theirs, webtransport.StreamError{Code: 29, Remote: true})
	_, err = str.Read(make([]byte, 1))
	assert.ErrorIs(t, err, &lib.StreamError{ErrorCode: 1<<32 - 1, Remote: true})
	out, err := s.OpenUniStreamSync(within(t))
	assert.NoError(t, err)
	_, err = out.Write([]byte("x"))
	assert.NoError(t, err)
	own, ok := errors.AsType[*webtransport.StreamError](await(t, errs, "the second error"))
	assert.Equal(t, ok, true)
	assert.Equal(t, *own, webtransport.StreamError{Code: 30})
	await(t, out.Context().Done(), "the client is told")
}

// WT-04: datagrams that nobody receives are dropped, the oldest first, and counted; too large ones
// are an error.
func TestWT04Datagrams(t *testing.T) {
	t.Parallel()
	sent := make(chan struct{})
	got := make(chan string, 1)
	r := start(t, webtransport.ServerConfig{}, webtransport.Config{Datagrams: 2}, func(ctx context.Context, s *webtransport.Session) error {
		if err := s.SendDatagram(make([]byte, 1<<16)); !errors.Is(err, webtransport.ErrDatagramTooLarge) {
			return err
		}
		<-sent
		assert.Eventually(t, patience, "some are dropped", func() bool { return s.Stats().DatagramsDropped >= 3 })
		p, err := s.ReceiveDatagram(ctx)
		if err != nil {
			return err
		}
		got <- string(p)
		<-ctx.Done()
		return nil
	})
	_, s := r.open(nil)
	for _, text := range []string{"a", "b", "c", "d", "e"} {
		assert.NoError(t, s.SendDatagram([]byte(text)))
	}
	close(sent)
	assert.Equal(t, await(t, got, "a datagram"), "d")
}

// WT-04: no more streams are handed out than may be open, whether the client knows of that or not.
func TestWT04Streams(t *testing.T) {
	t.Parallel()
	accepted := make(chan *webtransport.Stream, 10)
	r := start(t, webtransport.ServerConfig{Streams: 2}, webtransport.Config{}, func(ctx context.Context, s *webtransport.Session) error {
		for {
			str, err := s.AcceptStream(ctx)
			if err != nil {
				return err
			}
			accepted <- str
		}
	})
	_, s := r.open(nil)
	for range 5 {
		str, err := s.OpenStreamSync(within(t))
		assert.NoError(t, err)
		_, err = str.Write([]byte("x"))
		assert.NoError(t, err)
	}
	first := await(t, accepted, "a stream")
	await(t, accepted, "a stream")
	select {
	case <-accepted:
		t.Fatal("there are three streams")
	case <-time.After(100 * time.Millisecond): // a third would be there at once
	}
	first.CancelRead(0)
	assert.NoError(t, first.Close())
	await(t, accepted, "a stream in the place of the first")

	_, s = r.open(&flow)
	for range 2 {
		_, err := s.OpenStream()
		assert.NoError(t, err)
	}
	_, err := s.OpenStream()
	fails(t, err)
}

// WT-04: a connection has no more sessions than it may; a second one needs flow control.
func TestWT04Sessions(t *testing.T) {
	t.Parallel()
	r := start(t, webtransport.ServerConfig{Sessions: 2}, webtransport.Config{}, echo)
	for _, cfg := range []*lib.Config{nil, &flow} {
		c := r.dial(cfg)
		most := 1
		if cfg != nil {
			most = 2
		}
		var last *lib.Session
		for range most {
			last = r.session(c, nil)
		}
		resp, _, err := c.Dial(within(t), r.url("/wt"), nil)
		fails(t, err)
		assert.Equal(t, resp.StatusCode, 429)
		assert.NoError(t, last.CloseWithError(0, ""))
		assert.Eventually(t, patience, "there is a place again", func() bool {
			_, _, err := c.Dial(within(t), r.url("/wt"), nil)
			return err == nil
		})
	}
}

// More streams than h3.Config.Resets are no excess of the client.
func TestManyStreams(t *testing.T) {
	t.Parallel()
	r := start(t, webtransport.ServerConfig{}, webtransport.Config{}, echo)
	c, s := r.open(nil)
	for range 1000 {
		str, err := s.OpenStreamSync(within(t))
		assert.NoError(t, err)
		_, err = str.Write([]byte("x"))
		assert.NoError(t, err)
		assert.NoError(t, str.Close())
		_, err = io.ReadAll(str)
		assert.NoError(t, err)
	}
	assert.NoError(t, s.CloseWithError(0, ""))
	resp, err := c.RoundTrip(get(t, r.url("/plain")))
	assert.NoError(t, err)
	assert.Equal(t, resp.StatusCode, 200)
	assert.Equal(t, r.server.Stats().Excessive, int64(0))
}
