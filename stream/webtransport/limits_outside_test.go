package webtransport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
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

// Of both kinds of streams 100 are handed out before one has to end, or as many as are set.
func TestOutsideStreams(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		cfg       webtransport.ServerConfig
		bidi, uni int
	}{
		{webtransport.ServerConfig{}, 100, 100},
		{webtransport.ServerConfig{Streams: 2, UniStreams: 3}, 2, 3},
	} {
		accepted := make(chan any, 300)
		r := start(t, tt.cfg, webtransport.Config{}, func(ctx context.Context, s *webtransport.Session) error {
			go func() {
				for str, err := s.AcceptUniStream(ctx); err == nil; str, err = s.AcceptUniStream(ctx) {
					accepted <- str
				}
			}()
			for {
				str, err := s.AcceptStream(ctx)
				if err != nil {
					return err
				}
				accepted <- str
			}
		})
		_, s := r.open(&flow) // which is told how many there may be
		for n, open := range map[int]func() (io.Writer, error){
			tt.bidi:        func() (io.Writer, error) { return s.OpenStream() },
			tt.uni + 1<<10: func() (io.Writer, error) { return s.OpenUniStream() },
		} {
			n &= 1<<10 - 1
			for range n {
				str, err := open()
				assert.NoError(t, err)
				_, err = str.Write([]byte("x"))
				assert.NoError(t, err)
			}
			_, err := open()
			fails(t, err)
		}
		var one *webtransport.ReceiveStream
		for range tt.bidi + tt.uni {
			if uni, ok := await(t, accepted, "a stream").(*webtransport.ReceiveStream); ok {
				one = uni
			}
		}
		one.CancelRead(0)
		assert.Eventually(t, patience, "there is a place again", func() bool {
			_, err := s.OpenUniStream()
			return err == nil
		})
	}
}

// A client with flow control sends no more than Window before it is read.
func TestOutsideWindow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ set, want int }{{0, 1 << 20}, {5000, 5000}} {
		t.Run(strconv.Itoa(tt.set), func(t *testing.T) {
			t.Parallel()
			r := start(t, webtransport.ServerConfig{Window: tt.set}, webtransport.Config{}, hold(make(chan error, 1)))
			_, s := r.open(&flow)
			// Several streams, as each has a window of its own; each begins with some bytes, which may count.
			sent, by := 0, time.Now().Add(patience)
			var str *lib.SendStream
			for more := true; more && time.Now().Before(by); {
				more = sent < tt.want-200
				var err error
				if str == nil || sent%100_000 == 0 {
					str, err = s.OpenUniStream()
					assert.NoError(t, err)
				}
				_ = str.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
				n, err := str.Write(make([]byte, 100_000-sent%100_000))
				if sent += n; err != nil {
					assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
				}
			}
			if sent > tt.want || sent < tt.want-200 {
				t.Errorf("got %d bytes sent, want %d", sent, tt.want)
			}
		})
	}
}

// Sessions of a connection are 16 unless others are set, and wrong numbers are told by Listen.
func TestOutsideSessions(t *testing.T) {
	t.Parallel()
	r := start(t, webtransport.ServerConfig{}, webtransport.Config{}, echo)
	c := r.dial(&flow)
	for range 16 {
		r.session(c, nil)
	}
	resp, _, err := c.Dial(within(t), r.url("/wt"), nil)
	fails(t, err)
	assert.Equal(t, resp.StatusCode, http.StatusTooManyRequests)
	assert.Equal(t, r.sessions.Stats(), webtransport.ServerStats{Opened: 16, Active: 16, Refused: 1})
}

// All counters of a session, its context and its deadlines.
func TestOutsideSession(t *testing.T) {
	t.Parallel()
	stats := make(chan webtransport.Stats, 1)
	causes := make(chan error, 1)
	r := start(t, webtransport.ServerConfig{}, webtransport.Config{}, func(ctx context.Context, s *webtransport.Session) error {
		assert.Equal(t, s.Context() == ctx, true)
		str, err := s.AcceptStream(ctx)
		if err != nil {
			return err
		}
		buf := make([]byte, 3)
		if _, err := io.ReadFull(str, buf); err != nil {
			return err
		}
		assert.NoError(t, str.SetDeadline(time.Unix(1, 0)))
		_, err = str.Read(buf)
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		_, err = str.Write(buf)
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.NoError(t, str.SetDeadline(time.Time{}))
		if _, err := str.Write([]byte("four")); err != nil { // a deadline is no end
			return err
		}
		assert.NoError(t, str.Close())
		rest, err := io.ReadAll(str)
		assert.NoError(t, err)
		assert.Equal(t, string(buf)+string(rest), "sixsix")
		out, err := s.OpenUniStream(ctx)
		if err != nil {
			return err
		}
		_, _ = out.Write([]byte("five5"))
		_ = out.Close()
		p, err := s.ReceiveDatagram(ctx)
		if err != nil {
			return err
		}
		assert.NoError(t, s.SendDatagram(p))
		assert.NoError(t, s.SendDatagram(nil))
		stats <- s.Stats()
		<-s.Context().Done()
		causes <- context.Cause(s.Context())
		return nil
	})
	_, s := r.open(&flow)
	str, err := s.OpenStreamSync(within(t))
	assert.NoError(t, err)
	_, err = str.Write([]byte("six"))
	assert.NoError(t, err)
	got := make([]byte, 4)
	_, err = io.ReadFull(str, got)
	assert.NoError(t, err)
	assert.Equal(t, string(got), "four")
	_, err = str.Write([]byte("six"))
	assert.NoError(t, err)
	assert.NoError(t, str.Close())
	assert.NoError(t, s.SendDatagram([]byte("datagram")))
	p, err := s.ReceiveDatagram(within(t))
	assert.NoError(t, err)
	assert.Equal(t, string(p), "datagram")
	assert.Equal(t, await(t, stats, "the counters"), webtransport.Stats{Accepted: 1, Opened: 1, Received: 6, Sent: 9, DatagramsReceived: 1, DatagramsSent: 2})
	assert.NoError(t, s.CloseWithError(7, "enough"))
	err = await(t, causes, "the end")
	assert.Equal(t, *sessionError(t, err), webtransport.SessionError{Code: 7, Reason: "enough", Remote: true})
	assert.ErrorIs(t, err, tako.ErrClientGone)
	assert.Equal(t, err.Error(), "webtransport: session closed by the client with code 7: enough")
	own := &webtransport.SessionError{Code: 8}
	assert.Equal(t, errors.Is(own, tako.ErrClientGone), false)
	assert.Equal(t, own.Error(), "webtransport: session closed by us with code 8")
	assert.Equal(t, (&webtransport.StreamError{Code: 9, Remote: true}).Error(), "webtransport: stream broken off by the client with code 9")
}

// A reason has up to MaxReason bytes, and is not cut within a character.
func TestOutsideReason(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ reason, want string }{
		{strings.Repeat("x", webtransport.MaxReason), strings.Repeat("x", 1024)},
		{strings.Repeat("x", 1025), strings.Repeat("x", 1024)},
		{strings.Repeat("x", 1023) + "ü", strings.Repeat("x", 1023)},
	} {
		r := start(t, webtransport.ServerConfig{}, webtransport.Config{}, func(_ context.Context, s *webtransport.Session) error {
			return s.Close(9, tt.reason)
		})
		for _, cfg := range []*lib.Config{nil, &flow} {
			_, s := r.open(cfg)
			_, err := s.AcceptStream(within(t))
			assert.ErrorIs(t, err, &lib.SessionError{Remote: true, ErrorCode: 9, Message: tt.want})
		}
	}
}

// Datagrams that wait are 128 by default; of more the oldest are dropped and counted.
func TestOutsideDatagrams(t *testing.T) {
	t.Parallel()
	got := make(chan error, 1)
	dropped := make(chan struct{})
	r := start(t, webtransport.ServerConfig{}, webtransport.Config{}, func(ctx context.Context, s *webtransport.Session) error {
		assert.Eventually(t, patience, "one is dropped", func() bool { return s.Stats().DatagramsDropped > 0 })
		close(dropped)
		for n := range 128 { // and what came meanwhile waits behind them
			if _, err := s.ReceiveDatagram(ctx); err != nil {
				got <- fmt.Errorf("after %d datagrams: %w", n, err)
				return nil
			}
		}
		got <- nil
		return nil
	})
	_, s := r.open(nil)
	for sent := 0; ; sent++ {
		assert.NoError(t, s.SendDatagram([]byte("x")))
		select {
		case <-dropped:
		default:
			continue
		}
		break
	}
	assert.NoError(t, await(t, got, "what waits"))
}

// Streams wait EarlyTimeout for their session. Numbers that are out of range are an error of Attach,
// and requests of connections that it does not know are not upgraded.
func TestOutsideEarlyTimeout(t *testing.T) {
	t.Parallel()
	for _, cfg := range []webtransport.ServerConfig{{EarlyTimeout: -1}, {UniStreams: -1}, {Window: 1}, {Sessions: 1 << 17}, {Streams: 1 << 17}} {
		_, err := webtransport.New(cfg).Attach(new(http3.Server))
		assert.Contains(t, err.Error(), "webtransport: ServerConfig.")
	}
	sessions, err := webtransport.New(webtransport.ServerConfig{}).Attach(new(http3.Server))
	assert.NoError(t, err)
	_, err = sessions.Upgrade(nil, (&http.Request{}).WithContext(t.Context()), nil, nil)
	assert.ErrorIs(t, err, errors.ErrUnsupported)

	for _, tt := range []struct{ set, want time.Duration }{{0, 2 * time.Second}, {100 * time.Millisecond, 100 * time.Millisecond}} {
		r := start(t, webtransport.ServerConfig{EarlyTimeout: tt.set}, webtransport.Config{}, echo)
		c := r.dial(nil)
		str, err := c.quic.OpenStreamSync(within(t))
		assert.NoError(t, err)
		began := time.Now()
		_, err = str.Write(head(0x41, 4000)) // of a session that never comes
		assert.NoError(t, err)
		_, err = str.Read(make([]byte, 1))
		assert.ErrorIs(t, err, &quic.StreamError{StreamID: str.StreamID(), ErrorCode: rejected, Remote: true})
		if took := time.Since(began); took < tt.want {
			t.Errorf("rejected after %v, want %v", took, tt.want)
		}
	}
}
