package webtransport_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	lib "github.com/quic-go/webtransport-go"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/webtransport"
)

const rejected = quic.StreamErrorCode(lib.WTBufferedStreamRejectedErrorCode)

// head begins a stream of a session.
func head(kind byte, session uint16) []byte {
	return []byte{0x40, kind, 0x40 | byte(session>>8), byte(session)}
}

// WT-03: streams for sessions that never come are bounded, and reset; those that come before their
// session get to it.
func TestWT03EarlyStreams(t *testing.T) {
	t.Parallel()
	r := start(t, webtransport.ServerConfig{EarlyTimeout: 2 * time.Second}, webtransport.Config{}, echo)
	c := r.dial(nil)
	early, err := c.quic.OpenStream()
	assert.NoError(t, err)
	_, err = early.Write(append(head(0x41, 4), "early"...)) // the next request
	assert.NoError(t, err)
	assert.NoError(t, early.Close())
	s := r.session(c, nil)
	text, err := io.ReadAll(early)
	assert.NoError(t, err)
	assert.Equal(t, string(text), "early")

	var all []*quic.Stream
	for {
		str, err := c.quic.OpenStream()
		if err != nil {
			break // the client may have no more
		}
		_, err = str.Write(head(0x41, 4000))
		assert.NoError(t, err)
		all = append(all, str)
	}
	if len(all) < 100 || len(all) > 128 {
		t.Errorf("%d streams were opened", len(all))
	}
	for _, str := range all {
		_, err := str.Read(make([]byte, 1))
		assert.ErrorIs(t, err, &quic.StreamError{StreamID: str.StreamID(), ErrorCode: rejected, Remote: true})
	}
	uni, err := c.quic.OpenUniStream()
	assert.NoError(t, err)
	_, err = uni.Write(head(0x54, 4000))
	assert.NoError(t, err)
	await(t, uni.Context().Done(), "the unidirectional one is reset")
	// Datagrams of nobody are dropped.
	for range 1000 {
		assert.NoError(t, c.quic.SendDatagram([]byte{0x43, 0xe8, 'x'}))
	}
	assert.Eventually(t, patience, "those of a session come through", func() bool { // some may be lost
		assert.NoError(t, s.SendDatagram([]byte("ping")))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		p, err := s.ReceiveDatagram(ctx)
		return err == nil && string(p) == "ping"
	})
}

// WT-04: a session id that is none ends the connection.
func TestWT04SessionID(t *testing.T) {
	t.Parallel()
	r := start(t, webtransport.ServerConfig{}, webtransport.Config{}, echo)
	c := r.dial(nil)
	str, err := c.quic.OpenStream()
	assert.NoError(t, err)
	_, err = str.Write(head(0x41, 3))
	assert.NoError(t, err)
	await(t, c.quic.Context().Done(), "the connection ends")
	app, ok := errors.AsType[*quic.ApplicationError](context.Cause(c.quic.Context()))
	assert.Equal(t, ok, true)
	assert.Equal(t, http3.ErrCode(app.ErrorCode), http3.ErrCodeIDError)
}

// WT-05: the client closes a session; the handler is told why, its streams end, and another session
// of the connection goes on.
func TestWT05ClientCloses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, reason, want string }{
		{"short", "done", "done"},
		{"none", "", ""},
		{"1024 bytes", strings.Repeat("x", 1024), strings.Repeat("x", 1024)},
		{"1025 bytes", strings.Repeat("x", 1025), strings.Repeat("x", 1024)},
		{"not UTF-8", "a\xffb", "a\ufffdb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			errs := make(chan error, 2)
			r := start(t, webtransport.ServerConfig{}, webtransport.Config{}, func(ctx context.Context, s *webtransport.Session) error {
				str, err := s.AcceptStream(ctx)
				if err != nil {
					return err
				}
				if _, err := str.Write([]byte("x")); err != nil {
					return err
				}
				_, err = io.ReadAll(str)
				errs <- err
				<-ctx.Done()
				errs <- context.Cause(ctx)
				return ctx.Err()
			})
			conn := r.dial(&flow)
			first, second := r.session(conn, nil), r.session(conn, nil)
			open := func(s *lib.Session) *lib.Stream {
				str, err := s.OpenStreamSync(within(t))
				assert.NoError(t, err)
				_, err = str.Write([]byte("x"))
				assert.NoError(t, err)
				_, err = io.ReadFull(str, make([]byte, 1))
				assert.NoError(t, err)
				return str
			}
			open(first)
			other := open(second)
			assert.NoError(t, first.CloseWithError(1<<31, c.reason))
			for range 2 {
				e := sessionError(t, await(t, errs, "an error"))
				assert.Equal(t, *e, webtransport.SessionError{Code: 1 << 31, Reason: c.want, Remote: true})
				assert.ErrorIs(t, e, tako.ErrClientGone)
			}
			_, err := other.Write([]byte("goes on"))
			assert.NoError(t, err)
			assert.NoError(t, other.Close())
			assert.NoError(t, await(t, errs, "the end of the other stream"))
			assert.Equal(t, second.Context().Err(), nil)
		})
	}
}

// WT-05: a session ends with the stream of its CONNECT, and with the connection.
func TestWT05Ends(t *testing.T) {
	t.Parallel()
	begun, ended := make(chan struct{}, 2), make(chan error, 1)
	r := start(t, webtransport.ServerConfig{}, webtransport.Config{}, func(ctx context.Context, s *webtransport.Session) error {
		begun <- struct{}{}
		return hold(ended)(ctx, s)
	})
	c := r.plain()
	req := get(t, r.url("/wt"))
	req.Method, req.Proto = "CONNECT", "webtransport"
	str, err := c.OpenRequestStream(within(t))
	assert.NoError(t, err)
	assert.NoError(t, str.SendRequestHeader(req))
	_, err = str.ReadResponse()
	assert.NoError(t, err)
	await(t, begun, "the handler")
	assert.NoError(t, str.Close())
	assert.Equal(t, *sessionError(t, await(t, ended, "the end")), webtransport.SessionError{Remote: true})

	lost, _ := r.open(nil)
	await(t, begun, "the second handler") // there is none for a session that is lost before
	assert.NoError(t, lost.quic.CloseWithError(0x100, "away"))
	assert.ErrorIs(t, await(t, ended, "the loss"), tako.ErrClientGone)
	assert.Eventually(t, patience, "all are counted out", func() bool { return r.server.Stats().Running == 0 && r.sessions.Stats().Active == 0 })
}

// WT-05: what closes a session by what the handler returns.
func TestWT05HandlerEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end  func(s *webtransport.Session) error
		want lib.SessionError
	}{
		"nil":   {func(*webtransport.Session) error { return nil }, lib.SessionError{Remote: true}},
		"error": {func(*webtransport.Session) error { return errors.New("no") }, lib.SessionError{Remote: true, ErrorCode: 1}},
		"panic": {func(*webtransport.Session) error { panic("no") }, lib.SessionError{Remote: true, ErrorCode: 1}},
		"its own": {func(*webtransport.Session) error {
			return &webtransport.SessionError{Code: 42, Reason: "enough"}
		}, lib.SessionError{Remote: true, ErrorCode: 42, Message: "enough"}},
		"closed": {func(s *webtransport.Session) error { return s.Close(43, "closed") }, lib.SessionError{Remote: true, ErrorCode: 43, Message: "closed"}},
		"long": {func(s *webtransport.Session) error { return s.Close(44, strings.Repeat("é", 600)) },
			lib.SessionError{Remote: true, ErrorCode: 44, Message: strings.Repeat("é", 512)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, webtransport.ServerConfig{}, webtransport.Config{}, func(_ context.Context, s *webtransport.Session) error { return c.end(s) })
			conn, s := r.open(&flow)
			await(t, s.Context().Done(), "the end")
			_, err := s.OpenStream()
			got, ok := errors.AsType[*lib.SessionError](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			assert.Equal(t, *got, c.want)
			assert.Eventually(t, patience, "it is counted out", func() bool { return r.server.Stats().Running == 0 })
			assert.Equal(t, conn.quic.Context().Err(), nil) // the connection goes on
		})
	}
}

// WT-06, SD-06: a drain is told, and waits; the socket is there until sessions have ended.
func TestWT06Drain(t *testing.T) {
	t.Parallel()
	told := make(chan struct{})
	r := start(t, webtransport.ServerConfig{}, webtransport.Config{}, func(ctx context.Context, s *webtransport.Session) error {
		<-s.Draining()
		close(told)
		p, err := s.ReceiveDatagram(ctx) // what the client says after it
		if err != nil {
			return err
		}
		return s.Close(9, string(p))
	})
	c, s := r.open(nil)
	report := make(chan tako.Report, 1)
	go func() {
		got, err := r.server.Shutdown(within(t))
		assert.NoError(t, err)
		report <- got
	}()
	await(t, told, "the handler is told")
	assert.NoError(t, s.SendDatagram([]byte("last words")))
	await(t, s.Context().Done(), "the end")
	_, err := s.OpenStream()
	assert.ErrorIs(t, err, &lib.SessionError{ErrorCode: 9, Remote: true})
	got := await(t, report, "the drain")
	assert.Equal(t, [2]int{got.Drained, got.Cut}, [2]int{1, 0})
	await(t, c.quic.Context().Done(), "the connection ends")
	app, ok := errors.AsType[*quic.ApplicationError](context.Cause(c.quic.Context()))
	assert.Equal(t, ok, true)
	assert.Equal(t, http3.ErrCode(app.ErrorCode), http3.ErrCodeNoError)
}

// WT-06: the client is asked to end its session by WT_DRAIN_SESSION, and may open no other.
func TestWT06Told(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	r := start(t, webtransport.ServerConfig{}, webtransport.Config{}, hold(ended))
	c := r.plain()
	req := get(t, r.url("/wt"))
	req.Method, req.Proto = "CONNECT", "webtransport"
	str, err := c.OpenRequestStream(within(t))
	assert.NoError(t, err)
	assert.NoError(t, str.SendRequestHeader(req))
	_, err = str.ReadResponse()
	assert.NoError(t, err)
	report := make(chan tako.Report, 1)
	go func() {
		got, _ := r.server.Shutdown(within(t))
		report <- got
	}()
	capsule := make([]byte, 5)
	_, err = io.ReadFull(str, capsule)
	assert.NoError(t, err)
	assert.Equal(t, capsule, []byte{0x80, 0, 0x78, 0xae, 0})
	assert.Eventually(t, patience, "no more requests", func() bool {
		other, err := c.OpenRequestStream(within(t))
		assert.NoError(t, err)
		assert.NoError(t, other.SendRequestHeader(req))
		_, err = other.ReadResponse()
		other.CancelRead(0x10c)
		other.CancelWrite(0x10c)
		e, ok := errors.AsType[*http3.Error](err)
		return ok && e.ErrorCode == http3.ErrCodeRequestRejected
	})
	assert.NoError(t, str.Close())
	await(t, report, "the drain")
}

// WT-06: what does not end in time is cut.
func TestWT06Cut(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	r := start(t, webtransport.ServerConfig{}, webtransport.Config{}, hold(ended))
	_, s := r.open(&flow)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	report, err := r.server.Shutdown(ctx)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, report.Cut, 1)
	fails(t, await(t, ended, "the end"))
	await(t, s.Context().Done(), "the end for the client")
}

// WT-05: streams of a session that the server closes are broken off with WT_SESSION_GONE, and the
// client is told by capsule and end of stream, behind which the connection goes on.
func TestWT05SessionGone(t *testing.T) {
	t.Parallel()
	accepted := make(chan error, 1)
	r := start(t, webtransport.ServerConfig{}, webtransport.Config{}, func(ctx context.Context, s *webtransport.Session) error {
		str, err := s.AcceptStream(ctx)
		if err != nil {
			return err
		}
		if err := s.Close(5, "enough"); err != nil {
			return err
		}
		_, err = str.Read(make([]byte, 2))
		for err == nil {
			_, err = str.Read(make([]byte, 2))
		}
		accepted <- err
		return nil
	})
	c := r.dial(nil)
	s := r.session(c, nil)
	str, err := c.quic.OpenStream()
	assert.NoError(t, err)
	_, err = str.Write(append(head(0x41, 0), 'x'))
	assert.NoError(t, err)
	_, err = str.Read(make([]byte, 1))
	assert.ErrorIs(t, err, &quic.StreamError{StreamID: str.StreamID(), ErrorCode: lib.WTSessionGoneErrorCode, Remote: true})
	await(t, s.Context().Done(), "the end")
	_, err = s.OpenStream()
	assert.ErrorIs(t, err, &lib.SessionError{ErrorCode: 5, Remote: true})
	assert.Equal(t, *sessionError(t, await(t, accepted, "the end of the stream")), webtransport.SessionError{Code: 5, Reason: "enough"})
	resp, err := c.RoundTrip(get(t, r.url("/plain")))
	assert.NoError(t, err)
	assert.Equal(t, resp.StatusCode, 200)
}
