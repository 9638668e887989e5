package tako

import (
	"context"
	"log/slog"
	"net"
	"os"
)

// ListenFunc makes the listener of a server when that begins to listen, in place of an
// address: package transport has those of Unix sockets, of vsock, and of sockets that were
// passed to the process.
type ListenFunc func(ctx context.Context) (net.Listener, error)

// ListenPacketFunc is a ListenFunc for datagrams.
type ListenPacketFunc func(ctx context.Context) (net.PacketConn, error)

// Site is what a server serves, and how.
type Site struct {
	// App answers the requests.
	App App
	// Certs is nil without TLS.
	Certs Certs
	// Limits are without defaults.
	Limits Limits
	// Log is never nil.
	Log *slog.Logger
}

// An Origin is a [Server] of HTTP that another one can stand beside: the same app under the
// same name, over another protocol. Both methods may be called concurrently with all others.
type Origin interface {
	Server
	// Site returns what was configured.
	Site() Site
	// Advertise sets the Alt-Svc field of responses over TLS (RFC 7838), unless a handler sets
	// one; "" takes it back.
	Advertise(altSvc string)
}

// A Yielder is a [Server] whose sockets another process can take over but not share, as
// datagrams of one connection must not go to two processes. All methods may be called
// concurrently with all others.
type Yielder interface {
	// Yield returns what the next process needs, the sockets first, and then lets go of
	// them when the function that it returns is called: from then on it reads no datagram that
	// is not for a connection of its own. It is called between Listen and Shutdown; the caller
	// closes the files.
	Yield() (files []*os.File, letGo func() error, err error)
	// Succeed makes Listen use what Yield of another process has returned. It is called once,
	// before Listen, and takes the files over: also if it fails they are closed. Serve is not
	// called before the other process has let go.
	Succeed(files []*os.File) error
}
