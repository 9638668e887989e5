package proxyproto_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/proxyproto"
)

func TestPP03GoodLines(t *testing.T) {
	t.Parallel()
	const long = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
	for _, tt := range []struct{ line, source, destination string }{
		{"TCP4 192.0.2.1 198.51.100.2 57005 443", "192.0.2.1:57005", "198.51.100.2:443"},
		{"TCP4 0.0.0.0 255.255.255.255 0 65535", "0.0.0.0:0", "255.255.255.255:65535"},
		{"TCP6 2001:db8::1 ::1 57005 443", "[2001:db8::1]:57005", "[::1]:443"},
		{"TCP6 2001:DB8::A :: 1 2", "[2001:db8::a]:1", "[::]:2"},
		{"TCP6 ::ffff:192.0.2.1 ::ffff:c000:202 1 2", "[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.2]:2"},
		{"TCP6 " + long + " " + long + " 65535 65535", "[" + long + "]:65535", "[" + long + "]:65535"},
	} {
		line := "PROXY " + tt.line + "\r\n"
		want := proxyproto.Header{Version: 1, Source: netip.MustParseAddrPort(tt.source), Destination: netip.MustParseAddrPort(tt.destination)}
		var h proxyproto.Header
		n, err := h.Parse([]byte(line+"GET / HTTP/1.1\r\n"), limit)
		assert.NoError(t, err, line)
		assert.Equal(t, n, len(line), line)
		assert.Equal(t, h, want, line)
		h, n, err = inPieces([]byte(line), limit)
		assert.NoError(t, err, line)
		assert.Equal(t, n, len(line), line)
		assert.Equal(t, h, want, line)
	}
}

func TestPP03BadLines(t *testing.T) {
	t.Parallel()
	const ends = "192.0.2.1 198.51.100.2"
	for line, reason := range map[string]string{
		"PROXY TCP4 " + ends + " 1 2\n":                              "LF without CR",
		"PROXY TCP4 " + ends + " 1 2\r \n":                           "CR without LF",
		"PROXY UNKNOWN a\rb\r\n":                                     "CR without LF",
		"PROXY UNKNOWN\n":                                            "LF without CR",
		"PROXY \r\n":                                                 "unknown family",
		"PROXY  TCP4 " + ends + " 1 2\r\n":                           "unknown family",
		"PROXY tcp4 " + ends + " 1 2\r\n":                            "unknown family",
		"PROXY unknown\r\n":                                          "unknown family",
		"PROXY UNKNOWNX\r\n":                                         "unknown family",
		"PROXY TCP " + ends + " 1 2\r\n":                             "unknown family",
		"PROXY TCP5 " + ends + " 1 2\r\n":                            "unknown family",
		"PROXY UDP4 " + ends + " 1 2\r\n":                            "unknown family",
		"PROXY\tTCP4 " + ends + " 1 2\r\n":                           "no signature",
		"proxy TCP4 " + ends + " 1 2\r\n":                            "no signature",
		"PROXYTCP4 " + ends + " 1 2\r\n":                             "no signature",
		" PROXY TCP4 " + ends + " 1 2\r\n":                           "no signature",
		"PROXY TCP4\r\n":                                             "too few words",
		"PROXY TCP4 " + ends + "\r\n":                                "too few words",
		"PROXY TCP4 " + ends + " 1\r\n":                              "too few words",
		"PROXY TCP4 " + ends + " 1 2 3\r\n":                          "too many words",
		"PROXY TCP4 " + ends + " 1 2 \r\n":                           "too many words",
		"PROXY TCP4  " + ends + " 1 2\r\n":                           "too many words",
		"PROXY TCP4 " + ends + "  2\r\n":                             "invalid source",
		"PROXY TCP4 " + ends + " 1 \r\n":                             "invalid destination",
		"PROXY TCP4 " + ends + " 1\t2 3\r\n":                         "invalid source",
		"PROXY TCP4 " + ends + " 65536 2\r\n":                        "invalid source",
		"PROXY TCP4 " + ends + " 1 65536\r\n":                        "invalid destination",
		"PROXY TCP4 " + ends + " 99999 2\r\n":                        "invalid source",
		"PROXY TCP4 " + ends + " 4294967297 2\r\n":                   "invalid source",
		"PROXY TCP4 " + ends + " 01 2\r\n":                           "invalid source",
		"PROXY TCP4 " + ends + " 00 2\r\n":                           "invalid source",
		"PROXY TCP4 " + ends + " 1 02\r\n":                           "invalid destination",
		"PROXY TCP4 " + ends + " +1 2\r\n":                           "invalid source",
		"PROXY TCP4 " + ends + " -1 2\r\n":                           "invalid source",
		"PROXY TCP4 " + ends + " 0x1 2\r\n":                          "invalid source",
		"PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n":                 "invalid source",
		"PROXY TCP4 192.0.2.1 2001:db8::2 1 2\r\n":                   "invalid destination",
		"PROXY TCP4 ::ffff:192.0.2.1 192.0.2.2 1 2\r\n":              "invalid source",
		"PROXY TCP6 " + ends + " 1 2\r\n":                            "invalid source",
		"PROXY TCP6 ::1 192.0.2.2 1 2\r\n":                           "invalid destination",
		"PROXY TCP6 fe80::1%eth0 ::2 1 2\r\n":                        "invalid source",
		"PROXY TCP6 [::1] ::2 1 2\r\n":                               "invalid source",
		"PROXY TCP6 ::1::2 ::2 1 2\r\n":                              "invalid source",
		"PROXY TCP6 1:2:3:4:5:6:7:8:9 ::2 1 2\r\n":                   "invalid source",
		"PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n":                    "invalid source",
		"PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n":                   "invalid source",
		"PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n":                       "invalid source",
		"PROXY TCP4 192.0.2.1.1 192.0.2.2 1 2\r\n":                   "invalid source",
		"PROXY TCP4 sea 192.0.2.2 1 2\r\n":                           "invalid source",
		"PROXY TCP4 192.0.2.1\x00 192.0.2.2 1 2\r\n":                 "invalid source",
		"PROXY UNKNOWN " + strings.Repeat("x", 107-14-2+1) + "\r\n":  "line too long",
		"PROXY UNKNOWN " + strings.Repeat("x", 1000):                 "line too long",
		"PROXY TCP4 " + ends + " 1 2" + strings.Repeat(" ", 100):     "line too long",
		"PROXY UNKNOWN " + strings.Repeat("x", 107-14-1) + "\r\nGET": "line too long",
	} {
		refused(t, []byte(line), reason)
	}
}

// A line of 107 bytes is allowed, and Parse waits for no more than it needs.
func TestPP03LongestLine(t *testing.T) {
	t.Parallel()
	line := "PROXY UNKNOWN " + strings.Repeat("x", 107-14-2) + "\r\n"
	h, n, err := inPieces([]byte(line), limit)
	assert.NoError(t, err)
	assert.Equal(t, n, 107)
	assert.Equal(t, h.Local, true)
	for end := range line {
		n, err := h.Parse([]byte(line[:end]), limit)
		assert.Equal(t, n, 0, end)
		assert.NoError(t, err, end)
	}
}

func TestPP08UnknownLine(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"PROXY UNKNOWN\r\n", "PROXY UNKNOWN \r\n", "PROXY UNKNOWN whatever  stands\x00here %\r\n",
		"PROXY UNKNOWN 192.0.2.1 198.51.100.2 1 2\r\n"} {
		var h proxyproto.Header
		n, err := h.Parse([]byte(line), limit)
		assert.NoError(t, err, line)
		assert.Equal(t, n, len(line), line)
		assert.Equal(t, h, proxyproto.Header{Version: 1, Local: true}, line)
	}
}

func TestBegins(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"PROXY ", signature} {
		for end := range len(s) + 1 {
			whole, part := proxyproto.Begins([]byte(s[:end]))
			assert.Equal(t, whole, end == len(s), s[:end])
			assert.Equal(t, part, end < len(s), s[:end])
			if end > 0 {
				whole, part = proxyproto.Begins([]byte(s[:end-1] + "\xff"))
				assert.Equal(t, whole || part, false, s[:end-1])
			}
		}
		whole, _ := proxyproto.Begins([]byte(s + "more"))
		assert.Equal(t, whole, true, s)
	}
}
