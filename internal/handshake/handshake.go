// Package handshake does the TLS handshakes of servers, and answers those who speak
// something else.
package handshake

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"
)

// The protocols by their names in ALPN (RFC 7301).
const (
	HTTP1 = "http/1.1"
	HTTP2 = "h2"
)

// Protocols are those that a server offers, the best first.
func Protocols(http2 bool) []string {
	if http2 {
		return []string{HTTP2, HTTP1}
	}
	return []string{HTTP1}
}

// Result is how a handshake has ended.
type Result struct {
	Err      error
	TimedOut bool
	Gone     bool // the client has just left
	Panicked bool // a callback of the server has
}

// Do does a handshake within the timeout; 0 or less is no limit. A client that speaks
// HTTP without TLS is told so.
func Do(c *tls.Conn, timeout time.Duration) (result Result) {
	defer func() {
		if v := recover(); v != nil { // of a callback for certificates
			result = Result{Err: fmt.Errorf("handshake: panic: %v\n%s", v, debug.Stack()), Panicked: true}
		}
	}()
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, timeout)
	}
	defer cancel()
	err := c.HandshakeContext(ctx)
	if err == nil {
		if c.ConnectionState().NegotiatedProtocol == proofOfControl {
			return Result{Err: errProof, Gone: true}
		}
		return Result{}
	}
	var late net.Error
	var noTLS tls.RecordHeaderError
	if errors.As(err, &noTLS) && noTLS.Conn != nil {
		answerPlain(noTLS)
	}
	result = Result{Err: err, TimedOut: ctx.Err() != nil || errors.As(err, &late) && late.Timeout(), Gone: gone(err)}
	if !result.TimedOut && !result.Gone {
		linger(c.NetConn())
	}
	return result
}

// linger gives the client time to read the alert: what it still sends would reset
// the connection.
func linger(nc net.Conn) {
	half, ok := nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || nc.SetReadDeadline(time.Now().Add(lingerFor)) != nil {
		return
	}
	buf := make([]byte, 4<<10)
	for range lingerMost / len(buf) {
		if _, err := nc.Read(buf); err != nil {
			return
		}
	}
}

const (
	lingerFor  = 100 * time.Millisecond
	lingerMost = 64 << 10
)

// Count counts a handshake that has failed, and logs it.
func (r Result) Count(log *slog.Logger, remote net.Addr, refused, timedOut *atomic.Int64) {
	if r.TimedOut {
		timedOut.Add(1)
	}
	n := refused.Add(1)
	switch {
	case r.Panicked:
		log.Error("TLS handshake failed", "peer", remote, "err", r.Text())
	case !r.Gone && n&(n-1) == 0: // the 1st, 2nd, 4th …: a flood must not fill the log
		log.Info("TLS handshake failed", "peer", remote, "err", r.Text(), "failed", n)
	}
}

// Text is what a log says of a failed handshake: a part of the error, which may hold
// whatever the client has sent.
func (r Result) Text() string {
	const most = 300
	text := r.Err.Error()
	if len(text) > most && !r.Panicked {
		text = text[:most] + "…"
	}
	return text
}

// proofOfControl is agreed with authorities that only look at the certificate (RFC 8737).
const proofOfControl = "acme-tls/1"

var errProof = errors.New("handshake: nothing is served over " + proofOfControl)

// answerPlain tells a client that speaks HTTP without TLS.
func answerPlain(e tls.RecordHeaderError) {
	switch string(e.RecordHeader[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "PATCH", "DELET", "PRI *":
		_ = e.Conn.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = e.Conn.Write([]byte("HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\nThis port speaks HTTPS: the request came without TLS.\n"))
	}
}

// gone reports whether an error only says that the client has left.
func gone(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
