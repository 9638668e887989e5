package tako

import (
	"context"
	"crypto/tls"
	"log/slog"
)

// Certs is where a server has its certificates from, and what it asks of those of
// clients. Package transport has implementations. One may serve several servers.
// All methods may be called concurrently.
type Certs interface {
	// TLS returns the configuration for the handshakes of a server that offers these
	// protocols by ALPN, the best first. Certificates, client certificate authorities and
	// ticket keys that change later must have their effect on new handshakes through
	// it. It is called by Listen; what it starts, such as watching files, ends with
	// ctx. The error says what is wrong with the certificates.
	TLS(ctx context.Context, protocols []string, log *slog.Logger) (*tls.Config, error)
	// Reload reads the certificates again. If that fails the old ones stay.
	Reload(ctx context.Context) error
	// Misdirected reports whether a request for this host must not be answered over a
	// connection with this handshake, because the host asks something else of clients than
	// the one that the handshake was for. Such requests are answered 421 (RFC 9110,
	// section 15.5.20).
	Misdirected(state *tls.ConnectionState, host string) bool
}

// A Reloader is a [Server] that can take over changes of what it has read when it
// began to listen, such as certificates. [Runner.Run] calls it on SIGHUP.
type Reloader interface {
	// Reloads reports whether there is anything to be read again.
	Reloads() bool
	// Reload reads again. If that fails everything stays as it was. It may be called at
	// any time, also concurrently.
	Reload(ctx context.Context) error
}
