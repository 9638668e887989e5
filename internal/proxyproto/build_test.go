package proxyproto_test

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net"
	"slices"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/proxyproto"
)

const (
	signature = "\r\n\r\n\x00\r\nQUIT\n"
	limit     = 4 << 10

	cmdLocal, cmdProxy                   = 0x20, 0x21
	unspec, tcp4, udp4, tcp6, unixStream = 0x00, 0x11, 0x12, 0x21, 0x31
)

// Addresses of clients as they stand in headers of version 2.
var (
	ends4 = []byte{192, 0, 2, 1, 198, 51, 100, 2, 0xde, 0xad, 0x01, 0xbb}
	ends6 = slices.Concat(net.ParseIP("2001:db8::1"), net.ParseIP("2001:db8::2"), []byte{0xde, 0xad, 0x01, 0xbb})
)

// unixEnds are two names, padded.
func unixEnds(source, destination string) []byte {
	b := make([]byte, 216)
	copy(b, source)
	copy(b[108:], destination)
	return b
}

// v2 is a header of version 2.
func v2(command, family byte, block ...[]byte) []byte {
	body := slices.Concat(block...)
	b := append([]byte(signature), command, family)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(body))), body...)
}

func tlv(typ byte, value string) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{typ}, uint16(len(value))), value...)
}

// summed sets the checksum of a header that has four zero bytes for it at its end.
func summed(b []byte) []byte {
	sum := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	binary.BigEndian.PutUint32(b[len(b)-4:], sum)
	return b
}

// parsed is what is told of a header that has to be good.
func parsed(t *testing.T, b []byte) *tako.ProxyHeader {
	t.Helper()
	var h proxyproto.Header
	n, err := h.Parse(b, 16+65535)
	assert.NoError(t, err)
	assert.Equal(t, n, len(b))
	return h.Info(nil, nil)
}

// inPieces gives b to Parse byte by byte until that has made up its mind.
func inPieces(b []byte, limit int) (h proxyproto.Header, n int, err error) {
	for end := range len(b) + 1 {
		h = proxyproto.Header{}
		if n, err = h.Parse(b[:end:end], limit); n > 0 || err != nil {
			break
		}
	}
	return h, n, err
}

// refused checks that b is malformed for a reason, at once as byte by byte.
func refused(t *testing.T, b []byte, reason string) {
	t.Helper()
	var h proxyproto.Header
	n, err := h.Parse(b, limit)
	about := fmt.Sprintf("%.120q", b)
	assert.ErrorIs(t, err, proxyproto.ErrMalformed, about)
	assert.Equal(t, n, 0, about)
	assert.Contains(t, fmt.Sprint(err), reason, about)
	_, n, pieces := inPieces(b, limit)
	assert.Equal(t, n, 0, about)
	assert.Equal(t, pieces, err, about)
}

func config(mode tako.ProxyMode, trusted ...string) tako.ProxyConfig {
	return tako.ProxyConfig{Mode: mode, Trusted: trusted}
}

// gate is one that trusts everybody.
func gate(t testing.TB, mode tako.ProxyMode) *proxyproto.Gate {
	t.Helper()
	g, err := proxyproto.NewGate(config(mode, "0.0.0.0/0", "::/0"))
	assert.NoError(t, err)
	return g
}

// socket is how a connection of a balancer looks.
func socket() *tako.ConnInfo {
	return &tako.ConnInfo{Transport: "tcp", Remote: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1).To4(), Port: 1000},
		Local: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2).To4(), Port: 80}}
}
