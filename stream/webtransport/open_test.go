package webtransport_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	lib "github.com/quic-go/webtransport-go"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/webtransport"
	"github.com/tako-go/tako/transport/h3"
)

// WT-01: a route that is not for WebTransport opens no session, also if its handler would answer
// 200; both names of the protocol do.
func TestWT01Routes(t *testing.T) {
	t.Parallel()
	r := start(t, webtransport.ServerConfig{}, webtransport.Config{}, echo)
	assert.Equal(t, r.refused("/plain", nil), 405)
	assert.Equal(t, r.refused("/nothing", nil), 404)
	assert.Equal(t, r.sessions.Stats(), webtransport.ServerStats{})
	for protocol, want := range map[string]int{"webtransport": 200, "webtransport-h3": 200, "websocket": 501} {
		assert.Equal(t, r.connect(r.plain(), "/wt", protocol, nil), want, protocol)
	}
	resp, err := r.plain().RoundTrip(get(t, r.url("/wt")))
	assert.NoError(t, err)
	assert.Equal(t, resp.StatusCode, 405)
	assert.Equal(t, resp.Header.Get("Allow"), "CONNECT")
}

// WT-01: without the settings that sessions need there is none.
func TestWT01Settings(t *testing.T) {
	t.Parallel()
	r := start(t, webtransport.ServerConfig{EarlyTimeout: 1}, webtransport.Config{}, echo)
	assert.Equal(t, r.connect(r.plain(func(tr *http3.Transport) { tr.EnableDatagrams = false }), "/wt", "webtransport", nil), 400)
	assert.Equal(t, r.sessions.Stats().Refused > 0, true)
}

// WT-01: a server without sessions says so, and one without HTTP/3.
func TestWT01Off(t *testing.T) {
	t.Parallel()
	r := start(t, webtransport.ServerConfig{}, webtransport.Config{}, echo)
	off := h3.New(r.app, h3.Config{Addr: "127.0.0.1:0", Certs: certs, Log: quiet, ExtendedConnect: true})
	assert.NoError(t, off.Listen(t.Context()))
	go func() { _ = off.Serve() }()
	t.Cleanup(func() {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = off.Shutdown(over)
	})
	other := *r
	other.server = off
	assert.Equal(t, other.connect(other.plain(), "/wt", "webtransport", nil), 501)
}

// WT-02: who may not open a session is told so before there is one.
func TestWT02(t *testing.T) {
	t.Parallel()
	r := start(t, webtransport.ServerConfig{}, webtransport.Config{Origins: []string{"https://app.example", "HTTPS://Other.example:8443", "https://zeros.example:0443"}}, echo)

	own := "https://" + r.server.Addr().String()
	for origin, ok := range map[string]bool{
		own: true, strings.Replace(own, "https", "HTTPS", 1): true, strings.Replace(own, "https", "http", 1): false,
		"https://app.example": true, "https://app.example:443": true, "https://APP.example": true,
		"https://other.example:8443": true, "https://other.example": false, "https://app.example:8443": false,
		"https://zeros.example": true, "https://zeros.example:443": true,
		"null": false, "https://evil.example": false, "": false, "https://app.example/": false, "https://app.example.": true,
	} {
		header := http.Header{"Origin": {origin}}
		if ok {
			assert.NoError(t, r.session(r.dial(nil), header).CloseWithError(0, ""))
		} else {
			assert.Equal(t, r.refused("/wt", header), 403, origin)
		}
	}
	assert.Equal(t, r.refused("/wt", http.Header{"Origin": {own, own}}), 403)
	r.open(nil) // without Origin
}

// WT-02: the middleware of the route comes first.
func TestWT02Middleware(t *testing.T) {
	t.Parallel()
	app := tako.New()
	app.Log(quiet)
	app.Use(func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			if c.RequestHeader("Authorization") == "" {
				return &tako.Error{Status: 401}
			}
			c.Header().Set("X-Seen", "yes")
			return next(c)
		}
	})
	r := start(t, webtransport.ServerConfig{}, webtransport.Config{}, echo)
	app.Get("/wt", webtransport.Handler(webtransport.Config{Origins: []string{"*"}}, echo))
	server := h3.New(app, h3.Config{Addr: "127.0.0.1:0", Certs: certs, Log: quiet, WebTransport: r.sessions})
	assert.NoError(t, server.Listen(t.Context()))
	go func() { _ = server.Serve() }()
	t.Cleanup(func() {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = server.Shutdown(over)
	})
	r = &rig{t: t, server: server, sessions: r.sessions}
	assert.Equal(t, r.refused("/wt", nil), 401)
	assert.Equal(t, r.sessions.Stats(), webtransport.ServerStats{})
	resp, _, err := r.dial(nil).Dial(within(t), r.url("/wt"), http.Header{"Authorization": {"x"}, "Origin": {"https://any.example"}})
	assert.NoError(t, err)
	assert.Equal(t, resp.Header.Get("X-Seen"), "yes")
}

// WT-06: no session in early data, as there is none.
func TestWT06EarlyData(t *testing.T) {
	t.Parallel()
	r := start(t, webtransport.ServerConfig{}, webtransport.Config{}, echo)
	config := clientTLS()
	config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	for range 2 {
		qc, err := quic.DialAddrEarly(within(t), r.server.Addr().String(), config, &quic.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true})
		assert.NoError(t, err)
		c, err := new(lib.Transport).NewClientConn(qc)
		assert.NoError(t, err)
		r.session(&client{c, qc}, nil)
		assert.Equal(t, qc.ConnectionState().Used0RTT, false)
		assert.NoError(t, qc.CloseWithError(0x100, ""))
	}
}

func TestHandlerPanics(t *testing.T) {
	for name, cfg := range map[string]webtransport.Config{
		"origin": {Origins: []string{"app.example"}}, "pattern": {Origins: []string{"https://*.app.example"}},
		"datagrams": {Datagrams: -1}, "idle": {IdleTimeout: -1},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			webtransport.Handler(cfg, echo)
		})
	}
	for _, cfg := range []webtransport.ServerConfig{{Sessions: -1}, {Streams: 1 << 20}, {Window: 1}, {EarlyTimeout: -1}} {
		s := h3.New(tako.New(), h3.Config{Addr: "127.0.0.1:0", Certs: certs, WebTransport: webtransport.New(cfg)})
		fails(t, s.Listen(t.Context()))
	}
}

// plain is a client of HTTP/3 that knows datagrams.
func (r *rig) plain(change ...func(*http3.Transport)) *http3.ClientConn {
	r.t.Helper()
	tr := &http3.Transport{EnableDatagrams: true}
	for _, f := range change {
		f(tr)
	}
	qc, err := quic.DialAddr(within(r.t), r.server.Addr().String(), clientTLS(), &quic.Config{EnableDatagrams: true})
	assert.NoError(r.t, err)
	r.t.Cleanup(func() { _ = qc.CloseWithError(0x100, "") })
	return tr.NewClientConn(qc)
}

func get(t testing.TB, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(within(t), "GET", url, nil)
	assert.NoError(t, err)
	return req
}

// connect sends an extended CONNECT, and returns the status of what is answered.
func (r *rig) connect(c *http3.ClientConn, path, protocol string, header http.Header) int {
	r.t.Helper()
	req := get(r.t, r.url(path))
	req.Method, req.Proto = "CONNECT", protocol
	if header != nil {
		req.Header = header
	}
	str, err := c.OpenRequestStream(within(r.t))
	assert.NoError(r.t, err)
	assert.NoError(r.t, str.SendRequestHeader(req))
	resp, err := str.ReadResponse()
	assert.NoError(r.t, err)
	str.CancelRead(0x10c)
	str.CancelWrite(0x10c)
	return resp.StatusCode
}
