package runtimetest

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

func TestQPACK(t *testing.T) {
	long := strings.Repeat("a", 70000)
	block := qpackEncode([]hpack.HeaderField{{Name: ":method", Value: "GET"}, {Name: "x-long", Value: long}, {Name: strings.Repeat("n", 200), Value: ""}})
	fields, err := qpackDecode(block)
	want := []field{{":method", "GET"}, {"x-long", long}, {strings.Repeat("n", 200), ""}}
	if err != nil || !slices.Equal(fields, want) {
		t.Errorf("got %d fields and %v", len(fields), err)
	}
	// RFC 9204, appendix B.1: a name of the static table with a literal value.
	fields, err = qpackDecode([]byte("\x00\x00\x51\x0b/index.html"))
	if err != nil || !slices.Equal(fields, []field{{":path", "/index.html"}}) {
		t.Errorf("got %v and %v", fields, err)
	}
	coded := hpack.AppendHuffmanString(nil, "no-store")
	fields, err = qpackDecode(append([]byte{0, 0, 0xc0 | 17, 0x5f, 36 - 15, 0x80 | byte(len(coded))}, coded...))
	if err != nil || !slices.Equal(fields, []field{{":method", "GET"}, {"cache-control", "no-store"}}) {
		t.Errorf("got %v and %v", fields, err)
	}
	for _, bad := range []string{"", "\x00", "\x01\x00\xc0", "\x00\x00\x80", "\x00\x00\xff\xff", "\x00\x00\x51\x0b/", "\x00\x00\x23abc"} {
		if fields, err := qpackDecode([]byte(bad)); err == nil {
			t.Errorf("%q: got %v", bad, fields)
		}
	}
}
