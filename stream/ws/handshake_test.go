package ws_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/ws"
)

// http1 are the runtimes that speak HTTP/1.1 without TLS.
var http1 = []string{"std", "epoll", "io_uring"}

func TestWS01Handshake(t *testing.T) {
	good := handshakeText("/events")
	swap := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	tests := []struct {
		name, request string
		want          int
		field, value  string
	}{
		{"good", good, 101, "Sec-Websocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
		{"lists and case", swap("Connection: Upgrade\r\nUpgrade: websocket", "connection: keep-alive, uPGRADE\r\nupgrade: other, WebSocket"), 101, "Upgrade", "websocket"},
		{"post", swap("GET", "POST"), 405, "Allow", ""},
		{"http/1.0", swap("HTTP/1.1", "HTTP/1.0"), 426, "", ""},
		{"no upgrade", swap("Upgrade: websocket\r\n", ""), 426, "Upgrade", "websocket"},
		{"other upgrade", swap("Upgrade: websocket", "Upgrade: h2c"), 426, "Upgrade", "websocket"},
		{"no connection", swap("Connection: Upgrade\r\n", ""), 426, "Upgrade", "websocket"},
		{"version 8", swap("Version: 13", "Version: 8"), 426, "Sec-Websocket-Version", "13"},
		{"two versions", swap("Version: 13", "Version: 13, 8"), 426, "Sec-Websocket-Version", "13"},
		{"no version", swap("Sec-WebSocket-Version: 13\r\n", ""), 426, "Sec-Websocket-Version", "13"},
		{"no key", swap("Sec-WebSocket-Key: "+sampleKey+"\r\n", ""), 400, "", ""},
		{"two keys", swap("Sec-WebSocket-Key: ", "Sec-WebSocket-Key: "+sampleKey+"\r\nSec-WebSocket-Key: "), 400, "", ""},
		{"short key", swap(sampleKey, "c2hvcnQ="), 400, "", ""},
		{"no base64", swap(sampleKey, "dGhlIHNhbXBsZSBub25jZ!=="), 400, "", ""},
		{"body", swap("Connection:", "Content-Length: 1\r\nConnection:") + "x", 400, "", ""},
	}
	for _, runtime := range http1 {
		t.Run(runtime, func(t *testing.T) {
			app := tako.New()
			app.Handle("", "/events", echoEvents(ws.Config{}))
			to := start(t, runtime, app, plain)
			for _, tt := range tests {
				resp := dialRaw(t, to, tt.request).resp
				assert.Equal(t, resp.StatusCode, tt.want, tt.name)
				if tt.value != "" {
					assert.Equal(t, resp.Header.Get(tt.field), tt.value, tt.name)
				}
				if tt.want == 426 && tt.name != "http/1.0" { // RFC 9110, section 15.5.22
					assert.Equal(t, resp.Header.Get("Upgrade"), "websocket", tt.name)
				}
				if tt.want >= 400 {
					assert.Equal(t, resp.Header.Get("Sec-Websocket-Accept"), "", tt.name)
				}
			}
		})
	}
}

func TestWS02Origin(t *testing.T) {
	tests := []struct {
		origins []string
		require bool
		origin  string
		want    int
	}{
		{nil, false, "", 101},
		{nil, true, "", 403},
		{nil, false, "http://localhost", 101},
		{nil, true, "http://localhost", 101},
		{nil, false, "HTTP://LOCALHOST", 101},
		{nil, false, "http://localhost:80", 101},
		{nil, false, "http://localhost:8080", 403},
		{nil, false, "https://localhost", 403},
		{nil, false, "http://localhost.evil.example", 403},
		{nil, false, "http://evil.example", 403},
		{nil, false, "http://user@localhost", 403},
		{nil, false, "http://localhost/path", 403},
		{nil, false, "localhost", 403},
		{nil, false, "null", 403},
		{[]string{"null"}, false, "null", 101},
		{[]string{"*"}, false, "null", 101},
		{[]string{"*"}, false, "http://evil.example", 101},
		{[]string{"https://good.example"}, false, "https://good.example", 101},
		{[]string{"https://good.example:443"}, false, "https://GOOD.example", 101},
		{[]string{"https://good.example"}, false, "http://good.example", 403},
		{[]string{"https://good.example"}, false, "https://sub.good.example", 403},
		{[]string{"https://good.example"}, false, "http://localhost", 101},
		{[]string{"https://good.example"}, false, "", 101},
		{[]string{"https://*.good.example"}, false, "https://a.b.good.example", 101},
		{[]string{"https://*.good.example"}, false, "https://good.example", 403},
		{[]string{"https://*.good.example"}, false, "https://evilgood.example", 403},
	}
	app := tako.New()
	for i, tt := range tests {
		app.Get("/"+string(rune('a'+i)), echoEvents(ws.Config{Origins: tt.origins, RequireOrigin: tt.require}))
	}
	to := start(t, "std", app, plain)
	for i, tt := range tests {
		var fields []string
		if tt.origin != "" {
			fields = append(fields, "Origin: "+tt.origin)
		}
		resp := dialRaw(t, to, handshakeText("/"+string(rune('a'+i)), fields...)).resp
		assert.Equal(t, resp.StatusCode, tt.want, tt.origins, " ", tt.origin)
	}
	two := dialRaw(t, to, handshakeText("/a", "Origin: http://localhost", "Origin: http://localhost")).resp
	assert.Equal(t, two.StatusCode, 403)
}

func TestWS03Subprotocol(t *testing.T) {
	everywhere(t, func() *tako.Router {
		app := tako.New()
		cfg := ws.Config{Subprotocols: []string{"v2", "v1"}}
		app.Get("/maybe", echoEvents(cfg))
		cfg.RequireSubprotocol = true
		app.Get("/must", echoBlocking(cfg))
		return app
	}, func(t *testing.T, to *target) {
		for _, tt := range []struct {
			path    string
			offered []string
			want    string
			status  int
		}{
			{"/maybe", []string{"v1", "v2"}, "v2", 0},
			{"/maybe", []string{"v1", "v0"}, "v1", 0},
			{"/maybe", []string{"V2"}, "", 0},
			{"/maybe", nil, "", 0},
			{"/must", []string{"v1"}, "v1", 0},
			{"/must", []string{"v0"}, "", 400},
			{"/must", nil, "", 400},
		} {
			c, resp, err := to.dial(t, tt.path, ws.DialConfig{Config: ws.Config{Subprotocols: tt.offered}})
			if tt.status == 0 {
				assert.NoError(t, err, tt.path, tt.offered)
				assert.Equal(t, c.Subprotocol(), tt.want)
				assert.NoError(t, c.CloseNow())
				continue
			}
			refused, ok := errors.AsType[*ws.HandshakeError](err)
			assert.Equal(t, ok && refused.Status == tt.status, true, tt.path, tt.offered, err)
			assert.Equal(t, resp.StatusCode, tt.status)
		}
	})
}

// Over HTTP/2 and HTTP/3 it is 200 without key, and plain requests are told what the resource is for.
func TestWS04Tunnels(t *testing.T) {
	for _, on := range carriers {
		if on.way != overHTTP2 && on.way != overHTTP3 {
			continue
		}
		t.Run(on.name, func(t *testing.T) {
			to := start(t, on.runtime, echoes(ws.Config{})(), on.way)
			c, resp, err := to.dial(t, "/events", ws.DialConfig{})
			assert.NoError(t, err)
			assert.Equal(t, resp.StatusCode, 200)
			assert.Equal(t, resp.Header.Get("Sec-Websocket-Accept"), "")
			assert.Equal(t, resp.Header.Get("Upgrade"), "")
			assert.NoError(t, c.Close(ws.CodeNormal, ""))

			var carrier http.RoundTripper
			_, err = tunnelOf(t, to, on.way, &carrier, "/events", "connect-udp")
			assert.Equal(t, statusOf(err), 501, err)
			req, err := http.NewRequestWithContext(within(t), "GET", "http://"+to.addr+"/events", nil)
			assert.NoError(t, err)
			if on.way == overHTTP3 {
				req.URL.Scheme = "https"
			}
			plainly, err := carrier.RoundTrip(req)
			assert.NoError(t, err)
			_ = plainly.Body.Close()
			assert.Equal(t, plainly.StatusCode, 426)
			assert.Equal(t, plainly.Header.Get("Upgrade"), "")
		})
	}
}

func statusOf(err error) int {
	if refused, ok := errors.AsType[*ws.HandshakeError](err); ok {
		return refused.Status
	}
	return 0
}

// respelled asks for another protocol than the client meant.
type respelled struct {
	carrier http.RoundTripper
	as      string
}

func (r respelled) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Header.Get(":protocol") != "" || len(req.Header[":protocol"]) > 0 {
		req.Header[":protocol"] = []string{r.as}
	} else {
		req.Proto = r.as
	}
	return r.carrier.RoundTrip(req)
}

func tunnelOf(t *testing.T, to *target, way int, carrier *http.RoundTripper, path, protocol string) (*ws.Conn, error) {
	cfg, scheme := ws.DialConfig{}, "ws"
	if way == overHTTP2 {
		*carrier = carrierHTTP2(t)
		cfg.HTTP2 = respelled{*carrier, protocol}
	} else {
		*carrier = carrierHTTP3(t)
		scheme, cfg.HTTP3 = "wss", respelled{*carrier, protocol}
	}
	c, _, err := ws.Dial(within(t), scheme+"://"+to.addr+path, &cfg)
	return c, err
}

// Whatever stands before a socket refuses it in plain HTTP, and counts it once it is open.
func TestWS11Middleware(t *testing.T) {
	for _, form := range forms {
		everywhere(t, func() *tako.Router {
			app := echoes(ws.Config{})()
			app.Use(func(next tako.Handler) tako.Handler {
				return func(c *tako.Context) error {
					if c.RequestHeader("Authorization") != "Bearer tako" {
						return tako.Unauthorized("Bearer", "no token")
					}
					return next(c)
				}
			})
			return app
		}, func(t *testing.T, to *target) {
			_, resp, err := to.dial(t, form, ws.DialConfig{})
			assert.Equal(t, statusOf(err), 401, err)
			text, _ := io.ReadAll(resp.Body)
			assert.Contains(t, string(text), "no token")
			c := to.open(t, form, ws.DialConfig{Header: http.Header{"Authorization": {"Bearer tako"}}})
			assert.NoError(t, c.Close(ws.CodeNormal, ""))
		})
	}
}

// The timeout of a route is for the handshake.
func TestWS11Timeout(t *testing.T) {
	everywhere(t, func() *tako.Router {
		app := tako.New()
		for _, form := range forms {
			handler := echoEvents(ws.Config{})
			if form == "/blocking" {
				handler = echoBlocking(ws.Config{})
			}
			app.Get(form, handler, tako.Timeout(timeoutOfRoute))
		}
		return app
	}, func(t *testing.T, to *target) {
		t.Parallel()
		all := []*ws.Conn{to.open(t, forms[0], ws.DialConfig{}), to.open(t, forms[1], ws.DialConfig{})}
		ctx, cancel := context.WithTimeout(within(t), 2*timeoutOfRoute)
		defer cancel()
		for _, c := range all {
			_, _, err := c.Read(ctx)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.NoError(t, c.Write(within(t), ws.Text, []byte("still there")))
			_, p, err := c.Read(within(t))
			assert.NoError(t, err)
			assert.Equal(t, string(p), "still there")
		}
	})
}

// What follows the handshake in the same packet is not lost.
func TestWS11EarlyBytes(t *testing.T) {
	for _, runtime := range http1 {
		to := start(t, runtime, echoes(ws.Config{})(), plain)
		for _, form := range forms {
			early := slices.Concat(masked(1, true, "early"), masked(1, true, "bird")[:5])
			c := dialRaw(t, to, handshakeText(form)+string(early))
			assert.Equal(t, c.next(), "text early", runtime, form)
			c.write(masked(1, true, "bird")[5:])
			assert.Equal(t, c.next(), "text bird", runtime, form)
		}
	}
}

func TestBadConfig(t *testing.T) {
	for name, cfg := range map[string]ws.Config{
		"origin":   {Origins: []string{"good.example"}},
		"wildcard": {Origins: []string{"https://a.*.example"}},
		"token":    {Subprotocols: []string{"a b"}},
		"require":  {RequireSubprotocol: true},
		"negative": {MaxMessage: -7},
		"level":    {Compression: ws.Compression{Level: 10}},
		"policy":   {Full: 9},
	} {
		app := tako.New()
		app.Get("/", echoEvents(cfg))
		assert.Equal(t, dialRaw(t, start(t, "std", app, plain), handshakeText("/")).resp.StatusCode, 500, name)
		_, _, err := ws.Dial(within(t), "ws://127.0.0.1:1/", &ws.DialConfig{Config: cfg})
		assert.Contains(t, err.Error(), "ws: ", name)
	}
}
