package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// keepIdle is how long a client keeps a connection that is silent, longer than any run.
const keepIdle = 10 * time.Minute

// Transport3 speaks HTTP/3 only, and trusts nobody but the pair. Its Close ends the
// connections.
func Transport3(pair Pair) *http3.Transport {
	return &http3.Transport{
		DisableCompression: true,
		TLSClientConfig:    &tls.Config{RootCAs: pair.Roots},
		QUICConfig:         quicConfig(),
	}
}

func quicConfig() *quic.Config {
	return &quic.Config{HandshakeIdleTimeout: handshakeTimeout, MaxIdleTimeout: keepIdle}
}

// Conn3 is one connection with HTTP/3, on a socket of its own.
type Conn3 struct {
	*http3.ClientConn
	socket    *net.UDPConn
	transport *quic.Transport
}

// Dial3 connects from an address of this machine, or from any if it is nil.
func Dial3(ctx context.Context, from net.IP, addr string, pair Pair) (*Conn3, error) {
	to, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, err
	}
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: from})
	if err != nil {
		return nil, err
	}
	c := &Conn3{socket: socket, transport: &quic.Transport{Conn: socket}}
	config := &tls.Config{
		RootCAs:    pair.Roots,
		ServerName: to.IP.String(),
		NextProtos: []string{http3.NextProtoH3},
		// As for tls-handshake. Without a cache of sessions nothing is resumed.
		CurvePreferences:       []tls.CurveID{tls.X25519},
		SessionTicketsDisabled: true,
	}
	conn, err := c.transport.Dial(ctx, to, config, quicConfig())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("a connection with QUIC: %w", err), c.end())
	}
	c.ClientConn = (&http3.Transport{DisableCompression: true}).NewClientConn(conn)
	state := conn.ConnectionState().TLS
	if err := CheckHandshake(&state); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if state.DidResume {
		return nil, errors.Join(errors.New("a session was resumed"), c.Close())
	}
	return c, nil
}

// Close tells the server and frees the socket.
func (c *Conn3) Close() error {
	return errors.Join(c.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), ""), c.end())
}

func (c *Conn3) end() error { return errors.Join(c.transport.Close(), c.socket.Close()) }
