package proxyproto_test

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/proxyproto"
)

func TestPP05GoodHeaders(t *testing.T) {
	t.Parallel()
	field := tlv(0xe1, "value")
	longName := "/" + strings.Repeat("n", 107)
	for _, tt := range []struct {
		name string
		b    []byte
		want proxyproto.Header
	}{
		{"IPv4", v2(cmdProxy, tcp4, ends4), proxyproto.Header{Source: netip.MustParseAddrPort("192.0.2.1:57005"),
			Destination: netip.MustParseAddrPort("198.51.100.2:443"), TLVs: []byte{}}},
		{"IPv6", v2(cmdProxy, tcp6, ends6, field), proxyproto.Header{Source: netip.MustParseAddrPort("[2001:db8::1]:57005"),
			Destination: netip.MustParseAddrPort("[2001:db8::2]:443"), TLVs: field}},
		{"Unix", v2(cmdProxy, unixStream, unixEnds("/run/a", longName), field),
			proxyproto.Header{SourcePath: []byte("/run/a"), DestinationPath: []byte(longName), TLVs: field}},
		{"abstract and unnamed", v2(cmdProxy, unixStream, unixEnds("\x00sea\x00x", "")),
			proxyproto.Header{SourcePath: []byte("\x00sea\x00x"), DestinationPath: []byte{}, TLVs: []byte{}}},
		{"2 KiB", v2(cmdProxy, tcp4, ends4, tlv(0xe1, strings.Repeat("v", 2048))), proxyproto.Header{Source: netip.MustParseAddrPort("192.0.2.1:57005"),
			Destination: netip.MustParseAddrPort("198.51.100.2:443"), TLVs: tlv(0xe1, strings.Repeat("v", 2048))}},
	} {
		tt.want.Version = 2
		var h proxyproto.Header
		n, err := h.Parse(append(slices.Clip(tt.b), "GET / HTTP/1.1"...), limit)
		assert.NoError(t, err, tt.name)
		assert.Equal(t, n, len(tt.b), tt.name)
		assert.Equal(t, h, tt.want, tt.name)
		h, n, err = inPieces(tt.b, limit)
		assert.NoError(t, err, tt.name)
		assert.Equal(t, n, len(tt.b), tt.name)
		assert.Equal(t, h, tt.want, tt.name)
	}
}

func TestPP05BadHeaders(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		b      []byte
		reason string
	}{
		"version 1":           {v2(0x11, tcp4, ends4), "unknown version or command"},
		"version 3":           {v2(0x31, tcp4, ends4), "unknown version or command"},
		"version 0":           {v2(0x01, tcp4, ends4), "unknown version or command"},
		"command 2":           {v2(0x22, tcp4, ends4), "unknown version or command"},
		"command 15":          {v2(0x2f, tcp4, ends4), "unknown version or command"},
		"family 4":            {v2(cmdProxy, 0x41, ends4), "unknown family"},
		"transport 3":         {v2(cmdProxy, 0x13, ends4), "unknown family"},
		"half unspecific":     {v2(cmdProxy, 0x10, ends4), "unknown family"},
		"other half":          {v2(cmdProxy, 0x01, ends4), "unknown family"},
		"datagrams":           {v2(cmdProxy, udp4, ends4), "datagrams over a stream"},
		"Unix datagrams":      {v2(cmdProxy, 0x32, unixEnds("/a", "/b")), "datagrams over a stream"},
		"no addresses":        {v2(cmdProxy, tcp4), "shorter than its addresses"},
		"IPv4 cut off":        {v2(cmdProxy, tcp4, ends4[:11]), "shorter than its addresses"},
		"IPv6 cut off":        {v2(cmdProxy, tcp6, ends6[:35]), "shorter than its addresses"},
		"IPv6 of IPv4 length": {v2(cmdProxy, tcp6, ends4), "shorter than its addresses"},
		"Unix cut off":        {v2(cmdProxy, unixStream, unixEnds("/a", "/b")[:215]), "shorter than its addresses"},
		"over the limit":      {v2(cmdProxy, tcp4, ends4, tlv(0xe1, strings.Repeat("v", limit-16-12-3+1))), "too long"},
		"longest":             {v2(cmdProxy, tcp4, make([]byte, 65535)), "too long"},
		"one byte of a field": {v2(cmdProxy, tcp4, ends4, []byte{4}), "a field is cut off"},
		"two bytes":           {v2(cmdProxy, tcp4, ends4, []byte{4, 0}), "a field is cut off"},
		"field over the end":  {v2(cmdProxy, tcp4, ends4, []byte{4, 0, 2, 0}), "a field is cut off"},
		"second field":        {v2(cmdProxy, tcp4, ends4, tlv(1, "h2"), []byte{1, 0xff, 0xff, 0}), "a field is cut off"},
		"TLS too short":       {v2(cmdProxy, tcp4, ends4, tlv(0x20, "\x01\x00\x00\x00")), "TLS field too short"},
		"TLS, one byte more":  {v2(cmdProxy, tcp4, ends4, tlv(0x20, "\x01\x00\x00\x00\x00\x21")), "a field of TLS is cut off"},
		"TLS over the end":    {v2(cmdProxy, tcp4, ends4, tlv(0x20, "\x01\x00\x00\x00\x00\x21\x00\x08TLSv1.3"), tlv(4, "pad")), "a field of TLS is cut off"},
		"long unique id":      {v2(cmdProxy, tcp4, ends4, tlv(5, strings.Repeat("u", 129))), "unique id too long"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, tt.b, tt.reason) })
	}
}

// What is wrong is found as soon as it is there, without waiting for the rest.
func TestPP05RefusedEarly(t *testing.T) {
	t.Parallel()
	for want, b := range map[int][]byte{
		12: append([]byte(signature)[:11], 0),
		13: v2(0x31, tcp4, ends4),
		14: v2(cmdProxy, 0x14, ends4),
		16: v2(cmdProxy, tcp4, make([]byte, 65535)),
	} {
		var h proxyproto.Header
		n, err := h.Parse(b[:want], limit)
		assert.ErrorIs(t, err, proxyproto.ErrMalformed, want)
		assert.Equal(t, n, 0)
		_, err = h.Parse(b[:want-1], limit)
		assert.NoError(t, err, want)
	}
}

// The limit counts the whole header.
func TestPP05Limit(t *testing.T) {
	t.Parallel()
	var h proxyproto.Header
	b := v2(cmdProxy, tcp4, ends4, tlv(0xe1, strings.Repeat("v", 500)))
	n, err := h.Parse(b, len(b))
	assert.NoError(t, err)
	assert.Equal(t, n, len(b))
	_, err = h.Parse(b, len(b)-1)
	assert.ErrorIs(t, err, proxyproto.ErrMalformed)
	b = v2(cmdProxy, tcp4, ends4, tlv(0xe1, strings.Repeat("v", 65535-12-3)))
	n, err = h.Parse(b, 16+65535)
	assert.NoError(t, err)
	assert.Equal(t, n, 16+65535)
}

func TestPP06Checksum(t *testing.T) {
	t.Parallel()
	empty := tlv(3, "\x00\x00\x00\x00")
	good := summed(v2(cmdProxy, tcp4, ends4, tlv(1, "h2"), empty))
	parsed(t, good)
	parsed(t, summed(v2(cmdProxy, unixStream, unixEnds("/a", "/b"), empty)))
	parsed(t, summed(v2(cmdLocal, unspec, empty)))
	for i := range good {
		if i == 33 { // the type: then there is none
			continue
		}
		b := slices.Clone(good)
		b[i] ^= 1
		var h proxyproto.Header
		n, err := h.Parse(b, limit)
		assert.Equal(t, n, 0, i)
		if i != 14 && i != 15 { // a longer one would have to come
			assert.ErrorIs(t, err, proxyproto.ErrMalformed, i)
		}
	}
	wrong := summed(v2(cmdLocal, unspec, empty))
	wrong[len(wrong)-1]++
	refused(t, wrong, "wrong checksum")
	refused(t, v2(cmdProxy, tcp4, ends4, empty), "wrong checksum")
	for _, value := range []string{"", "\x00\x00\x00", "\x00\x00\x00\x00\x00"} {
		refused(t, v2(cmdProxy, tcp4, ends4, tlv(3, value)), "invalid checksum field")
	}
	refused(t, v2(cmdProxy, tcp4, ends4, empty, empty), "invalid checksum field")

	// In front of other fields too.
	b := v2(cmdProxy, tcp4, ends4, empty, tlv(1, "h2"))
	binary.BigEndian.PutUint32(b[len(b)-5-4:], crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	parsed(t, b)
}

func TestPP08OwnConnections(t *testing.T) {
	t.Parallel()
	field := tlv(0xe1, "value")
	for name, tt := range map[string]struct {
		b      []byte
		fields int
	}{
		"own":                  {v2(cmdLocal, unspec), 0},
		"own with a field":     {v2(cmdLocal, unspec, field), 1},
		"own with addresses":   {v2(cmdLocal, tcp4, ends4, field), 1},
		"own, IPv6":            {v2(cmdLocal, tcp6, ends6, field), 1},
		"own, Unix":            {v2(cmdLocal, unixStream, unixEnds("/a", "/b"), field), 1},
		"own, datagrams":       {v2(cmdLocal, udp4, ends4, field), 1},
		"own without a block":  {v2(cmdLocal, tcp4), 0},
		"own with a bit of it": {v2(cmdLocal, tcp6, []byte("skipped")), 0},
		"own, family 4":        {v2(cmdLocal, 0x41), 0},
		"own, other half":      {v2(cmdLocal, 0x01, ends4, field), 0},
		"own, field cut off":   {v2(cmdLocal, unspec, []byte{4, 0, 2, 0}), 0},
		"own, bad TLS":         {v2(cmdLocal, tcp4, ends4, tlv(0x20, "x")), 0},
		"unspecific, cut off":  {v2(cmdProxy, unspec, []byte{4, 0, 2, 0}), 0},
		"unspecific, IPv4":     {v2(cmdProxy, unspec, ends4), 0},
		"unspecific":           {v2(cmdProxy, unspec), 0},
		"unspecific, field":    {v2(cmdProxy, unspec, field), 1},
	} {
		h, n, err := inPieces(tt.b, limit)
		assert.NoError(t, err, name)
		assert.Equal(t, n, len(tt.b), name)
		assert.Equal(t, h.Local, true, name)
		assert.Equal(t, h.Source.IsValid() || h.Destination.IsValid() || h.SourcePath != nil, false, name)
		assert.Equal(t, len(parsed(t, tt.b).TLVs), tt.fields, name)
		remote, local := h.Ends()
		assert.Equal(t, remote == nil && local == nil, true, name)
	}
}
