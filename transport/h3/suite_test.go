package h3_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/runtimetest"
	"github.com/tako-go/tako/transport/h3"
)

var suiteTarget = runtimetest.Target{
	Name:     "h3",
	Protocol: runtimetest.HTTP3,
	Start: func(cfg runtimetest.ServerConfig, app tako.App, _ net.Listener) (tako.Server, error) {
		return h3.New(app, h3.Config{Addr: cfg.Addr, ExtendedConnect: true, Limits: cfg.Limits, Certs: cfg.Certs, Log: cfg.Log}), nil
	},
	OpenConns: func(s tako.Server) int64 { return s.(*h3.Server).Stats().Conns },
	DialQUIC:  dialSuite,
}

func TestSuite(t *testing.T) {
	target := suiteTarget
	if raceEnabled { // cases that count memory or load the machine take minutes
		target.Groups = []string{"CN", "H1", "EX", "SD"}
	}
	runtimetest.Run(t, target)
}

// suiteConn is a connection for the suite, which speaks HTTP/3 itself.
type suiteConn struct{ *quic.Conn }

func dialSuite(ctx context.Context, to net.Addr, config *tls.Config) (runtimetest.QUICConn, error) {
	conn, err := quic.DialAddr(ctx, to.String(), config, &quic.Config{HandshakeIdleTimeout: 5 * time.Second, MaxIdleTimeout: time.Minute,
		MaxIncomingUniStreams: 8, InitialStreamReceiveWindow: 64 << 10, MaxStreamReceiveWindow: 64 << 10})
	if err != nil {
		return nil, err
	}
	return suiteConn{conn}, nil
}

func (c suiteConn) Open(ctx context.Context, both bool) (runtimetest.QUICStream, error) {
	if both {
		st, err := c.OpenStreamSync(ctx)
		if err != nil {
			return nil, err
		}
		return suiteStream{st}, nil
	}
	st, err := c.OpenUniStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	return writeOnly{st}, nil
}

func (c suiteConn) Accept(ctx context.Context) (io.Reader, error) { return c.AcceptUniStream(ctx) }
func (c suiteConn) Done() <-chan struct{}                         { return c.Context().Done() }
func (c suiteConn) Err() error                                    { return context.Cause(c.Context()) }
func (c suiteConn) Close(code uint64) {
	_ = c.CloseWithError(quic.ApplicationErrorCode(code), "")
}

type suiteStream struct{ *quic.Stream }

func (s suiteStream) ID() int64         { return int64(s.StreamID()) }
func (s suiteStream) CloseWrite() error { return s.Stream.Close() }

func (suiteStream) Code(err error) (uint64, bool) {
	var reset *quic.StreamError
	if errors.As(err, &reset) {
		return uint64(reset.ErrorCode), true
	}
	return 0, false
}

// writeOnly is a stream that only the client writes.
type writeOnly struct{ *quic.SendStream }

func (s writeOnly) ID() int64                { return int64(s.StreamID()) }
func (s writeOnly) Read([]byte) (int, error) { return 0, io.EOF }
func (s writeOnly) CloseWrite() error        { return s.SendStream.Close() }
func (writeOnly) Code(error) (uint64, bool)  { return 0, false }

// TestFeatureTable looks at the column of this protocol in the documentation.
func TestFeatureTable(t *testing.T) {
	runtimetest.CheckTable(t, "../../docs/features/transports-table.md", "h3", suiteTarget)
}
