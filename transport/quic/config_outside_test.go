package quic_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	lib "github.com/quic-go/quic-go"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/quic"
)

// hold keeps a connection until it ends.
func hold(ctx context.Context, _ *quic.Conn) error {
	<-ctx.Done()
	return nil
}

// A client may have 100 streams of each kind open, or as many as are set.
func TestOutsideStreams(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ setBidi, setUni, bidi, uni int }{{0, 0, 100, 100}, {2, 3, 2, 3}} {
		s := start(t, hold, func(c *quic.Config) { c.Streams, c.UniStreams = tt.setBidi, tt.setUni })
		c := dial(t, s)
		for range tt.bidi {
			_, err := c.OpenStream()
			assert.NoError(t, err)
		}
		_, err := c.OpenStream()
		assert.ErrorIs(t, err, &lib.StreamLimitReachedError{})
		for range tt.uni {
			_, err := c.OpenUniStream()
			assert.NoError(t, err)
		}
		_, err = c.OpenUniStream()
		assert.ErrorIs(t, err, &lib.StreamLimitReachedError{})
	}
}

// What is not read takes Window of each stream, and ConnWindow of all.
func TestOutsideWindows(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ setOne, setAll, one, all int }{{0, 0, 512 << 10, 2 << 20}, {4 << 10, 10 << 10, 4 << 10, 10 << 10}} {
		t.Run(strconv.Itoa(tt.setOne), func(t *testing.T) {
			t.Parallel()
			s := start(t, hold, func(c *quic.Config) { c.Window, c.ConnWindow = tt.setOne, tt.setAll })
			c := dial(t, s)
			for left := tt.all; left > 0; {
				str, err := c.OpenStream()
				assert.NoError(t, err)
				want, sent, by := min(tt.one, left), 0, time.Now().Add(patience)
				for more := true; more && time.Now().Before(by); {
					more = sent < want
					_ = str.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
					n, err := str.Write(make([]byte, tt.one+10000-sent))
					sent += n
					assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
				}
				// What is queued counts as written, though it does not go out: a packet at most.
				if sent < want || sent > want+1500 {
					t.Errorf("got %d bytes sent, want %d", sent, want)
				}
				left -= want
			}
		})
	}
}

// The socket may be made by others.
func TestOutsideSockets(t *testing.T) {
	t.Parallel()
	bind := func() net.PacketConn {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		assert.NoError(t, err)
		return conn
	}
	given, made := bind(), bind()
	unused := bind()
	for name, s := range map[string]*quic.Server{
		given.LocalAddr().String(): start(t, echo, func(c *quic.Config) { c.Addr, c.Conn = "", given }),
		made.LocalAddr().String(): start(t, echo, func(c *quic.Config) {
			c.Addr, c.Conn = "", unused // which is closed
			c.Listen = func(context.Context) (net.PacketConn, error) { return made, nil }
		}),
	} {
		assert.Equal(t, s.Addr().String(), name)
		c := dial(t, s)
		assert.NoError(t, c.SendDatagram([]byte("ping")))
		p, err := c.ReceiveDatagram(within(t))
		assert.NoError(t, err)
		assert.Equal(t, string(p), "ping")
	}
	_, err := unused.WriteTo([]byte("x"), made.LocalAddr())
	assert.ErrorIs(t, err, net.ErrClosed)
	broken := errors.New("no socket")
	cfg := quic.Config{Certs: certs, Protocols: []string{"x"}, Listen: func(context.Context) (net.PacketConn, error) { return nil, broken }}
	assert.ErrorIs(t, quic.New(echo, cfg).Listen(t.Context()), broken)
}

// Datagrams are off unless they are wanted.
func TestOutsideDatagrams(t *testing.T) {
	t.Parallel()
	errs := make(chan error, 2)
	s := start(t, func(ctx context.Context, c *quic.Conn) error {
		_, err := c.ReceiveDatagram(ctx)
		errs <- err
		errs <- c.SendDatagram(nil)
		<-ctx.Done()
		return nil
	}, func(c *quic.Config) { c.Datagrams = false })
	c := dial(t, s)
	for range 2 {
		assert.ErrorIs(t, await(t, errs, "an error"), errors.ErrUnsupported)
	}
	assert.Equal(t, c.ConnectionState().SupportsDatagrams.Remote, false)
}

// A client that is there is asked as often as is set, and stays.
func TestOutsideKeepAlive(t *testing.T) {
	t.Parallel()
	alive := start(t, echo, func(c *quic.Config) { c.KeepAlive, c.Limits.IdleTimeout = 200*time.Millisecond, 2*time.Second })
	silent := start(t, echo, func(c *quic.Config) { c.KeepAlive, c.Limits.IdleTimeout = tako.NoLimit, 2*time.Second })
	stays, goes := dial(t, alive), dial(t, silent)
	assert.NoError(t, goes.Context().Err())
	assert.Eventually(t, patience, "both are served", func() bool { return alive.Stats().Accepted == 1 && silent.Stats().Accepted == 1 })
	assert.Eventually(t, patience, "the silent one is given up", func() bool { return silent.Stats().Conns == 0 })
	assert.Equal(t, alive.Stats().Conns, int64(1))
	assert.NoError(t, stays.SendDatagram([]byte("ping")))
	_, err := stays.ReceiveDatagram(within(t))
	assert.NoError(t, err)
	cfg := quic.Config{Addr: "127.0.0.1:0", Certs: certs, Protocols: []string{"x"}, KeepAlive: -2}
	assert.Contains(t, quic.New(echo, cfg).Listen(t.Context()).Error(), "quic: Config.KeepAlive")
}

// What a connection tells, streams of the server, and deadlines.
func TestOutsideConn(t *testing.T) {
	t.Parallel()
	infos := make(chan *tako.ConnInfo, 1)
	s := start(t, func(ctx context.Context, c *quic.Conn) error {
		assert.Equal(t, c.Context() == ctx, true)
		infos <- c.Info()
		str, err := c.OpenStream(ctx)
		if err != nil {
			return err
		}
		assert.NoError(t, str.SetDeadline(time.Unix(1, 0)))
		_, err = str.Read(make([]byte, 1))
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		_, err = str.Write(make([]byte, 1))
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.NoError(t, str.SetDeadline(time.Time{}))
		defer str.Close()
		return copyBoth(ctx, str)
	})
	c := dial(t, s)
	info := await(t, infos, "the connection")
	assert.Equal(t, info.Transport, "quic")
	assert.Equal(t, info.Local.String(), s.Addr().String())
	assert.Equal(t, info.Remote.(*net.UDPAddr).Port, c.LocalAddr().(*net.UDPAddr).Port)
	assert.Equal(t, info.TLS.NegotiatedProtocol, "echo/1")
	str, err := c.AcceptStream(within(t))
	assert.NoError(t, err)
	_, err = str.Write([]byte("to the server"))
	assert.NoError(t, err)
	assert.NoError(t, str.Close())
	got, err := io.ReadAll(str)
	assert.NoError(t, err)
	assert.Equal(t, string(got), "hello to the server")
}

func copyBoth(ctx context.Context, str *quic.Stream) error {
	if _, err := str.Write([]byte("hello ")); err != nil {
		return err
	}
	_, err := io.Copy(str, str)
	_ = str.Close()
	<-ctx.Done()
	return err
}

// Errors have words, and match the end of the client if it was that.
func TestOutsideErrors(t *testing.T) {
	theirs, own := &quic.ConnError{Code: 5, Reason: "bye", Remote: true}, &quic.ConnError{Code: 6}
	assert.Equal(t, theirs.Error(), "quic: connection closed by the client with code 5: bye")
	assert.Equal(t, own.Error(), "quic: connection closed by us with code 6")
	assert.ErrorIs(t, theirs, tako.ErrClientGone)
	assert.Equal(t, errors.Is(own, tako.ErrClientGone), false)
	assert.Equal(t, (&quic.StreamError{Code: 7}).Error(), "quic: stream broken off by us with code 7")
}

// Certificates are read again while the server runs, and handlers are told before a shutdown begins.
func TestOutsideReload(t *testing.T) {
	t.Parallel()
	drains := make(chan struct{})
	var s *quic.Server
	other := transport.SelfSigned()
	reloaded := &counted{Certs: other}
	s = start(t, func(_ context.Context, c *quic.Conn) error {
		<-c.Draining()
		close(drains)
		return nil
	}, func(c *quic.Config) { c.Certs = reloaded })
	assert.Equal(t, s.Reloads(), true)
	assert.NoError(t, s.Reload(within(t)))
	assert.Equal(t, reloaded.n, 1)
	secure := clientTLS("echo/1")
	secure.RootCAs = other.CertPool()
	c, err := lib.DialAddr(within(t), s.Addr().String(), secure, nil)
	assert.NoError(t, err)
	s.BeginDrain()
	s.BeginDrain()
	await(t, drains, "the handler to be told")
	code, _ := closed(t, c)
	assert.Equal(t, code, uint64(0))
	again, err := lib.DialAddr(within(t), s.Addr().String(), secure, nil) // it accepts still
	assert.NoError(t, err)
	_ = again.CloseWithError(0, "")
}

// counted are certificates that count how often they are read again.
type counted struct {
	tako.Certs
	n int
}

func (c *counted) Reload(ctx context.Context) error {
	c.n++
	return c.Certs.Reload(ctx)
}
