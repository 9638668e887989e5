//go:build !race

package proxyproto_test

import (
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/proxyproto"
)

// headers are what balancers send.
func headers() map[string][]byte {
	return map[string][]byte{
		"line IPv4": []byte("PROXY TCP4 192.0.2.1 198.51.100.2 57005 443\r\n"),
		"line IPv6": []byte("PROXY TCP6 2001:db8:1111:2222:3333:4444:5555:6666 2001:db8::1 57005 443\r\n"),
		"IPv4":      v2(cmdProxy, tcp4, ends4),
		"IPv6":      v2(cmdProxy, tcp6, ends6, tlv(1, "h2"), tlv(5, strings.Repeat("u", 32))),
		"checksum": summed(v2(cmdProxy, tcp4, ends4, tlv(1, "h2"), tlv(2, "sea.example"),
			tlv(0x20, "\x01\x00\x00\x00\x00\x21\x00\x07TLSv1.3"), tlv(0xea, "\x01vpce-08d2bf15fac5001c9"), tlv(3, "\x00\x00\x00\x00"))),
		"Unix": v2(cmdProxy, unixStream, unixEnds("/run/a", "/run/b")),
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	for name, b := range headers() {
		var h proxyproto.Header
		if n := testing.AllocsPerRun(100, func() {
			if n, err := h.Parse(b, limit); n != len(b) || err != nil {
				t.Fatal(name, n, err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for name, data := range headers() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var h proxyproto.Header
			for b.Loop() {
				if n, err := h.Parse(data, limit); n != len(data) || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}
