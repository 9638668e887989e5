package transport

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/unixsock"
)

// SocketInfo describes a socket that a service manager has passed to the process.
type SocketInfo struct {
	// FD is the number of the descriptor.
	FD int
	// Name is what the manager calls it: several may have the same name, and "unknown" is that of
	// all if it gave none.
	Name string
	// Network is "tcp", "udp", "unix", "unixgram", "unixpacket" or "vsock", and "" if it is another
	// sort of socket, or none.
	Network string
	// Addr is what it is bound to, "" if nothing.
	Addr string
	// Listening says whether connections can be accepted from it.
	Listening bool
	// Taken says whether a server has it already.
	Taken bool
}

// String returns the line of a listing, such as "fd 3 web: tcp [::]:80".
func (s SocketInfo) String() string {
	text := fmt.Sprintf("fd %d %s: ", s.FD, s.Name)
	switch {
	case s.Network == "":
		text += "no socket that is known here"
	case s.Addr == "":
		text += s.Network + ", not bound"
	default:
		text += s.Network + " " + s.Addr
	}
	if s.Taken {
		text += ", taken"
	}
	return text
}

// Sockets lists what a service manager has passed to the process, as sd_listen_fds(3) says:
// LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES are read once, at the first call of this or by the
// first function that needs them, and removed from the environment; the descriptors are
// closed on exec. It is nil if there are none for this process, or if they are wrong, which
// those functions then tell.
func Sockets() []SocketInfo { return inherited().list() }

// Activated returns a listener from a service manager by its name, or by its index as in
// "0": one for TCP, for Unix streams, whose file stays, or for vsock. Each can be had once; of
// several with a name the next that is left. The error of the function says what there is.
func Activated(name string) tako.ListenFunc {
	return func(context.Context) (net.Listener, error) {
		return asListener(inherited().byName(name, stream))
	}
}

// ActivatedPacket is [Activated] for sockets of UDP, and of Unix datagrams.
func ActivatedPacket(name string) tako.ListenPacketFunc {
	return func(context.Context) (net.PacketConn, error) {
		return asPacketConn(inherited().byName(name, datagram))
	}
}

// FD returns a listener that the process was started with as a descriptor, without the
// environment of [Sockets]: with s6 and inetd that is 0. It can be had once; of descriptors up
// to 2 the null device takes the place.
func FD(n int) tako.ListenFunc {
	return func(context.Context) (net.Listener, error) {
		return asListener(inherited().byFD(n, stream))
	}
}

// FDPacket is [FD] for sockets of UDP, and of Unix datagrams.
func FDPacket(n int) tako.ListenPacketFunc {
	return func(context.Context) (net.PacketConn, error) {
		return asPacketConn(inherited().byFD(n, datagram))
	}
}

// Listen returns the socket bound to an address that a service manager has passed, and
// listens there itself if it has not. The network is "tcp", "tcp4", "tcp6", "unix", as [Unix] with
// its defaults, or "vsock", with an address "PORT" or "CID:PORT". A host without address means
// any: so does the socket then.
func Listen(network, addr string) tako.ListenFunc {
	own := func(ctx context.Context) (net.Listener, error) {
		var lc net.ListenConfig
		return lc.Listen(ctx, network, addr)
	}
	switch network {
	case "tcp", "tcp4", "tcp6":
	case "unix":
		own = Unix(addr, UnixConfig{})
	case "vsock":
		cid, port, err := parseVSock(addr)
		if err != nil {
			return func(context.Context) (net.Listener, error) { return nil, fmt.Errorf("transport: vsock: %w", err) }
		}
		own = VSock(port, VSockConfig{CID: cid})
	default:
		return func(context.Context) (net.Listener, error) {
			return nil, fmt.Errorf("transport: listen: %w", net.UnknownNetworkError(network))
		}
	}
	return passedOr(network, addr, own)
}

// passedOr prefers a socket that was passed.
func passedOr(network, addr string, own tako.ListenFunc) tako.ListenFunc {
	return func(ctx context.Context) (net.Listener, error) {
		file, err := inherited().byAddr(ctx, network, addr, stream)
		if file == nil && err == nil {
			return own(ctx)
		}
		return asListener(file, err)
	}
}

// ListenPacket is [Listen] for "udp", "udp4" and "udp6".
func ListenPacket(network, addr string) tako.ListenPacketFunc {
	return func(ctx context.Context) (net.PacketConn, error) {
		switch network {
		case "udp", "udp4", "udp6":
		default:
			return nil, fmt.Errorf("transport: listen: %w", net.UnknownNetworkError(network))
		}
		file, err := inherited().byAddr(ctx, network, addr, datagram)
		if file == nil && err == nil {
			var lc net.ListenConfig
			return lc.ListenPacket(ctx, network, addr)
		}
		return asPacketConn(file, err)
	}
}

func asListener(file *socketFile, err error) (net.Listener, error) {
	if err != nil {
		return nil, fmt.Errorf("transport: %w", err)
	}
	if file.network == "vsock" {
		return newVSockListener(file.File)
	}
	defer file.Close()
	ln, err := net.FileListener(file.File)
	if err != nil {
		return nil, fmt.Errorf("transport: %s: %w", file.Name(), err)
	}
	if u, ok := ln.(*net.UnixListener); ok {
		return unixsock.Pass(u), nil
	}
	return ln, nil
}

func asPacketConn(file *socketFile, err error) (net.PacketConn, error) {
	if err != nil {
		return nil, fmt.Errorf("transport: %w", err)
	}
	defer file.Close()
	conn, err := net.FilePacketConn(file.File)
	if err != nil {
		return nil, fmt.Errorf("transport: %s: %w", file.Name(), err)
	}
	return conn, nil
}

// A socketFile is a socket that was taken.
type socketFile struct {
	*os.File
	network string
}

// A sort is what a server needs of a socket.
type sort string

const (
	stream   sort = "listener"
	datagram sort = "datagram socket"
)

// fits returns what is wrong with a socket, "" if nothing.
func (want sort) fits(s SocketInfo) string {
	is := ""
	switch s.Network {
	case "tcp", "unix", "vsock":
		if want == datagram {
			is = "for streams"
		} else if !s.Listening {
			is = "a stream socket that does not listen: it may be one connection, as with Accept=yes of systemd"
		}
	case "udp", "unixgram":
		if want == stream {
			is = "for datagrams"
		}
	case "":
		is = "no socket that is known here"
	default:
		is = "of network " + s.Network
	}
	if is == "" {
		return ""
	}
	return "fd " + strconv.Itoa(s.FD) + " is no " + string(want) + ": it is " + is
}
