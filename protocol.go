package tako

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
)

// Protocol is a version of HTTP.
type Protocol uint8

// The versions a request can arrive with.
const (
	HTTP10 Protocol = iota + 1
	HTTP11
	HTTP2
	HTTP3
)

// String returns the version as a log shows it, such as "HTTP/1.1".
func (p Protocol) String() string {
	switch p {
	case HTTP10:
		return "HTTP/1.0"
	case HTTP11:
		return "HTTP/1.1"
	case HTTP2:
		return "HTTP/2"
	case HTTP3:
		return "HTTP/3"
	}
	return "HTTP/?"
}

// ConnInfo describes the connection a request came over. It is read-only and
// stays valid after the request.
type ConnInfo struct {
	// Transport is "tcp", "unix", "vsock", "quic" or "udp"; "" if the server does not tell.
	Transport string
	// Remote and Local are the two ends as the socket has them, or as the client's connection
	// to a balancer had them that tells so by the PROXY protocol. A proxy of HTTP is a Remote
	// as any other: see [Context.ClientIP]. Nil if unknown.
	Remote, Local net.Addr
	// TLS is the state of the handshake, nil without TLS.
	TLS *tls.ConnectionState
	// Peer is who has the other end of a Unix socket; nil if that cannot be told.
	Peer *PeerCred
	// Proxy is what came by the PROXY protocol, nil without.
	Proxy *ProxyHeader
}

// PeerCred tells whose process connected a Unix socket, as the kernel knows it.
type PeerCred struct {
	// PID is 0 where the system does not tell, or the process cannot be seen from here.
	PID      int
	UID, GID int
}

// Conn is what a server that stands on net/http tells about one connection.
type Conn struct {
	// Info describes the connection.
	Info *ConnInfo
	// Draining is closed when the server begins to drain; nil if it never does.
	Draining <-chan struct{}
	// Body returns the body of a request as handlers shall read it; nil leaves it
	// as it is.
	Body func(*http.Request) io.Reader
	// BeforeHead is called with the header of a response before it is sent, if the
	// request has a body; it may be nil. With fullDuplex the handler goes on reading.
	BeforeHead func(r *http.Request, h http.Header, fullDuplex bool)
	// AltSvc returns the Alt-Svc field of responses, "" for none; nil means none.
	AltSvc func() string
	// Upgrade accepts an extended CONNECT (RFC 8441, RFC 9220) whose response head w has not sent yet,
	// and returns the stream; nil if there are none. The request has the method CONNECT and the protocol in Proto.
	Upgrade func(w http.ResponseWriter, r *http.Request) (net.Conn, error)
}

type connKey struct{}

// WithConn returns a context that tells the requests of a connection what they
// came over. A server that stands on net/http calls it in its ConnContext; others
// implement [Exchange].
func WithConn(ctx context.Context, conn *Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}
