package h3

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/tako-go/tako"
)

// Config configures a server. The zero value, with certificates, listens on ":8443". Fields
// that are out of range are an error of Listen.
type Config struct {
	// Addr is the UDP address to listen on; port 0 lets the kernel choose.
	// Default: ":8443"; for Beside that of the server.
	Addr string
	// Conn is used instead of Addr if it is set. The server closes it.
	Conn net.PacketConn
	// Listen makes the socket when the server begins to listen, instead of Addr and Conn.
	Listen tako.ListenPacketFunc
	// Certs are the certificates of the server, which it must have.
	// Default: for Beside those of the server.
	Certs tako.Certs
	// Limits bounds what clients may take. The package comment says where they mean something
	// else than over TCP.
	// Default: for Beside those of the server.
	Limits tako.Limits
	// Streams bounds the requests that a client may have under way. One that it has reset
	// counts until its handler has returned.
	// Default: 128; up to 65536.
	Streams int
	// UniStreams bounds the unidirectional streams of a client, of which HTTP/3 needs three.
	// Default: 16, 128 with WebTransport; from 3 to 65536.
	UniStreams int
	// Resets is how many requests a client may give up before they have been answered, beyond
	// 50 a second; each answered one allows one more. Then the connection ends with
	// H3_EXCESSIVE_LOAD.
	// Default: 500.
	Resets int
	// Window is how many bytes of a request body may come before the handler reads it, and
	// MaxWindow how far that grows while the handler reads as fast as the client sends.
	// Default: 256 KiB and 2 MiB; from 1 KiB to 64 MiB.
	Window, MaxWindow int
	// ConnWindow and MaxConnWindow are the same for all streams of a connection together.
	// Default: 1 MiB and 8 MiB; from Window and MaxWindow to 256 MiB.
	ConnWindow, MaxConnWindow int
	// Datagrams offers QUIC datagrams (RFC 9221) and those of HTTP (RFC 9297), which [Datagrams]
	// sends and receives.
	Datagrams bool
	// ExtendedConnect lets clients use CONNECT with :protocol (RFC 9220), such as for WebSocket,
	// on routes whose handlers call [tako.Context.Upgrade]. Without it they are answered
	// 501. The library tells clients of it in any case.
	ExtendedConnect bool
	// WebTransport takes sessions of WebTransport on the routes that are for them; it is made by
	// New of stream/webtransport, for one server each. Datagrams are offered then, and UniStreams
	// is 128 by default.
	// Default: nil, none: such requests are answered 501.
	WebTransport WebTransport
	// Retry says when a client has to prove its address before anything is spent on it, which
	// costs it a round trip.
	// Default: RetryWhenBusy.
	Retry Retry
	// RetryAfter is the number of open handshakes from which RetryWhenBusy demands that, if they do
	// not take a quarter of Limits.Conns before, or those of the address one of ConnsPerAddr.
	// Default: 256.
	RetryAfter int
	// KeepAlive is after how much silence the client is asked by PING whether it is still there,
	// which also keeps its path through address translation open; [tako.NoLimit] never asks.
	// Connections without requests end by Limits.IdleTimeout nevertheless.
	// Default: 20 s.
	KeepAlive time.Duration
	// QLog returns where the events of a connection are written to as qlog, JSON text
	// sequences (RFC 7464), or nil for none of this one; id is its original connection id
	// in hexadecimal. It is called for each connection, and the result closed behind it.
	// Default: nil, none.
	QLog func(id string) io.WriteCloser
	// NoAltSvc keeps [Beside] from telling the clients of the other server.
	NoAltSvc bool
	// AltSvcMaxAge is for how long clients remember it.
	// Default: 24 h; from 1 s.
	AltSvcMaxAge time.Duration
	// AltSvcPort is the port that they are told, where it is not that of the socket.
	// Default: 0, that of the socket.
	AltSvcPort int
	// Log gets what goes wrong on connections.
	// Default: slog.Default(); for Beside that of the server.
	Log *slog.Logger
}

// Retry says when clients have to prove their address by a Retry packet (RFC 9000, section 8.1.2).
type Retry uint8

const (
	// RetryWhenBusy demands it while many handshakes are open, as Config.RetryAfter says.
	RetryWhenBusy Retry = iota
	// RetryAlways demands it of everybody without a token of an earlier connection.
	RetryAlways
	// RetryNever demands it of nobody.
	RetryNever
)

// withDefaults returns c with defaults for what is zero.
func (c Config) withDefaults() (Config, error) {
	var err error
	if c.Addr == "" {
		c.Addr = ":8443"
	}
	if c.Limits, err = c.Limits.WithDefaults(); err != nil {
		return c, err
	}
	bound := func(field *int, name string, value, least, most int) {
		if *field == 0 {
			*field = min(max(value, least), most)
		}
		if (*field < least || *field > most) && err == nil {
			err = fmt.Errorf("h3: Config.%s is %d: it must be %d to %d, or 0 for the default", name, *field, least, most)
		}
	}
	bound(&c.Streams, "Streams", 128, 1, 1<<16)
	uni := 16
	if c.WebTransport != nil {
		c.Datagrams, uni = true, 128
	}
	bound(&c.UniStreams, "UniStreams", uni, 3, 1<<16)
	bound(&c.Resets, "Resets", 500, 1, 1<<30)
	bound(&c.Window, "Window", 256<<10, 1<<10, 64<<20)
	bound(&c.MaxWindow, "MaxWindow", 2<<20, c.Window, 64<<20)
	bound(&c.ConnWindow, "ConnWindow", 1<<20, c.Window, 256<<20)
	bound(&c.MaxConnWindow, "MaxConnWindow", 8<<20, max(c.ConnWindow, c.MaxWindow), 256<<20)
	bound(&c.RetryAfter, "RetryAfter", 256, 1, 1<<30)
	if c.KeepAlive == 0 {
		c.KeepAlive = 20 * time.Second
	}
	if c.AltSvcMaxAge == 0 {
		c.AltSvcMaxAge = 24 * time.Hour
	}
	switch {
	case err != nil:
	case c.Certs == nil:
		err = fmt.Errorf("h3: Config.Certs is not set: HTTP/3 is never without TLS")
	case c.Retry > RetryNever:
		err = fmt.Errorf("h3: unknown Config.Retry %d", c.Retry)
	case c.KeepAlive < tako.NoLimit:
		err = fmt.Errorf("h3: Config.KeepAlive is %v: it must be positive, 0 for the default or NoLimit", c.KeepAlive)
	case c.AltSvcMaxAge < time.Second:
		err = fmt.Errorf("h3: Config.AltSvcMaxAge is %v: it must be at least 1s, or 0 for the default", c.AltSvcMaxAge)
	case c.AltSvcPort < 0 || c.AltSvcPort > 65535:
		err = fmt.Errorf("h3: Config.AltSvcPort is %d: it must be 1 to 65535, or 0 for that of the socket", c.AltSvcPort)
	}
	return c, err
}
