package soak

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"time"

	"github.com/tako-go/tako"
)

// secure reports whether the target speaks TLS only.
func (x *rotation) secure() bool { return x.target.Renew != nil }

// clientTLS takes every certificate, as seen looks at it.
func (x *rotation) clientTLS(protocols ...string) *tls.Config {
	config := &tls.Config{InsecureSkipVerify: true, ServerName: "soak.example", NextProtos: protocols}
	switch x.numbers.Load() % 4 {
	case 0:
		config.ClientSessionCache = x.tickets
	case 1:
		config.MaxVersion = tls.VersionTLS12
	}
	return config
}

// renew replaces the certificate under load. New clients must see the new one from
// then on.
func (x *rotation) renew(s *running) {
	serial, err := x.target.Renew()
	if err != nil {
		x.fail("renew", "%v", err)
		return
	}
	if err := s.Server.(tako.Reloader).Reload(context.Background()); err != nil {
		x.fail("reload", "%v", err)
		return
	}
	x.serial.Store(serial)
	x.add("reloads", 1)
}

// shake returns nil if there is no handshake, which has been counted then.
func (x *rotation) shake(raw *net.TCPConn, protocol string) net.Conn {
	began, oldest := time.Now(), x.serial.Load()
	conn := tls.Client(raw, x.clientTLS(protocol))
	_ = conn.SetDeadline(began.Add(patience))
	if err := conn.Handshake(); err != nil {
		_ = raw.Close()
		x.turnedAwayEarly("handshake", began, err)
		return nil
	}
	x.seen(conn.ConnectionState(), oldest, protocol)
	x.add("handshakes", 1)
	return conn
}

// seen looks at what was agreed upon.
func (x *rotation) seen(state tls.ConnectionState, oldest int64, protocol string) {
	if state.NegotiatedProtocol != protocol {
		x.fail("protocol", "%q in place of %q", state.NegotiatedProtocol, protocol)
	}
	if serial := state.PeerCertificates[0].SerialNumber.Int64(); serial < oldest && !state.DidResume {
		x.fail("old certificate", "%d after %d was loaded", serial, oldest)
	}
}

// turnedAwayEarly counts a connection on which nothing was asked.
func (x *rotation) turnedAwayEarly(kind string, began time.Time, err error) {
	switch took := time.Since(began); {
	case x.closing.Load():
		x.add("turned away at the end", 1)
	case took > 400*time.Millisecond && took < patience:
		x.add("too late", 1)
	default:
		x.fail(kind, "%v after %v", err, took)
	}
}

// strayed speaks on the port of TLS what is not TLS, or stops in the handshake.
func (x *rotation) strayed(round int) {
	conn := x.connect(nil)
	if conn == nil {
		return
	}
	defer reset(conn)
	_ = conn.SetDeadline(time.Now().Add(patience))
	switch round % 4 {
	case 0:
		_, _ = io.WriteString(conn, x.loosely("GET", "/quick/{n}", ""))
		text, err := io.ReadAll(conn)
		if len(text) > 0 && !strings.HasPrefix(string(text), "HTTP/1.0 400 ") || err == nil && len(text) == 0 && !x.closing.Load() {
			x.fail("plain text", "%q, %v", text, err)
		}
	case 1:
		if err := tls.Client(conn, x.clientTLS("soak")).Handshake(); err == nil {
			x.fail("protocol", "a handshake without a protocol in common")
		}
	case 2: // ends in the handshake
		_ = tls.Client(&shortConn{conn, 100 + round%700}, x.clientTLS("h2")).Handshake()
	case 3:
		_, _ = io.WriteString(conn, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello")
		_ = conn.CloseWrite()
		_, _ = io.Copy(io.Discard, conn)
	}
	x.add("strayed", 1)
}

// shortConn fails when it has taken some bytes either way.
type shortConn struct {
	net.Conn
	left int
}

func (c *shortConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

func (c *shortConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p[:min(len(p), max(c.left, 0))])
	if c.left -= n; err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return n, err
}
