package tako_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/middleware"
)

// behindProxy is a request over a connection with a PROXY header.
type behindProxy struct {
	held
	info   *tako.ConnInfo
	header http.Header
}

func (x *behindProxy) ConnInfo() *tako.ConnInfo                  { return x.info }
func (x *behindProxy) Proxied() bool                             { return x.info.Proxy != nil }
func (x *behindProxy) ConnectProtocol() string                   { return "" }
func (x *behindProxy) Body() io.Reader                           { return http.NoBody }
func (x *behindProxy) EachRequestTrailer(func(_, _ string) bool) {}
func (x *behindProxy) Draining() <-chan struct{}                 { return nil }
func (x *behindProxy) Retain()                                   {}
func (x *behindProxy) Flush() error                              { return nil }
func (x *behindProxy) RequestHeader(name string) string {
	if values := x.header[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

func (x *behindProxy) EachRequestHeader(yield func(name, value string) bool) {
	for name, values := range x.header {
		for _, v := range values {
			if !yield(name, v) {
				return
			}
		}
	}
}

// A forwardingView is what somebody sees of the way a request came.
type forwardingView struct{ who, fields, client string }

// fieldsOf lists fields in the order of their names.
func fieldsOf(h http.Header) string {
	var lines []string
	for name, values := range h {
		for _, v := range values {
			lines = append(lines, name+": "+v)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// viewOf looks from a handler, by all ways there are.
func viewOf(t *testing.T, c *tako.Context, who string) forwardingView {
	h := http.Header{}
	for name, v := range c.RequestHeaders() {
		h[name] = append(h[name], v)
	}
	for name, values := range h {
		assert.Equal(t, c.RequestHeader(strings.ToLower(name)), values[0], who, " ", name)
	}
	for _, name := range []string{"X-Real-Ip", "X-Forwarded-For", "Forwarded", "True-Client-Ip"} {
		assert.Equal(t, c.RequestHeader(name), h.Get(name), who, " ", name)
	}
	return forwardingView{who, fieldsOf(h), fmt.Sprint(c.ClientIP(), " ", c.Scheme())}
}

// viewsBehind sends a request through handlers of all kinds, over net/http and another runtime.
func viewsBehind(t *testing.T, info *tako.ConnInfo, header http.Header, networks ...string) (views []forwardingView) {
	t.Helper()
	look := func(who string) tako.Middleware {
		return func(next tako.Handler) tako.Handler {
			return func(c *tako.Context) error {
				views = append(views, viewOf(t, c, who))
				return next(c)
			}
		}
	}
	r := tako.New()
	r.TrustedProxies(networks...)
	r.Use(look("first"), tako.Std(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			views = append(views, forwardingView{"std", fieldsOf(req.Header), ""})
			next.ServeHTTP(w, req)
		})
	}), look("in std"), middleware.Timeout(time.Minute), look("in timeout"))
	r.Get("/", tako.HTTP(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		views = append(views, forwardingView{"http", fieldsOf(req.Header), ""})
	})))
	assert.NoError(t, r.Build())

	assert.Equal(t, r.Find(&behindProxy{held{method: "GET", target: "/"}, info, header.Clone()}).Serve(), false, "aborted")
	assert.Equal(t, len(views), 5)
	req := httptest.NewRequest("GET", "http://own.example/", nil)
	req.Header = header.Clone()
	req = req.WithContext(tako.WithConn(req.Context(), &tako.Conn{Info: info}))
	req.RemoteAddr = "10.0.0.1:1000"
	r.ServeHTTP(httptest.NewRecorder(), req)
	assert.Equal(t, len(views), 10)
	return views
}

// spoofed is what a client sends that wants to be another one.
func spoofed() http.Header {
	h := http.Header{}
	for _, name := range []string{"Forwarded", "Forwarded-For", "X-Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
		"X-Forwarded-Port", "X-Forwarded-Server", "X-Forwarded-Client-Cert", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "X-Originating-Ip",
		"X-Remote-Ip", "X-Remote-Addr", "X-Original-Forwarded-For", "True-Client-Ip", "Client-Ip", "Cf-Connecting-Ip", "Fastly-Client-Ip",
		"X-Forwarded-Tls-Client-Cert-Subject-Alternative-Names-List",
		"Front-End-Https", "X-Envoy-External-Address", "X-Url-Scheme"} {
		h[name] = []string{"6.6.6.6", "7.7.7.7"}
	}
	h["X-Kept"], h["X-Forwardedness"], h["Cookie"] = []string{"a", "b"}, []string{"kept"}, []string{"c=d"}
	return h
}

const keptFields = "Cookie: c=d\n"

func tcpEnd(s string) net.Addr {
	addr, err := net.ResolveTCPAddr("tcp", s)
	if err != nil {
		panic(err)
	}
	return addr
}

func TestPP09ForwardingFields(t *testing.T) {
	t.Parallel()
	const behind = "\nX-Forwardedness: kept\nX-Kept: a\nX-Kept: b"
	used := &tako.ProxyHeader{Version: 2, TLS: &tako.ProxyTLS{Used: true}}
	for name, tt := range map[string]struct {
		info         *tako.ConnInfo
		node, client string
		scheme       string
	}{
		"IPv4":             {&tako.ConnInfo{Remote: tcpEnd("192.0.2.1:57005"), Proxy: new(tako.ProxyHeader)}, `"192.0.2.1:57005"`, "192.0.2.1", "http"},
		"mapped":           {&tako.ConnInfo{Remote: tcpEnd("[::ffff:192.0.2.1]:1"), Proxy: new(tako.ProxyHeader)}, `"192.0.2.1:1"`, "192.0.2.1", "http"},
		"IPv6":             {&tako.ConnInfo{Remote: tcpEnd("[2001:db8::1]:57005"), Proxy: new(tako.ProxyHeader)}, `"[2001:db8::1]:57005"`, "2001:db8::1", "http"},
		"Unix":             {&tako.ConnInfo{Remote: &net.UnixAddr{Net: "unix", Name: "/run/a"}, Proxy: new(tako.ProxyHeader)}, "unknown", "", "http"},
		"own":              {&tako.ConnInfo{Remote: tcpEnd("10.0.0.1:1000"), Proxy: &tako.ProxyHeader{Local: true}}, `"10.0.0.1:1000"`, "10.0.0.1", "http"},
		"TLS at the proxy": {&tako.ConnInfo{Remote: tcpEnd("192.0.2.1:1"), Proxy: used}, `"192.0.2.1:1"`, "192.0.2.1", "https"},
		"cleartext at the proxy": {&tako.ConnInfo{Remote: tcpEnd("192.0.2.1:1"), Proxy: &tako.ProxyHeader{TLS: new(tako.ProxyTLS)}},
			`"192.0.2.1:1"`, "192.0.2.1", "http"},
		"TLS here": {&tako.ConnInfo{Remote: tcpEnd("192.0.2.1:1"), TLS: new(tls.ConnectionState), Proxy: new(tako.ProxyHeader)},
			`"192.0.2.1:1"`, "192.0.2.1", "https"},
	} {
		t.Run(name, func(t *testing.T) {
			want := keptFields + "Forwarded: for=" + tt.node + ";proto=" + tt.scheme
			client := "invalid IP " + tt.scheme
			if tt.client != "" {
				want += "\nX-Forwarded-For: " + tt.client
				client = tt.client + " " + tt.scheme
			}
			want += "\nX-Forwarded-Proto: " + tt.scheme + behind
			for i, v := range viewsBehind(t, tt.info, spoofed()) {
				about := fmt.Sprint(i, " ", v.who)
				assert.Equal(t, v.fields, want, about)
				if v.client != "" {
					assert.Equal(t, v.client, client, about)
				}
			}
		})
	}
}

// A proxy of HTTP behind the balancer keeps what it says, and is believed.
func TestPP09TrustedProxyKeepsFields(t *testing.T) {
	t.Parallel()
	info := &tako.ConnInfo{Remote: tcpEnd("10.1.0.1:57005"), Proxy: new(tako.ProxyHeader)}
	header := spoofed()
	delete(header, "Forwarded")
	header["X-Forwarded-For"], header["X-Forwarded-Proto"] = []string{"6.6.6.6, 203.0.113.5"}, []string{"https"}
	for i, v := range viewsBehind(t, info, header, "10.1.0.0/16") {
		assert.Equal(t, v.fields, fieldsOf(header), i, v.who)
		if v.client != "" {
			assert.Equal(t, v.client, "203.0.113.5 https", i, v.who)
		}
	}
	// The balancer itself is no Remote, so trusting it changes nothing for its clients.
	info = &tako.ConnInfo{Remote: tcpEnd("192.0.2.1:1"), Proxy: &tako.ProxyHeader{Proxy: tcpEnd("10.1.0.1:57005")}}
	for i, v := range viewsBehind(t, info, header, "10.1.0.0/16") {
		if v.client != "" {
			assert.Equal(t, v.client, "192.0.2.1 http", i, v.who)
		}
		assert.Contains(t, v.fields, "X-Forwarded-For: 192.0.2.1\n", i, v.who)
	}
}

func TestPP09WithoutHeaderFieldsStay(t *testing.T) {
	t.Parallel()
	info := &tako.ConnInfo{Remote: tcpEnd("192.0.2.1:1")}
	for i, v := range viewsBehind(t, info, spoofed()) {
		assert.Equal(t, v.fields, fieldsOf(spoofed()), i, v.who)
		if v.client != "" {
			assert.Equal(t, v.client, "192.0.2.1 http", i, v.who)
		}
	}
}

// Whoever stops early gets no more fields.
func TestPP09StopsAtOnce(t *testing.T) {
	t.Parallel()
	info := &tako.ConnInfo{Remote: tcpEnd("192.0.2.1:1"), Proxy: new(tako.ProxyHeader)}
	r, done := tako.New(), false
	r.Get("/", func(c *tako.Context) error {
		for limit := range 5 {
			n := 0
			for range c.RequestHeaders() {
				if n++; n > limit {
					break
				}
			}
			assert.Equal(t, n, min(limit+1, 4))
		}
		done = true
		return nil
	})
	assert.NoError(t, r.Build())
	header := http.Header{"X-Kept": {"a"}, "X-Real-Ip": {"6.6.6.6"}}
	assert.Equal(t, r.Find(&behindProxy{held{method: "GET", target: "/"}, info, header}).Serve(), false)
	assert.Equal(t, done, true, "without a panic")
}

// readable is a request behind a PROXY header with a body.
type readable struct {
	*behindProxy
	body io.Reader
}

func (x readable) Body() io.Reader { return x.body }

func TestBodyAfterHandlerBehindProxy(t *testing.T) {
	var kept io.Reader
	r := tako.New()
	r.Post("/", tako.HTTP(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { kept = req.Body })))
	assert.NoError(t, r.Build())
	info := &tako.ConnInfo{Transport: "tcp", Remote: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}, Proxy: &tako.ProxyHeader{Version: 1}}
	x := readable{&behindProxy{held: held{method: "POST", target: "/"}, info: info}, strings.NewReader("body")}
	r.Find(x).Serve()
	got, err := io.ReadAll(kept)
	assert.NoError(t, err)
	assert.Equal(t, string(got), "body")
}
