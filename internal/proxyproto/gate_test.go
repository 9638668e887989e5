package proxyproto_test

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/proxyproto"
)

func TestPP01Admit(t *testing.T) {
	t.Parallel()
	trusted := []string{"10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "fe80::1"}
	for _, tt := range []struct {
		addr string
		in   bool
	}{
		{"10.1.2.3", true}, {"::ffff:10.1.2.3", true}, {"192.0.2.7", true}, {"2001:db8::9", true}, {"2001:db8::9%eth0", true}, {"fe80::1%eth0", true},
		{"11.0.0.1", false}, {"192.0.2.8", false}, {"::ffff:11.0.0.1", false}, {"2001:db9::1", false}, {"::a00:1", false}, {"fe80::2%eth0", false},
	} {
		for mode, other := range map[tako.ProxyMode]proxyproto.Verdict{tako.ProxyRequired: proxyproto.Refuse,
			tako.ProxyOptional: proxyproto.Plain, tako.ProxyIgnore: proxyproto.Plain} {
			g, err := proxyproto.NewGate(config(mode, trusted...))
			assert.NoError(t, err)
			want := other
			if tt.in {
				want = proxyproto.Expect
			}
			assert.Equal(t, g.Admit(netip.MustParseAddr(tt.addr)), want, mode, " ", tt.addr)
			assert.Equal(t, g.Admit(netip.Addr{}), proxyproto.Expect, mode, " without an address")
		}
	}
}

func TestNewGate(t *testing.T) {
	t.Parallel()
	g, err := proxyproto.NewGate(tako.ProxyConfig{})
	assert.NoError(t, err)
	assert.Equal(t, g == nil, true)
	assert.Equal(t, g.Admit(netip.MustParseAddr("10.0.0.1")), proxyproto.Plain)
	assert.Equal(t, g.Admit(netip.Addr{}), proxyproto.Plain)
	assert.Equal(t, g.Timeout(), 0)
	assert.Equal(t, g.MaxBytes(), 0)
	for _, c := range []tako.ProxyConfig{config(tako.ProxyRequired), config(tako.ProxyRequired, "sea"), {Timeout: -1}} {
		g, err = proxyproto.NewGate(c)
		assert.Equal(t, g == nil && err != nil, true, c)
	}
	g, err = proxyproto.NewGate(tako.ProxyConfig{Mode: tako.ProxyIgnore, Trusted: []string{"::1"}, Timeout: time.Minute, MaxBytes: 300})
	assert.NoError(t, err)
	assert.Equal(t, g.Timeout(), time.Minute)
	assert.Equal(t, g.MaxBytes(), 300)
	assert.Equal(t, gate(t, tako.ProxyRequired).Timeout(), 5*time.Second)
}

func TestPP01Look(t *testing.T) {
	t.Parallel()
	header := v2(cmdProxy, tcp4, ends4, tlv(1, "h2"))
	b := append(header, "GET / HTTP/1.1\r\n"...)
	for _, mode := range []tako.ProxyMode{tako.ProxyRequired, tako.ProxyOptional} {
		info := socket()
		next, n, done, err := gate(t, mode).Look(b, info)
		assert.NoError(t, err)
		assert.Equal(t, done, true)
		assert.Equal(t, n, len(header))
		assert.Equal(t, next.Transport, "tcp")
		assert.Equal(t, next.Remote.String(), "192.0.2.1:57005")
		assert.Equal(t, next.Local.String(), "198.51.100.2:443")
		assert.Equal(t, next.Proxy, &tako.ProxyHeader{Version: 2, Proxy: info.Remote, ProxyLocal: info.Local, ALPN: "h2", TLVs: []tako.ProxyTLV{field(1, "h2")}})
		assert.Equal(t, info, socket(), "what was given")
	}
	info := socket()
	next, n, done, err := gate(t, tako.ProxyIgnore).Look(b, info)
	assert.NoError(t, err)
	assert.Equal(t, done, true)
	assert.Equal(t, n, len(header))
	assert.Equal(t, next == info, true)
}

func TestPP02LookWithoutHeader(t *testing.T) {
	t.Parallel()
	for _, b := range []string{"GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n", "\x16\x03\x01", "\r\n\r\nGET", "PROXX", "\x00", "proxy "} {
		info := socket()
		for _, mode := range []tako.ProxyMode{tako.ProxyOptional, tako.ProxyIgnore} {
			next, n, done, err := gate(t, mode).Look([]byte(b), info)
			assert.NoError(t, err, b)
			assert.Equal(t, next == info && n == 0 && done, true, mode, b)
		}
		next, n, done, err := gate(t, tako.ProxyRequired).Look([]byte(b), info)
		assert.ErrorIs(t, err, proxyproto.ErrNoHeader, b)
		assert.Equal(t, next == nil && n == 0 && done, true, b)
	}
	for _, b := range []string{"", "P", "PROXY ", "PROXY TCP4 192.0.2.1", "\r\n\r\n", signature, signature + "\x21\x11\x00\x0c"} {
		for _, mode := range []tako.ProxyMode{tako.ProxyRequired, tako.ProxyOptional, tako.ProxyIgnore} {
			_, n, done, err := gate(t, mode).Look([]byte(b), socket())
			assert.NoError(t, err, b)
			assert.Equal(t, n == 0 && !done, true, mode, b)
		}
	}
	for _, mode := range []tako.ProxyMode{tako.ProxyRequired, tako.ProxyOptional, tako.ProxyIgnore} {
		_, _, done, err := gate(t, mode).Look([]byte("PROXY / HTTP/1.1\r\n\r\n"), socket())
		assert.ErrorIs(t, err, proxyproto.ErrMalformed, mode)
		assert.Equal(t, done, true, mode)
	}
}

func TestPP08LookKeepsSocket(t *testing.T) {
	t.Parallel()
	for _, b := range [][]byte{[]byte("PROXY UNKNOWN 192.0.2.1 198.51.100.2 1 2\r\n"), v2(cmdLocal, tcp4, ends4), v2(cmdLocal, unspec), v2(cmdProxy, unspec)} {
		info := socket()
		next, n, done, err := gate(t, tako.ProxyRequired).Look(b, info)
		assert.NoError(t, err)
		assert.Equal(t, done && n == len(b), true)
		assert.Equal(t, next.Proxy.Local, true)
		assert.Equal(t, []net.Addr{next.Remote, next.Local, next.Proxy.Proxy, next.Proxy.ProxyLocal},
			[]net.Addr{info.Remote, info.Local, info.Remote, info.Local})
	}
}

// The first limit that counts is that of the gate.
func TestPP05LookLimit(t *testing.T) {
	t.Parallel()
	g, err := proxyproto.NewGate(tako.ProxyConfig{Mode: tako.ProxyOptional, Trusted: []string{"::/0"}, MaxBytes: 232})
	assert.NoError(t, err)
	_, n, done, err := g.Look(v2(cmdProxy, unixStream, unixEnds("/a", "/b")), socket())
	assert.NoError(t, err)
	assert.Equal(t, done && n == 232, true)
	_, _, _, err = g.Look(v2(cmdProxy, unixStream, unixEnds("/a", "/b"), tlv(4, ""))[:16], socket())
	assert.ErrorIs(t, err, proxyproto.ErrMalformed)
}
