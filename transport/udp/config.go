package udp

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"

	"github.com/tako-go/tako"
)

// Config configures a server. Zero means the default, negative and too large values are an
// error of Listen. A server keeps at most Queue + Workers + Sockets × Batch buffers of
// MaxDatagram bytes, and makes them as they are needed.
type Config struct {
	// Addr is the UDP address to listen on; port 0 lets the kernel choose.
	// Default: ":8080".
	Addr string
	// Conn is used instead of Addr if it is set. The server closes it.
	Conn net.PacketConn
	// Listen makes what is used instead of Addr. Conn and Listen are not set both.
	Listen tako.ListenPacketFunc
	// Workers is how many handlers run at once, up to 65536.
	// Default: four for each processor that Go uses.
	Workers int
	// Queue is how many datagrams wait for a worker, up to 1048576. More are dropped.
	// Default: 1024.
	Queue int
	// MaxDatagram is how many bytes of a datagram are read, up to 1 MiB. Of a longer one the
	// beginning is served, as [Packet.Truncated] tells; on Windows it is dropped.
	// Default: 2048.
	MaxDatagram int
	// Batch is how many datagrams one system call reads, up to 1024; 1 is a plain read. Only
	// UDP on Linux has batches, elsewhere it has no effect.
	// Default: 8.
	Batch int
	// ReadBuffer is the size in bytes of the kernel's buffer for a socket, up to 1 GiB. If the
	// kernel grants less, that is logged.
	// Default: that of the system.
	ReadBuffer int
	// Sockets is how many sockets share the address (SO_REUSEPORT), up to 1024, each with a
	// reader. The kernel spreads the senders over them. Only Unix systems have that, for Addr.
	// Default: 1.
	Sockets int
	// Log gets what goes wrong. What a sender can cause is logged the 1st, 2nd, 4th, 8th … time.
	// Default: slog.Default().
	Log *slog.Logger
}

// The defaults and bounds of Config.
const (
	defaultQueue       = 1024
	defaultMaxDatagram = 2048
	defaultBatch       = 8

	maxWorkers     = 1 << 16
	maxQueue       = 1 << 20
	maxMaxDatagram = 1 << 20
	maxBatch       = 1024 // UIO_MAXIOV
	maxReadBuffer  = 1 << 30
	maxSockets     = 1024
)

func (c Config) withDefaults() (Config, error) {
	knobs := []struct {
		name         string
		value        *int
		preset, most int
	}{
		{"Workers", &c.Workers, min(4*runtime.GOMAXPROCS(0), maxWorkers), maxWorkers},
		{"Queue", &c.Queue, defaultQueue, maxQueue},
		{"MaxDatagram", &c.MaxDatagram, defaultMaxDatagram, maxMaxDatagram},
		{"Batch", &c.Batch, defaultBatch, maxBatch},
		{"ReadBuffer", &c.ReadBuffer, 0, maxReadBuffer},
		{"Sockets", &c.Sockets, 1, maxSockets},
	}
	for _, k := range knobs {
		if *k.value < 0 || *k.value > k.most {
			return c, fmt.Errorf("udp: %s is %d: it must be 1 to %d, or 0 for the default", k.name, *k.value, k.most)
		}
		if *k.value == 0 {
			*k.value = k.preset
		}
	}
	switch {
	case c.Conn != nil && c.Listen != nil:
		return c, errors.New("udp: Conn and Listen are both set")
	case c.Sockets > 1 && (c.Conn != nil || c.Listen != nil):
		return c, fmt.Errorf("udp: Sockets is %d: a ready-made socket is only one", c.Sockets)
	}
	if c.Addr == "" {
		c.Addr = ":8080"
	}
	return c, nil
}
