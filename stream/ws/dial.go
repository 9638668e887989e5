package ws

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/wsframe"
)

// DialConfig says how a client opens a socket. The zero value works.
type DialConfig struct {
	// Config has the limits and what is offered; what concerns origins is not for clients.
	Config Config
	// Header has further fields of the request, such as Origin, Authorization and Cookie. Host
	// is sent in place of the host of the URL.
	Header http.Header
	// TLS is for wss over HTTP/1.1.
	// Default: that of crypto/tls.
	TLS *tls.Config
	// DialContext opens the connection for HTTP/1.1.
	// Default: that of a [net.Dialer].
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// HTTP2 opens the socket as a stream of an HTTP/2 connection (RFC 8441). It takes an extended
	// CONNECT with a header field ":protocol", as http2.Transport of golang.org/x/net does.
	HTTP2 http.RoundTripper
	// HTTP3 opens the socket as a stream of an HTTP/3 connection (RFC 9220). It takes an extended
	// CONNECT with the protocol in Request.Proto, as http3.Transport of quic-go does.
	HTTP3 http.RoundTripper
}

// HandshakeError is the response of a server that does not open a socket.
type HandshakeError struct {
	// Status is that of the response.
	Status int
	// Reason is what is wrong with it.
	Reason string
}

// Error tells status and reason.
func (e *HandshakeError) Error() string {
	return fmt.Sprintf("ws: no socket: %s (status %d)", e.Reason, e.Status)
}

// bodyKept is how much of the body of a refusal is kept.
const bodyKept = 4 << 10

// Dial opens a socket, in the blocking form. The URL has the scheme ws or wss, or http or https.
// cfg may be nil. ctx is for the handshake only; without a deadline that ends after 30 s. If the
// server refuses, the error is a [*HandshakeError], and resp its response with up to 4 KiB of the
// body; elsewhere resp.Body is empty.
func Dial(ctx context.Context, rawURL string, cfg *DialConfig) (conn *Conn, resp *http.Response, err error) {
	if cfg == nil {
		cfg = new(DialConfig)
	}
	s := newSide(cfg.Config, true)
	if s.mistake != nil {
		return nil, nil, s.mistake
	}
	u, err := socketURL(rawURL)
	if err != nil {
		return nil, nil, err
	}
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
	}
	d := &dialer{side: s, cfg: cfg, url: u}
	if cfg.HTTP2 != nil || cfg.HTTP3 != nil {
		conn, resp, err = d.tunnel(ctx)
	} else {
		conn, resp, err = d.upgrade(ctx)
	}
	if err != nil {
		if _, refused := errors.AsType[*HandshakeError](err); !refused {
			err = fmt.Errorf("ws: dial %s: %w", u.Host, err)
		}
		return nil, resp, err
	}
	return conn, resp, nil
}

func socketURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("ws: %w", err)
	}
	switch u.Scheme {
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	case "http", "https":
	default:
		return nil, fmt.Errorf("ws: scheme %q is not ws or wss", u.Scheme)
	}
	if u.Host == "" || u.User != nil || u.Fragment != "" {
		return nil, fmt.Errorf("ws: %q has no host, or a user or fragment", u.Redacted())
	}
	return u, nil
}

// dialer is one attempt.
type dialer struct {
	side *side
	cfg  *DialConfig
	url  *url.URL
}

// header has the fields that all versions of HTTP have.
func (d *dialer) header() http.Header {
	h := d.cfg.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Del("Host")
	h.Set("Sec-WebSocket-Version", version)
	if names := d.side.cfg.Subprotocols; len(names) > 0 {
		h.Del("Sec-WebSocket-Protocol")
		for _, name := range names {
			h.Add("Sec-WebSocket-Protocol", name)
		}
	}
	h.Del("Sec-WebSocket-Extensions")
	if d.side.cfg.Compression.Enabled {
		h.Set("Sec-WebSocket-Extensions", wsframe.OfferDeflate(d.side.cfg.Compression.wanted()))
	}
	return h
}

// upgrade opens a socket over HTTP/1.1.
func (d *dialer) upgrade(ctx context.Context) (*Conn, *http.Response, error) {
	nc, err := d.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(past()) })
	conn, resp, err := d.switchProtocols(ctx, nc)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		if _, refused := errors.AsType[*HandshakeError](err); !refused && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		_ = nc.Close()
		return nil, resp, err
	}
	return conn(), resp, nil
}

func (d *dialer) connect(ctx context.Context) (net.Conn, error) {
	port := d.url.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[d.url.Scheme]
	}
	dial := d.cfg.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	nc, err := dial(ctx, "tcp", net.JoinHostPort(d.url.Hostname(), port))
	if err != nil || d.url.Scheme == "http" {
		return nc, err
	}
	cfg := &tls.Config{}
	if d.cfg.TLS != nil {
		cfg = d.cfg.TLS.Clone()
	}
	if cfg.ServerName == "" {
		cfg.ServerName = d.url.Hostname()
	}
	cfg.NextProtos = []string{"http/1.1"}
	secure := tls.Client(nc, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, err
	}
	return secure, nil
}

// switchProtocols sends the request and reads the response. The Conn is made last, since from
// then on it is watched.
func (d *dialer) switchProtocols(ctx context.Context, nc net.Conn) (func() *Conn, *http.Response, error) {
	var nonce [keyBytes]byte
	_, _ = rand.Read(nonce[:]) // never fails
	key := base64.StdEncoding.EncodeToString(nonce[:])
	h := d.header()
	h.Set("Connection", "Upgrade")
	h.Set("Upgrade", "websocket")
	h.Set("Sec-WebSocket-Key", key)
	req := (&http.Request{Method: http.MethodGet, URL: d.url, Host: d.host(), Header: h, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	if err := req.Write(nc); err != nil {
		return nil, nil, err
	}
	head := &io.LimitedReader{R: nc, N: 64 << 10} // the most that the head may have
	r := bufio.NewReader(head)
	resp, err := finalResponse(r, req)
	if err != nil {
		return nil, resp, err
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		switch {
		case !lists(resp.Header, "Upgrade", "websocket"), !lists(resp.Header, "Connection", "upgrade"):
			err = &HandshakeError{Status: resp.StatusCode, Reason: "the server switches to something else"}
		case len(resp.Header["Sec-Websocket-Accept"]) != 1 || resp.Header.Get("Sec-WebSocket-Accept") != acceptKey(key):
			err = &HandshakeError{Status: resp.StatusCode, Reason: "Sec-WebSocket-Accept is wrong"}
		}
	}
	agreed, err := d.agreed(resp, http.StatusSwitchingProtocols, err)
	if err != nil {
		return nil, resp, err
	}
	return func() *Conn {
		c := newConn(d.side, agreed)
		_, sealed := nc.(*tls.Conn)
		c.attach(ctx, nc, connInfo(nc), sealed)
		c.b.data = early(r)
		return c
	}, resp, nil
}

// mostInterim is how many interim responses a server may send, as with net/http.
const mostInterim = 5

// finalResponse reads the response, behind those that only say that it will come (RFC 9110,
// section 15.2).
func finalResponse(r *bufio.Reader, req *http.Request) (*http.Response, error) {
	for n := 0; ; n++ {
		resp, err := http.ReadResponse(r, req)
		switch {
		case err != nil:
			return nil, err
		case resp.StatusCode/100 != 1 || resp.StatusCode == http.StatusSwitchingProtocols:
			return resp, nil
		case n == mostInterim:
			return resp, &HandshakeError{Status: resp.StatusCode, Reason: "too many interim responses"}
		}
	}
}

// early is what has come behind the response.
func early(r *bufio.Reader) []byte {
	p, _ := r.Peek(r.Buffered())
	return slices.Clone(p)
}

func (d *dialer) host() string {
	if host := d.cfg.Header.Get("Host"); host != "" {
		return host
	}
	return d.url.Host
}

func connInfo(nc net.Conn) *tako.ConnInfo {
	info := &tako.ConnInfo{Remote: nc.RemoteAddr(), Local: nc.LocalAddr()}
	if info.Remote != nil {
		info.Transport = info.Remote.Network()
	}
	if secure, ok := nc.(*tls.Conn); ok {
		state := secure.ConnectionState()
		info.TLS = &state
	}
	return info
}

// agreed checks the response, and keeps the beginning of its body if it is a refusal.
func (d *dialer) agreed(resp *http.Response, want int, err error) (agreed agreement, _ error) {
	if resp.StatusCode != want {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, bodyKept))
		resp.Body = io.NopCloser(bytes.NewReader(body))
		return agreed, &HandshakeError{Status: resp.StatusCode, Reason: "the server refuses"}
	}
	if err == nil {
		agreed.subprotocol, err = d.subprotocol(resp)
	}
	if err == nil {
		agreed.deflate, err = wsframe.ConfirmDeflate(resp.Header.Values("Sec-WebSocket-Extensions"),
			d.side.cfg.Compression.wanted(), d.side.cfg.Compression.Enabled)
		if err != nil {
			err = &HandshakeError{Status: resp.StatusCode, Reason: err.Error()}
		}
	}
	return agreed, err
}

func (d *dialer) subprotocol(resp *http.Response) (string, error) {
	chosen := resp.Header.Values("Sec-WebSocket-Protocol")
	switch {
	case len(chosen) == 0 && d.side.cfg.RequireSubprotocol:
		return "", &HandshakeError{Status: resp.StatusCode, Reason: "the server speaks none of the subprotocols"}
	case len(chosen) == 0:
		return "", nil
	case len(chosen) > 1, !slices.Contains(d.side.cfg.Subprotocols, chosen[0]):
		return "", &HandshakeError{Status: resp.StatusCode, Reason: "the server speaks a subprotocol that was not offered"}
	}
	return chosen[0], nil
}

// lists reports whether a field has an item, whatever its case.
func lists(h http.Header, name, want string) bool {
	return slices.ContainsFunc(h.Values(name), func(value string) bool {
		for item := range ascii.ListItems(value) {
			if ascii.EqualFold(item, want) {
				return true
			}
		}
		return false
	})
}
