package runtimetest

import (
	"context"
	"crypto/tls"
	"io"
	"net"
)

// DialQUIC opens a connection of QUIC to a server of HTTP/3. The suite speaks HTTP/3 on it
// itself, and leaves QUIC to the test that runs it.
type DialQUIC func(ctx context.Context, to net.Addr, config *tls.Config) (QUICConn, error)

// QUICConn is a connection of QUIC. Its methods may be called concurrently.
type QUICConn interface {
	// Open opens a stream that both ends write, or only the client; it waits until the
	// server allows one more.
	Open(ctx context.Context, both bool) (QUICStream, error)
	// Accept returns the next stream that only the server writes.
	Accept(ctx context.Context) (io.Reader, error)
	// Done is closed when the connection has ended; Err says how from then on.
	Done() <-chan struct{}
	Err() error
	// Close ends the connection with a code of HTTP/3.
	Close(code uint64)
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
}

// QUICStream is a stream of QUIC, of which one goroutine may read and one write.
type QUICStream interface {
	ID() int64
	// Read gives an error that Code knows if the server has reset the stream.
	io.Reader
	io.Writer
	// CloseWrite ends what the client writes.
	CloseWrite() error
	// Code returns the code with which the server has reset a stream, from an error of Read.
	Code(err error) (code uint64, reset bool)
}
