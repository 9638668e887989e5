package tako_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// whoRouter tells the client as the framework sees it.
func whoRouter(networks ...string) *tako.Router {
	r := tako.New()
	r.TrustedProxies(networks...)
	r.Get("/", func(c *tako.Context) error {
		return c.Text(200, fmt.Sprintf("%v %s %s", c.ClientIP(), c.Scheme(), c.Host()))
	})
	return r
}

// from sets the peer and header lines "Name: value".
func from(peer string, lines ...string) takotest.Edit {
	return func(req *http.Request) {
		req.RemoteAddr, req.Host = peer, "own.example"
		for _, line := range lines {
			name, value, _ := strings.Cut(line, ": ")
			req.Header.Add(name, value)
		}
	}
}

func TestClientBehindProxies(t *testing.T) {
	t.Parallel()
	r := built(t, whoRouter("10.0.0.0/8", "192.168.1.1", "2001:db8:1::/48", "fe80::1"))
	const untouched = " http own.example"
	tests := []struct {
		name, peer string
		lines      []string
		want       string
	}{
		{"no proxy", "198.51.100.7:1", nil, "198.51.100.7" + untouched},
		{"untrusted peer", "198.51.100.7:1", []string{"X-Forwarded-For: 1.1.1.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil",
			"Forwarded: for=2.2.2.2;proto=https;host=evil"}, "198.51.100.7" + untouched},
		{"near the network", "11.0.0.1:1", []string{"X-Forwarded-For: 1.1.1.1"}, "11.0.0.1" + untouched},
		{"single address only", "192.168.1.2:1", []string{"X-Forwarded-For: 1.1.1.1"}, "192.168.1.2" + untouched},
		{"trusted without fields", "10.0.0.1:1", nil, "10.0.0.1" + untouched},
		{"one hop", "10.0.0.1:1", []string{"X-Forwarded-For: 1.1.1.1"}, "1.1.1.1" + untouched},
		{"mapped peer", "[::ffff:10.0.0.1]:1", []string{"X-Forwarded-For: 1.1.1.1"}, "1.1.1.1" + untouched},
		{"peer with zone", "[fe80::1%eth0]:1", []string{"X-Forwarded-For: 1.1.1.1"}, "1.1.1.1" + untouched},
		{"IPv6 peer", "[2001:db8:1:2::3]:1", []string{"X-Forwarded-For: 2001:db8:9::1"}, "2001:db8:9::1" + untouched},
		{"spoofed left entry", "10.0.0.1:1", []string{"X-Forwarded-For: 9.9.9.9, 1.1.1.1"}, "1.1.1.1" + untouched},
		{"spoofed trusted left entry", "10.0.0.1:1", []string{"X-Forwarded-For: 10.0.0.9, 1.1.1.1"}, "1.1.1.1" + untouched},
		{"two trusted hops", "10.0.0.1:1", []string{"X-Forwarded-For: 9.9.9.9, 1.1.1.1, 10.2.3.4"}, "1.1.1.1" + untouched},
		{"all trusted", "10.0.0.1:1", []string{"X-Forwarded-For: 10.0.0.3, 10.0.0.2"}, "10.0.0.3" + untouched},
		{"several lines", "10.0.0.1:1", []string{"X-Forwarded-For: 9.9.9.9", "X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 10.0.0.2"}, "1.1.1.1" + untouched},
		{"white space and empty members", "10.0.0.1:1", []string{"X-Forwarded-For:  ,\t1.1.1.1 , ,"}, "1.1.1.1" + untouched},
		{"port", "10.0.0.1:1", []string{"X-Forwarded-For: 1.1.1.1:80"}, "1.1.1.1" + untouched},
		{"brackets", "10.0.0.1:1", []string{"X-Forwarded-For: [2001:db8::7]"}, "2001:db8::7" + untouched},
		{"brackets and port", "10.0.0.1:1", []string{"X-Forwarded-For: [2001:db8::7]:80"}, "2001:db8::7" + untouched},
		{"mapped address", "10.0.0.1:1", []string{"X-Forwarded-For: ::ffff:1.1.1.1"}, "1.1.1.1" + untouched},
		{"mapped trusted hop", "10.0.0.1:1", []string{"X-Forwarded-For: 1.1.1.1, ::ffff:10.0.0.2"}, "1.1.1.1" + untouched},
		{"unknown", "10.0.0.1:1", []string{"X-Forwarded-For: 9.9.9.9, unknown"}, "10.0.0.1" + untouched},
		{"unknown behind a trusted hop", "10.0.0.1:1", []string{"X-Forwarded-For: 9.9.9.9, unknown, 10.0.0.2"}, "10.0.0.2" + untouched},
		{"garbage", "10.0.0.1:1", []string{"X-Forwarded-For: 9.9.9.9, 1.1.1"}, "10.0.0.1" + untouched},
		{"leading zero", "10.0.0.1:1", []string{"X-Forwarded-For: 9.9.9.9, 1.1.1.01"}, "10.0.0.1" + untouched},
		{"half brackets", "10.0.0.1:1", []string{"X-Forwarded-For: [2001:db8::7"}, "10.0.0.1" + untouched},
		{"IPv4 in brackets", "10.0.0.1:1", []string{"X-Forwarded-For: [1.1.1.1]"}, "10.0.0.1" + untouched},
		{"port that is none", "10.0.0.1:1", []string{"X-Forwarded-For: 1.1.1.1:evil"}, "10.0.0.1" + untouched},
		{"a quote of the client", "10.0.0.1:1", []string{`X-Forwarded-For: ", 1.1.1.1`}, "1.1.1.1" + untouched},
		{"a quoted pair of the client", "10.0.0.1:1", []string{`X-Forwarded-For: "9.9.9.9, 8.8.8.8", 1.1.1.1`}, "1.1.1.1" + untouched},
		{"proto and host", "10.0.0.1:1", []string{"X-Forwarded-For: 1.1.1.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example:8443"}, "1.1.1.1 https shop.example:8443"},
		{"proto in another case", "10.0.0.1:1", []string{"X-Forwarded-Proto: HTTPS"}, "10.0.0.1 https own.example"},
		{"proto that is none", "10.0.0.1:1", []string{"X-Forwarded-Proto: javascript"}, "10.0.0.1" + untouched},
		{"proto hop by hop", "10.0.0.1:1", []string{"X-Forwarded-For: 9.9.9.9, 1.1.1.1", "X-Forwarded-Proto: https, http"}, "1.1.1.1" + untouched},
		{"proto of the client in front", "10.0.0.1:1", []string{"X-Forwarded-For: 1.1.1.1", "X-Forwarded-Proto: https, http"}, "1.1.1.1" + untouched},
		{"host that is none", "10.0.0.1:1", []string{"X-Forwarded-Host: a b"}, "10.0.0.1" + untouched},
		{"host with user", "10.0.0.1:1", []string{"X-Forwarded-Host: user@evil"}, "10.0.0.1" + untouched},
		{"host with path", "10.0.0.1:1", []string{"X-Forwarded-Host: evil/x"}, "10.0.0.1" + untouched},
		{"host with a zone", "10.0.0.1:1", []string{"X-Forwarded-Host: [fe80::1%<script>]"}, "10.0.0.1" + untouched},
		{"forwarded", "10.0.0.1:1", []string{"Forwarded: for=1.1.1.1;proto=https;host=shop.example"}, "1.1.1.1 https shop.example"},
		{"forwarded in another case", "10.0.0.1:1", []string{"Forwarded: For=1.1.1.1; PROTO=HTTPS ;Host=shop.example"}, "1.1.1.1 https shop.example"},
		{"forwarded of the client", "10.0.0.1:1", []string{"Forwarded: for=9.9.9.9;host=evil;proto=https", "X-Forwarded-For: 1.1.1.1"}, "1.1.1.1" + untouched},
		{"forwarded beside a scheme", "10.0.0.1:1", []string{"Forwarded: for=9.9.9.9;host=evil", "X-Forwarded-Proto: https"}, "10.0.0.1 https own.example"},
		{"forwarded beside a host", "10.0.0.1:1", []string{"Forwarded: for=9.9.9.9;proto=https", "X-Forwarded-Host: shop.example"}, "10.0.0.1 http shop.example"},
		{"forwarded quotes", "10.0.0.1:1", []string{`Forwarded: for="1.1.1.1:80";host="shop.example:8443"`}, "1.1.1.1 http shop.example:8443"},
		{"forwarded IPv6", "10.0.0.1:1", []string{`Forwarded: for="[2001:db8::7]:4711"`}, "2001:db8::7" + untouched},
		{"forwarded IPv6 without port", "10.0.0.1:1", []string{`Forwarded: for="[2001:db8::7]"`}, "2001:db8::7" + untouched},
		{"forwarded escapes", "10.0.0.1:1", []string{`Forwarded: for="1.1.1.\1"`}, "1.1.1.1" + untouched},
		{"forwarded unknown", "10.0.0.1:1", []string{"Forwarded: for=9.9.9.9, for=unknown;proto=https"}, "10.0.0.1 https own.example"},
		{"forwarded obfuscated", "10.0.0.1:1", []string{"Forwarded: for=9.9.9.9, for=_hidden"}, "10.0.0.1" + untouched},
		{"forwarded spoofed", "10.0.0.1:1", []string{"Forwarded: for=9.9.9.9;host=evil;proto=https, for=1.1.1.1"}, "1.1.1.1" + untouched},
		{"forwarded two hops", "10.0.0.1:1", []string{"Forwarded: for=9.9.9.9;host=evil, for=1.1.1.1;proto=https;host=shop.example, for=10.0.0.2;proto=http;host=inner"}, "1.1.1.1 https shop.example"},
		{"forwarded lines", "10.0.0.1:1", []string{"Forwarded: for=9.9.9.9;host=evil", "Forwarded: for=1.1.1.1", "Forwarded: for=10.0.0.2"}, "1.1.1.1" + untouched},
		{"forwarded without for", "10.0.0.1:1", []string{"Forwarded: proto=https;by=10.0.0.1"}, "10.0.0.1 https own.example"},
		{"forwarded empty", "10.0.0.1:1", []string{"Forwarded: "}, "10.0.0.1" + untouched},
		{"forwarded quote of the client", "10.0.0.1:1", []string{`Forwarded: for="9.9.9.9`, "Forwarded: for=1.1.1.1"}, "1.1.1.1" + untouched},
		{"forwarded quote of the client in one line", "10.0.0.1:1", []string{`Forwarded: host=evil;for=", for=1.1.1.1`}, "1.1.1.1" + untouched},
		{"forwarded comma in quotes", "10.0.0.1:1", []string{`Forwarded: for="9.9.9.9, for=8.8.8.8", for=1.1.1.1`}, "1.1.1.1" + untouched},
	}
	for _, tt := range tests {
		if got := rawRequest(r, "GET", "/", from(tt.peer, tt.lines...)).Body.String(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// Of the fields that the proxies do not write nothing is believed.
func TestForwarding(t *testing.T) {
	t.Parallel()
	const (
		standard = "Forwarded: for=1.1.1.1;host=one.example;proto=https"
		x        = "X-Forwarded-For: 2.2.2.2"
		xHost    = "X-Forwarded-Host: two.example"
	)
	for f, want := range map[tako.Forwarding][3]string{
		tako.ForwardingAny:      {"1.1.1.1 https one.example", "2.2.2.2 http two.example", "2.2.2.2 http two.example"},
		tako.ForwardingX:        {"10.0.0.1 http own.example", "2.2.2.2 http two.example", "2.2.2.2 http two.example"},
		tako.ForwardingStandard: {"1.1.1.1 https one.example", "10.0.0.1 http own.example", "1.1.1.1 https one.example"},
	} {
		r := whoRouter("10.0.0.0/8")
		r.Forwarding(f)
		built(t, r)
		for i, lines := range [][]string{{standard}, {x, xHost}, {x, standard, xHost}} {
			assert.Equal(t, rawRequest(r, "GET", "/", from("10.0.0.1:1", lines...)).Body.String(), want[i], f, lines)
			assert.Equal(t, rawRequest(r, "GET", "/", from("198.51.100.1:1", lines...)).Body.String(), "198.51.100.1 http own.example", f, lines)
		}
	}
}

func TestClientWithoutProxies(t *testing.T) {
	t.Parallel()
	r := built(t, whoRouter())
	spoof := []string{"X-Forwarded-For: 1.1.1.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil", "Forwarded: for=2.2.2.2;host=evil"}
	tests := []struct{ peer, want string }{
		{"127.0.0.1:1", "127.0.0.1 http own.example"},
		{"[::1]:1", "::1 http own.example"},
		{"[fe80::1%eth0]:1", "fe80::1 http own.example"},
		{"[::ffff:127.0.0.1]:1", "127.0.0.1 http own.example"},
		{"@", "invalid IP http own.example"},
		{"", "invalid IP http own.example"},
	}
	for _, tt := range tests {
		assert.Equal(t, rawRequest(r, "GET", "/", from(tt.peer, spoof...)).Body.String(), tt.want, tt.peer)
	}
	got := rawRequest(r, "GET", "/", from("127.0.0.1:1"), func(req *http.Request) { req.TLS = new(tls.ConnectionState) })
	assert.Equal(t, got.Body.String(), "127.0.0.1 https own.example")
}

// A host that a trusted proxy forwards chooses the routes of that host; from
// anyone else it does not.
func TestForwardedHostRoutes(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.TrustedProxies("10.0.0.0/8")
	r.Host("admin.example").Get("/", says("admin"))
	r.Get("/", says("public"))
	built(t, r)
	assert.Equal(t, rawRequest(r, "GET", "/", from("198.51.100.1:1", "X-Forwarded-Host: admin.example")).Body.String(), "public")
	assert.Equal(t, rawRequest(r, "GET", "/", from("10.0.0.1:1", "X-Forwarded-Host: Admin.example:443")).Body.String(), "admin")
}

// FuzzForwarded: whatever the client sends, the address that the trusted proxy
// adds on the right is the client's, and nothing of the client's host is believed.
func FuzzForwarded(f *testing.F) {
	for _, seed := range []string{"", "for=9.9.9.9", `for="`, `host=evil;for="`, `"`, `\`, ",", "9.9.9.9", `for="[::1]:80";proto=https`,
		"unknown", ";;", "for=9.9.9.9;host=evil,", `for="\`, "host=evil;", "=", `a="b\",c`} {
		f.Add(seed)
	}
	r := built(f, whoRouter("10.0.0.1"))
	f.Fuzz(func(t *testing.T, spoof string) {
		if strings.ContainsAny(spoof, "\r\n\x00") {
			return
		}
		const want = "203.0.113.7 http own.example"
		for _, lines := range [][]string{
			{"X-Forwarded-For: " + spoof + ", 203.0.113.7"},
			{"X-Forwarded-For: " + spoof, "X-Forwarded-For: 203.0.113.7"},
			{"Forwarded: " + spoof, "Forwarded: for=203.0.113.7"},
			{"Forwarded: " + spoof + ", for=203.0.113.7"},
		} {
			if got := rawRequest(r, "GET", "/", from("10.0.0.1:1", lines...)).Body.String(); got != want {
				t.Fatalf("%q: got %s, want %s", lines, got, want)
			}
			got := rawRequest(r, "GET", "/", from("198.51.100.1:1", lines...)).Body.String()
			if got != "198.51.100.1 http own.example" {
				t.Fatalf("%q from an untrusted peer: got %s", lines, got)
			}
		}
		got := rawRequest(r, "GET", "/", from("10.0.0.1:1", "X-Forwarded-For: "+spoof, "X-Forwarded-Host: "+spoof, "X-Forwarded-Proto: "+spoof)).Body.String()
		ip, rest, _ := strings.Cut(got, " ")
		if _, err := netip.ParseAddr(ip); err != nil || strings.Count(rest, " ") != 1 || strings.ContainsAny(rest, "\"<>\\/@\t") {
			t.Fatalf("%q: got %s", spoof, got)
		}
	})
}

func TestRedirectHTTPS(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Fallback(tako.RedirectHTTPS("example.com", "Shop.example.com:8443", "[2001:db8::1]:444", "std.example:443"))
	built(t, r)
	tests := []struct {
		host, target string
		status       int
		want         string
	}{
		{"example.com", "/", 308, "https://example.com/"},
		{"EXAMPLE.com:80", "/a?b=c", 308, "https://example.com/a?b=c"},
		{"example.com.", "/a", 308, "https://example.com/a"},
		{"example.com:8080", "/a/%2F?x=//y", 308, "https://example.com/a/%2F?x=//y"},
		{"shop.example.com", "/", 308, "https://shop.example.com:8443/"},
		{"std.example", "/", 308, "https://std.example/"},
		{"[2001:db8::1]", "/", 308, "https://[2001:db8::1]:444/"},
		{"[2001:DB8::1]:80", "/", 308, "https://[2001:db8::1]:444/"},
		{"example.com", "//evil.example/.//x", 308, "https://example.com/evil.example/x"},
		{"example.com", "/a%0d%0aX:y", 308, "https://example.com/a%0D%0AX:y"},
		{"evil.example", "/", 421, ""},
		{"example.com.evil.example", "/", 421, ""},
		{"xexample.com", "/", 421, ""},
		{"127.0.0.1", "/", 421, ""},
		{"", "/", 400, ""},
		{"user@example.com", "/", 400, ""},
		{"example.com/evil", "/", 400, ""},
		{"example.com:x", "/", 400, ""},
		{"example.com:80:80", "/", 400, ""},
		{"example.com:99999", "/", 400, ""},
		{"x\r\ny", "/", 400, ""},
		{"example.com\x00", "/", 400, ""},
		{"exa mple.com", "/", 400, ""},
		{"[::1", "/", 400, ""},
		{"::1", "/", 400, ""},
		{"[::1]x", "/", 400, ""},
		{":80", "/", 400, ""},
	}
	for _, tt := range tests {
		for _, method := range []string{"GET", "POST", "HEAD"} {
			got := rawRequest(r, method, tt.target, takotest.Host(tt.host))
			about := fmt.Sprintf("%s %q %s", method, tt.host, tt.target)
			assert.Equal(t, got.Code, tt.status, about)
			assert.Equal(t, got.Header().Get("Location"), tt.want, about)
		}
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	const none = ""
	tests := []struct {
		to           string
		plain, local string // Location, none if refused with 400
	}{
		{"/", "/", "/"},
		{"/a?b=c#d", "/a?b=c#d", "/a?b=c#d"},
		{"/é b", "/%C3%A9%20b", "/%C3%A9%20b"},
		{"/a%2Fb", "/a%2Fb", "/a%2Fb"},
		{"/?next=//x", "/?next=//x", "/?next=//x"},
		{"/a:b", "/a:b", "/a:b"},
		{`/"<>`, "/%22%3C%3E", "/%22%3C%3E"},
		{"a/b", "a/b", none},
		{"?x", "?x", none},
		{"https://x.example/a", "https://x.example/a", none},
		{"HTTP://x.example", "HTTP://x.example", none},
		{"//evil.example", "//evil.example", none},
		{"///evil.example", "///evil.example", none},
		{`/\evil.example`, none, none},
		{`\\evil.example`, none, none},
		{`/a\b`, none, none},
		{"/\t/evil.example", none, none},
		{"/\n/evil.example", none, none},
		{"/a\r\nSet-Cookie: x=1", none, none},
		{"/a\x00", none, none},
		{"/a\x7f", none, none},
		{"javascript:alert(1)", none, none},
		{"JavaScript:alert(1)", none, none},
		{" javascript:alert(1)", none, none},
		{"java\nscript:alert(1)", none, none},
		{"\x01javascript:alert(1)", none, none},
		{"data:text/html,x", none, none},
		{"vbscript:x", none, none},
		{"mailto:a@b.example", none, none},
		{"ftp://x.example", none, none},
		{"http:evil", none, none},
		{"", none, none},
	}
	var to string
	r := tako.New()
	r.Get("/plain", func(c *tako.Context) error { return c.Redirect(302, to) })
	r.Get("/local", func(c *tako.Context) error { return c.LocalRedirect(303, to) })
	built(t, r)
	for _, tt := range tests {
		to = tt.to
		for path, want := range map[string]string{"/plain": tt.plain, "/local": tt.local} {
			if path == "/plain" && to == "" {
				continue // the page itself
			}
			got := rawRequest(r, "GET", path)
			status := 400
			if want != none {
				status = map[string]int{"/plain": 302, "/local": 303}[path]
			}
			assert.Equal(t, got.Code, status, path, fmt.Sprintf(" %q", to))
			assert.Equal(t, got.Header().Get("Location"), want, path, fmt.Sprintf(" %q", to))
			assert.Equal(t, got.Header().Get("Set-Cookie"), "")
		}
	}
}

func TestRedirectStatus(t *testing.T) {
	t.Parallel()
	var status int
	r := tako.New()
	r.Get("/", func(c *tako.Context) error { return c.Redirect(status, "/x") })
	built(t, r)
	for _, status = range []int{301, 302, 303, 307, 308} {
		assert.Equal(t, rawRequest(r, "GET", "/").Code, status)
	}
	for _, status = range []int{0, 200, 304, 400, 42} {
		got := rawRequest(r, "GET", "/")
		assert.Equal(t, got.Code, 500, status)
		assert.Equal(t, got.Header().Get("Location"), "", status)
	}
}
