package quic

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	lib "github.com/quic-go/quic-go"

	"github.com/tako-go/tako"
)

// Config configures a server. One of Addr, Conn and Listen is needed, Certs, and Protocols. Fields
// that are out of range are an error of Listen.
type Config struct {
	// Addr is the UDP address to listen on; port 0 lets the kernel choose.
	Addr string
	// Conn is used instead of Addr if it is set. The server closes it.
	Conn net.PacketConn
	// Listen makes the socket when the server begins to listen, instead of Addr and Conn.
	Listen tako.ListenPacketFunc
	// Certs are the certificates of the server.
	Certs tako.Certs
	// Protocols are the names of what is spoken (ALPN), such as "echo/1", the one that the server likes
	// best first. A client that offers none of them is refused.
	Protocols []string
	// Limits bounds what clients may take. Those that hold here are Conns, ConnsPerAddr, which count
	// from the first packet on, HandshakeTimeout, and IdleTimeout: how long nothing may come from a
	// client, what KeepAlive asks for included.
	Limits tako.Limits
	// Streams bounds the bidirectional streams that a client may have open, UniStreams the
	// unidirectional ones. It has to wait for more.
	// Default: 100; from 1 to 65536.
	Streams, UniStreams int
	// Window is how many bytes of a stream may come before they are read, and ConnWindow those of all
	// streams of a connection.
	// Default: 512 KiB and 2 MiB; from 1 KiB to 256 MiB.
	Window, ConnWindow int
	// Datagrams lets both sides send datagrams.
	Datagrams bool
	// KeepAlive is after how much silence the client is asked by PING whether it is still there;
	// [tako.NoLimit] never asks.
	// Default: 20 s.
	KeepAlive time.Duration
	// Log gets what goes wrong on connections.
	// Default: slog.Default().
	Log *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	var err error
	if c.Limits, err = c.Limits.WithDefaults(); err != nil {
		return c, err
	}
	bound := func(field *int, name string, value, least, most int) {
		if *field == 0 {
			*field = max(value, least)
		}
		if (*field < least || *field > most) && err == nil {
			err = fmt.Errorf("quic: Config.%s is %d: it must be %d to %d, or 0 for the default", name, *field, least, most)
		}
	}
	bound(&c.Streams, "Streams", 100, 1, 1<<16)
	bound(&c.UniStreams, "UniStreams", 100, 1, 1<<16)
	bound(&c.Window, "Window", 512<<10, 1<<10, 256<<20)
	bound(&c.ConnWindow, "ConnWindow", 2<<20, c.Window, 256<<20)
	if c.KeepAlive == 0 {
		c.KeepAlive = 20 * time.Second
	}
	switch {
	case err != nil:
	case c.Certs == nil:
		err = errors.New("quic: Config.Certs is not set: QUIC is never without TLS")
	case len(c.Protocols) == 0:
		err = errors.New("quic: Config.Protocols is empty: clients name a protocol")
	case c.KeepAlive < tako.NoLimit:
		err = fmt.Errorf("quic: Config.KeepAlive is %v: it must be positive, 0 for the default or NoLimit", c.KeepAlive)
	case c.Addr == "" && c.Conn == nil && c.Listen == nil:
		err = errors.New("quic: Config has no Addr, no Conn and no Listen")
	}
	return c, err
}

// forEver stands in for no limit where the library takes 0 for a default.
const forEver = 1000 * time.Hour

func (c *Config) library() *lib.Config {
	handshake, idle := c.Limits.HandshakeTimeout/2, c.Limits.IdleTimeout // the library doubles the first
	if handshake < 0 {
		handshake = forEver
	}
	if idle < 0 {
		idle = forEver
	}
	return &lib.Config{
		HandshakeIdleTimeout:           handshake,
		MaxIdleTimeout:                 idle,
		InitialStreamReceiveWindow:     uint64(c.Window),
		MaxStreamReceiveWindow:         uint64(c.Window),
		InitialConnectionReceiveWindow: uint64(c.ConnWindow),
		MaxConnectionReceiveWindow:     uint64(c.ConnWindow),
		MaxIncomingStreams:             int64(c.Streams),
		MaxIncomingUniStreams:          int64(c.UniStreams),
		KeepAlivePeriod:                max(c.KeepAlive, 0),
		EnableDatagrams:                c.Datagrams,
	}
}
