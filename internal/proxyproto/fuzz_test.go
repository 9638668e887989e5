package proxyproto_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	oracle "github.com/pires/go-proxyproto"
	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/proxyproto"
)

// seed gives f headers, good and bad ones.
func seed(f *testing.F) {
	field := tlv(1, "h2")
	tls := tlv(0x20, "\x07\x00\x00\x00\x00\x21\x00\x07TLSv1.3\x22\x00\x03ada")
	for _, b := range [][]byte{
		[]byte("PROXY TCP4 192.0.2.1 198.51.100.2 57005 443\r\nGET /"), []byte("PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 0 65535\r\n"),
		[]byte("PROXY UNKNOWN\r\n"), []byte("PROXY UNKNOWN a\rb\r\n"), []byte("PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n"), []byte("PROXY tcp4\n"),
		v2(cmdProxy, tcp4, ends4), v2(cmdProxy, tcp6, ends6, field, tls), v2(cmdProxy, unixStream, unixEnds("/a", "\x00b"), tlv(4, "pad"), tls),
		v2(cmdLocal, unspec, field), v2(cmdLocal, tcp6, ends4), v2(cmdProxy, unspec, field), v2(cmdProxy, udp4, ends4), v2(cmdLocal, udp4, ends4, field),
		summed(v2(cmdProxy, tcp4, ends4, tls, tlv(3, "\x00\x00\x00\x00"))), v2(cmdProxy, tcp4, ends4, tlv(3, "1234")),
		v2(cmdProxy, tcp4, ends4, tlv(5, strings.Repeat("u", 129))), v2(cmdProxy, tcp4, ends4, tlv(0xea, "\x01x"), tlv(0xee, "\x01abcd"), []byte{1, 2}),
		[]byte("GET / HTTP/1.1\r\n\r\n"), nil,
	} {
		f.Add(b)
	}
}

func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		var h proxyproto.Header
		given := slices.Clone(b)
		n, err := h.Parse(b, limit)
		if n < 0 || n > len(b) || n > limit || n > 0 && err != nil {
			t.Fatalf("n %d of %d, %v", n, len(b), err)
		}
		if !bytes.Equal(b, given) {
			t.Fatal("the memory was changed")
		}
		if whole, part := proxyproto.Begins(b); n > 0 && !whole || part && err != nil {
			t.Fatal("no signature, but a header")
		}
		if n == 0 && err == nil && len(b) > limit {
			t.Fatal("more than the limit is needed")
		}
		pieces, m, pieceErr := inPieces(b, limit)
		if m != n || pieceErr != err {
			t.Fatalf("whole: %d, %v; byte by byte: %d, %v", n, err, m, pieceErr)
		}
		if n == 0 {
			if err != nil && !errors.Is(err, proxyproto.ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		assert.Equal(t, pieces, h)
		info, remote, local := h.Info(nil, nil), net.Addr(nil), net.Addr(nil)
		if remote, local = h.Ends(); h.Local != (remote == nil) || h.Local != (local == nil) {
			t.Fatal(remote, local)
		}
		clear(b)
		var again proxyproto.Header
		if _, err = again.Parse(given, limit); err != nil {
			t.Fatal(err)
		}
		assert.Equal(t, info, again.Info(nil, nil), "after the memory was used again")
	})
}

// FuzzGate holds what every mode may do, and Conn against Look.
func FuzzGate(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, mode := range []tako.ProxyMode{tako.ProxyRequired, tako.ProxyOptional, tako.ProxyIgnore} {
			g, info := gate(t, mode), socket()
			next, n, done, err := g.Look(b, info)
			switch {
			case n > len(b), !done && (n != 0 || err != nil || len(b) >= g.MaxBytes()), err != nil && next != nil,
				done && err == nil && next == nil, mode == tako.ProxyIgnore && next != nil && next != info,
				mode == tako.ProxyRequired && err == nil && done && next.Proxy == nil,
				next != nil && next != info && (n == 0 || next.Proxy == nil):
				t.Fatalf("%v: next %v, n %d of %d, done %v, %v", mode, next, n, len(b), done, err)
			}
			assert.Equal(t, info, socket())
			c := proxyproto.NewConn(&fed{pieces: slices.Collect(slices.Chunk(b, 3)), err: io.EOF}, g)
			told, connErr := c.Introduce(info, time.Now())
			switch {
			case err != nil:
				assert.ErrorIs(t, connErr, err)
			case done:
				assert.NoError(t, connErr)
				assert.Equal(t, told, next)
				rest, _ := io.ReadAll(c)
				assert.Equal(t, string(rest), string(b[n:]))
			case connErr == nil: // too short to be one
				assert.Equal(t, told == info && len(b) < 12, true)
			}
		}
	})
}

// stricter are the reasons for which a header is refused that the oracle accepts: it does not
// look at checksums, lengths of ids and what is in the field of TLS, takes datagrams for streams,
// and reads any line to its LF.
var stricter = []string{"wrong checksum", "invalid checksum field", "unique id too long", "TLS field too short",
	"a field of TLS is cut off", "datagrams over a stream", "CR without LF"}

func FuzzAgainstOracle(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		var h proxyproto.Header
		n, err := h.Parse(b, 16+int(oracle.MaxV2HeaderSize))
		in := bytes.NewReader(b)
		buffered := bufio.NewReader(in)
		theirs, theirErr := oracle.Read(buffered)
		var fields []oracle.TLV
		if theirErr == nil {
			fields, theirErr = theirs.TLVs()
		}
		switch {
		case theirErr != nil && n == 0:
			return
		case theirErr != nil:
			// What is behind LOCAL is to be skipped, and without a family it may be.
			if h.Version == 2 && h.Local {
				return
			}
			t.Fatalf("they refuse %q: %v", b[:n], theirErr)
		case n == 0:
			if !slices.ContainsFunc(stricter, func(s string) bool { return err != nil && strings.Contains(err.Error(), s) }) {
				t.Fatalf("they accept %q, not we: %v", b, err)
			}
			return
		}
		if read := len(b) - in.Len() - buffered.Buffered(); read != n {
			t.Fatalf("they read %d bytes, we %d", read, n)
		}
		if theirs.Version != h.Version || (theirs.Command == oracle.LOCAL) != h.Local {
			t.Fatalf("they: %+v, we: %+v", theirs, h)
		}
		compareEnds(t, &h, theirs)
		if h.Local && h.TLVs == nil {
			return
		}
		fields = slices.DeleteFunc(fields, func(f oracle.TLV) bool { return f.Type == oracle.PP2_TYPE_NOOP })
		assert.Equal(t, fmt.Sprint(h.Info(nil, nil).TLVs), fmt.Sprint(fields))
	})
}

// compareEnds leaves out abstract names, which the oracle does not know.
func compareEnds(t *testing.T, h *proxyproto.Header, theirs *oracle.Header) {
	remote, local := h.Ends()
	for _, tt := range []struct{ ours, theirs net.Addr }{{remote, theirs.SourceAddr}, {local, theirs.DestinationAddr}} {
		switch ours := tt.ours.(type) {
		case *net.UnixAddr:
			if !strings.HasPrefix(ours.Name, "@") {
				assert.Equal(t, tt.theirs, tt.ours)
			}
		case *net.TCPAddr:
			their := tt.theirs.(*net.TCPAddr).AddrPort()
			want := netip.AddrPortFrom(their.Addr().Unmap(), their.Port())
			assert.Equal(t, netip.AddrPortFrom(ours.AddrPort().Addr().Unmap(), uint16(ours.Port)), want)
		}
	}
}
