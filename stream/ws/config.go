package ws

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/wsframe"
)

// The defaults of [Config].
const (
	DefaultMaxMessage   = 256 << 10
	DefaultPingInterval = 30 * time.Second
	DefaultPongTimeout  = 10 * time.Second
	DefaultWriteTimeout = 10 * time.Second
	DefaultCloseTimeout = 5 * time.Second
	DefaultQueue        = 1 << 20
)

// Config says how sockets are opened and what they may take. The zero value is safe. Where a
// time or size can be without bound, [tako.NoLimit] says so.
type Config struct {
	// Subprotocols are those that are spoken, best first. The first that the client offers is
	// chosen; a client offers them in this order.
	Subprotocols []string
	// RequireSubprotocol refuses with 400 clients that offer none of Subprotocols.
	RequireSubprotocol bool
	// Origins are the origins whose pages may open a socket, besides those of the server's own:
	// scheme, host and port, such as "https://example.com"; "https://*.example.com" for all names
	// below; "null", or "*" for all.
	// Default: scheme, host and port that the request was sent to, as [tako.Context.Scheme] and
	// [tako.Context.Host] have it.
	Origins []string
	// RequireOrigin refuses with 403 requests without an Origin too. Browsers always send one.
	RequireOrigin bool
	// MaxMessage bounds a received message, in bytes, decompressed; more closes with 1009.
	// Default: [DefaultMaxMessage].
	MaxMessage int64
	// MaxFrame bounds the payload of a received frame, in bytes as they come; more closes with
	// 1009.
	// Default: MaxMessage alone bounds it.
	MaxFrame int64
	// Compression is permessage-deflate.
	Compression Compression
	// PingInterval is after how long without a byte of the peer it gets a ping.
	// Default: [DefaultPingInterval].
	PingInterval time.Duration
	// PongTimeout is how long it has then to send anything; else the socket is broken off with
	// [ErrPongTimeout].
	// Default: [DefaultPongTimeout].
	PongTimeout time.Duration
	// WriteTimeout bounds the time in which the peer takes nothing of what is sent; over TLS with
	// HTTP/1.1 that in which it takes a piece of 16 KiB, and for events on the loop one of up to
	// 64 KiB.
	// Default: [DefaultWriteTimeout].
	WriteTimeout time.Duration
	// CloseTimeout bounds the closing handshake, from the close frame on.
	// Default: [DefaultCloseTimeout].
	CloseTimeout time.Duration
	// Queue is how many bytes may wait for the peer. A message that waits alone may be larger.
	// Default: [DefaultQueue].
	Queue int
	// Full says what [Conn.Send] does with a message for which Queue has no room. DropOldest is
	// the same as DropNewest here.
	// Default: Disconnect.
	Full Policy
	// Meter counts for the sockets of this Config, and others that have the same one.
	// Default: nobody can ask.
	Meter *Meter
	// Log is told of functions of [Events] that panic, which closes the socket with 1011.
	// Default: [slog.Default].
	Log *slog.Logger
}

// Compression is what is wanted of permessage-deflate (RFC 7692).
type Compression struct {
	// Enabled compresses messages if the peer can, too.
	Enabled bool
	// NoContextTakeover compresses each message without those before it: more bytes, but no
	// memory for each socket, and messages to many are compressed once for all. With context
	// takeover, those for many go uncompressed.
	NoContextTakeover bool
	// Level is how hard messages are compressed without context takeover, from 1 (fast) to 9;
	// those for many are always compressed with 1.
	// Default: 1.
	Level int
	// Threshold is from how many bytes on a message is compressed.
	// Default: 128. Negative: all.
	Threshold int
}

// Policy is what becomes of a message for which there is no room, because its receiver is slow.
type Policy uint8

const (
	// Disconnect drops what waits and closes the socket with 1013 (try again later), so that the
	// peer knows that it has missed something.
	Disconnect Policy = iota
	// DropNewest drops the message.
	DropNewest
	// DropOldest drops the message that has waited longest.
	DropOldest
)

func (cfg Config) withDefaults() Config {
	orDefault(&cfg.MaxMessage, DefaultMaxMessage)
	orDefault(&cfg.PingInterval, DefaultPingInterval)
	orDefault(&cfg.PongTimeout, DefaultPongTimeout)
	orDefault(&cfg.WriteTimeout, DefaultWriteTimeout)
	orDefault(&cfg.CloseTimeout, DefaultCloseTimeout)
	if cfg.Queue == 0 {
		cfg.Queue = DefaultQueue
	}
	if cfg.Meter == nil {
		cfg.Meter = new(Meter)
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return cfg
}

func orDefault[T ~int64](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// validate reports what makes no sense.
func (cfg *Config) validate() error {
	for _, name := range cfg.Subprotocols {
		if !ascii.IsToken(name) {
			return fmt.Errorf("ws: subprotocol %q is no token", name)
		}
	}
	if cfg.RequireSubprotocol && len(cfg.Subprotocols) == 0 {
		return errors.New("ws: RequireSubprotocol without Subprotocols")
	}
	for _, size := range []int64{cfg.MaxMessage, cfg.MaxFrame, int64(cfg.PingInterval), int64(cfg.PongTimeout),
		int64(cfg.WriteTimeout), int64(cfg.CloseTimeout), int64(cfg.Queue)} {
		if size < tako.NoLimit {
			return fmt.Errorf("ws: limit %d is negative: tako.NoLimit turns one off", size)
		}
	}
	if cfg.Compression.Level < 0 || cfg.Compression.Level > 9 {
		return fmt.Errorf("ws: compression level %d is not between 1 and 9", cfg.Compression.Level)
	}
	if cfg.Full > DropOldest {
		return fmt.Errorf("ws: policy %d is unknown", cfg.Full)
	}
	return nil
}

func (cfg *Config) frames(client bool) wsframe.Config {
	return wsframe.Config{Client: client, MaxMessage: cfg.MaxMessage, MaxFrame: cfg.MaxFrame,
		Threshold: cfg.Compression.Threshold, Level: cfg.Compression.Level}
}

func (comp Compression) wanted() wsframe.DeflateConfig {
	return wsframe.DeflateConfig{ServerNoContext: comp.NoContextTakeover, ClientNoContext: comp.NoContextTakeover}
}
