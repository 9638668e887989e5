package proxyproto_test

import (
	"net"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/proxyproto"
)

// field is how a TLV is told.
func field(typ byte, value string) tako.ProxyTLV {
	return tako.ProxyTLV{Type: typ, Value: []byte(value)}
}

func TestPP07Fields(t *testing.T) {
	t.Parallel()
	id := "\x00\xff\xfe" + strings.Repeat("u", 125)
	b := v2(cmdProxy, tcp4, ends4, tlv(1, "h2"), tlv(4, "padding"), tlv(2, "sea.example"), tlv(5, id), tlv(0x30, "blue"),
		tlv(0xea, "\x01vpce-\xff\x00"), tlv(0xee, "\x01\x2a\x00\x00\x80"), tlv(0xe0, "\x00\x00\x00\x00\x00\x00\x01\xff"),
		tlv(0x77, "\xfe\x00unknown"), tlv(0x78, ""), tlv(4, ""))
	got := parsed(t, b)
	want := &tako.ProxyHeader{Version: 2, ALPN: "h2", Authority: "sea.example", UniqueID: []byte(id), NetNS: "blue",
		AWSEndpoint: []byte("vpce-\xff\x00"), AzureLink: []byte("\x2a\x00\x00\x80"), GCPConnection: []byte("\x00\x00\x00\x00\x00\x00\x01\xff"),
		TLVs: []tako.ProxyTLV{field(1, "h2"), field(2, "sea.example"), field(5, id), field(0x30, "blue"),
			field(0xea, "\x01vpce-\xff\x00"), field(0xee, "\x01\x2a\x00\x00\x80"), field(0xe0, "\x00\x00\x00\x00\x00\x00\x01\xff"),
			field(0x77, "\xfe\x00unknown"), field(0x78, "")}}
	assert.Equal(t, got, want)
	for i := range b {
		b[i] = 0xaa
	}
	assert.Equal(t, got, want, "after the memory was used again")
}

func TestPP07Twice(t *testing.T) {
	t.Parallel()
	fields := [][]byte{ends4}
	for _, typ := range []byte{1, 2, 5, 0x30} {
		fields = append(fields, tlv(typ, "first"), tlv(typ, "second"))
	}
	fields = append(fields, tlv(0xea, "\x02other"), tlv(0xea, "\x01first"), tlv(0xea, "\x01second"),
		tlv(0x20, "\x01\x00\x00\x00\x00\x21\x00\x01a\x21\x00\x01b"), tlv(0x20, "\x00\x00\x00\x00\x00"))
	h := parsed(t, v2(cmdProxy, tcp4, fields...))
	assert.Equal(t, []string{h.ALPN, h.Authority, string(h.UniqueID), h.NetNS, string(h.AWSEndpoint), h.TLS.Version},
		[]string{"first", "first", "first", "first", "first", "a"})
	assert.Equal(t, len(h.TLVs), 13)
	assert.Equal(t, h.TLVs[1], field(1, "second"))

	// An empty one is the first as well.
	h = parsed(t, v2(cmdProxy, tcp4, ends4, tlv(1, ""), tlv(1, "h2"), tlv(5, ""), tlv(5, "id")))
	assert.Equal(t, h.ALPN, "")
	assert.Equal(t, h.UniqueID, []byte{})
}

// Types of clouds are anybody's: what has another form is only in the list.
func TestPP07OtherCloudFields(t *testing.T) {
	t.Parallel()
	for _, b := range [][]byte{tlv(0xea, ""), tlv(0xea, "\x02x"), tlv(0xee, "\x01\x00\x00\x00"), tlv(0xee, "\x02\x00\x00\x00\x00"),
		tlv(0xee, ""), tlv(0xe0, "1234567"), tlv(0xe0, "")} {
		h := parsed(t, v2(cmdProxy, tcp4, ends4, b))
		assert.Equal(t, h, &tako.ProxyHeader{Version: 2, TLVs: []tako.ProxyTLV{field(b[0], string(b[3:]))}})
	}
}

func TestPP07TLS(t *testing.T) {
	t.Parallel()
	const verified, not = "\x00\x00\x00\x00", "\x00\x00\x00\x01"
	sub := string(tlv(0x21, "TLSv1.3")) + string(tlv(0x22, "ada")) + string(tlv(0x23, "TLS_AES_128_GCM_SHA256")) + string(tlv(0x24, "RSA-SHA256")) +
		string(tlv(0x25, "RSA2048")) + string(tlv(0x26, "x25519")) + string(tlv(0x27, "rsa_pss_rsae_sha256")) + string(tlv(0x28, "\x30\x82\xff\x00")) + string(tlv(0x99, "?"))
	for value, want := range map[string]tako.ProxyTLS{
		"\x07" + verified + sub: {Used: true, ConnCert: true, SessCert: true, Verified: true, Version: "TLSv1.3", CommonName: "ada",
			Cipher: "TLS_AES_128_GCM_SHA256", SigAlg: "RSA-SHA256", KeyAlg: "RSA2048", Group: "x25519", Cert: []byte("\x30\x82\xff\x00")},
		"\x00" + verified:                    {},
		"\x01" + verified:                    {Used: true},
		"\x03" + not:                         {Used: true, ConnCert: true},
		"\x05" + verified:                    {Used: true, SessCert: true, Verified: true},
		"\x01" + not + string(tlv(0x21, "")): {Used: true},
	} {
		h := parsed(t, v2(cmdProxy, tcp4, ends4, tlv(0x20, value)))
		assert.Equal(t, *h.TLS, want, value[:5])
		assert.Equal(t, h.TLVs, []tako.ProxyTLV{field(0x20, value)})
	}
	assert.Equal(t, parsed(t, v2(cmdProxy, tcp4, ends4)).TLS == nil, true)
}

func TestEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		b             []byte
		remote, local net.Addr
	}{
		{v2(cmdProxy, tcp4, ends4), &net.TCPAddr{IP: net.IP{192, 0, 2, 1}, Port: 57005}, &net.TCPAddr{IP: net.IP{198, 51, 100, 2}, Port: 443}},
		{v2(cmdProxy, tcp6, ends6), &net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 57005}, &net.TCPAddr{IP: net.ParseIP("2001:db8::2"), Port: 443}},
		{v2(cmdProxy, tcp4, make([]byte, 12)), &net.TCPAddr{IP: net.IP{0, 0, 0, 0}}, &net.TCPAddr{IP: net.IP{0, 0, 0, 0}}},
		{v2(cmdProxy, unixStream, unixEnds("/run/a", "/run/b")), &net.UnixAddr{Net: "unix", Name: "/run/a"}, &net.UnixAddr{Net: "unix", Name: "/run/b"}},
		{v2(cmdProxy, unixStream, unixEnds("", "\x00sea")), &net.UnixAddr{Net: "unix"}, &net.UnixAddr{Net: "unix", Name: "@sea"}},
		{[]byte("PROXY TCP6 ::1 ::2 1 2\r\n"), &net.TCPAddr{IP: net.ParseIP("::1"), Port: 1}, &net.TCPAddr{IP: net.ParseIP("::2"), Port: 2}},
	} {
		var h proxyproto.Header
		_, err := h.Parse(tt.b, limit)
		assert.NoError(t, err)
		remote, local := h.Ends()
		assert.Equal(t, remote, tt.remote)
		assert.Equal(t, local, tt.local)
	}
}
