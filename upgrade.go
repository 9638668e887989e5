package tako

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/tako-go/tako/internal/ascii"
)

// UpgradeProtocol names the protocol that the client asks to switch to, "" if it
// does not: the Upgrade field of HTTP/1.1 (RFC 9110, section 7.8), or what an extended
// CONNECT is for (RFC 8441), which is routed as GET. Of several protocols it is the first.
func (c *Context) UpgradeProtocol() string {
	c.live()
	return askedProtocol(c.ex)
}

func askedProtocol(ex Exchange) string {
	if protocol := ex.ConnectProtocol(); protocol != "" {
		return protocol
	}
	if ex.Protocol() != HTTP11 {
		return ""
	}
	asked := false
	ex.EachRequestHeader(func(name, value string) bool {
		if name == "Connection" {
			for item := range ascii.ListItems(value) {
				asked = asked || ascii.EqualFold(item, "upgrade")
			}
		}
		return !asked
	})
	if !asked {
		return ""
	}
	for item := range ascii.ListItems(ex.RequestHeader("Upgrade")) {
		return item
	}
	return ""
}

// Upgrade switches to the protocol that the client asks for ([Context.UpgradeProtocol]).
// It sends the fields of [Context.Header] with 101 over HTTP/1.1, with 200 over HTTP/2,
// and returns what both sides send from then on: a connection, or a stream of one. That is the caller's,
// may be used after the handler has returned, by one reader and one writer at a
// time, and keeps its place among the connections of the server until it is closed. Its
// deadlines are those of the caller alone. Close ends it in order; where it has a method
// Reset() error, that breaks it off such that the client sees an error.
//
// Without a request for it the error is an [Error] with 426 (Upgrade Required), with 400 if the
// request has a body; where it
// cannot be done, such as inside of [Std], it matches [errors.ErrUnsupported].
//
// [Context.BeforeHead] hooks are called as for any response. What they make of status and length does
// not count, and Content-Length and Transfer-Encoding are left out (RFC 9110, sections 6.1 and 8.6).
func (c *Context) Upgrade() (net.Conn, error) {
	c.live()
	switch {
	case c.opened:
		return nil, ErrHeadSent
	case c.header.Err() != nil:
		return nil, c.header.Err()
	}
	protocol, err := c.upgradeTo()
	if err != nil {
		return nil, err
	}
	return c.accept(protocol)
}

// upgradeTo is the protocol to switch to. What follows the request is that protocol's, so no body
// may be under way.
func (c *Context) upgradeTo() (protocol string, err error) {
	protocol = c.UpgradeProtocol()
	switch {
	case protocol == "":
		return "", &Error{Status: http.StatusUpgradeRequired, Detail: "this resource is for clients that switch to another protocol"}
	case c.ex.ConnectProtocol() == "" && c.ex.ContentLength() != 0:
		return "", BadRequest("a request that switches to another protocol has no body")
	}
	return protocol, nil
}

// switchProtocols takes the connection over and answers on it.
func (c *Context) switchProtocols(protocol string) (net.Conn, error) {
	conn, rw, err := c.ex.Hijack()
	if err != nil {
		return nil, err
	}
	c.upgraded = true
	var b strings.Builder
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n")
	if !c.header.Has("Upgrade") {
		fmt.Fprintf(&b, "Upgrade: %s\r\n", protocol)
	}
	for name, value := range c.header.All() {
		if name != "Connection" && name != "Content-Length" && name != "Transfer-Encoding" {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	b.WriteString("\r\n")
	if _, err := io.WriteString(conn, b.String()); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("tako: switch protocols: %w", err)
	}
	if rw.Reader.Buffered() == 0 {
		return conn, nil
	}
	return &bufferedConn{Conn: conn, r: rw.Reader}, nil
}

// bufferedConn is a connection of which some was read already.
type bufferedConn struct {
	net.Conn
	r *bufio.Reader
}

// Read reads what is in the buffer first.
func (c *bufferedConn) Read(p []byte) (int, error) {
	if c.r.Buffered() > 0 {
		return c.r.Read(p)
	}
	return c.Conn.Read(p)
}

// Reset breaks the connection off.
func (c *bufferedConn) Reset() error { return reset(c.Conn) }

// reset closes a connection such that the peer sees an error, where that can be done.
func reset(conn net.Conn) error {
	switch conn := conn.(type) {
	case interface{ Reset() error }:
		return conn.Reset()
	case interface{ NetConn() net.Conn }: // TLS would say an orderly goodbye
		return reset(conn.NetConn())
	case interface{ SetLinger(int) error }:
		_ = conn.SetLinger(0)
	}
	return conn.Close()
}

// CloseWrite closes the writing side.
func (c *bufferedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
