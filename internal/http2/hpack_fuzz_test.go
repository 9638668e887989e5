package http2

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// FuzzDecode demands the same of three blocks as the decoder of x/net.
func FuzzDecode(f *testing.F) {
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for _, fields := range [][]string{smallGet, browserGet, {"x=\x80\xff"}, {"a=" + strings.Repeat("b", 300)}} {
		var blocks [3][]byte
		for i := range blocks {
			for _, field := range fields {
				name, value, _ := strings.Cut(field[1:], "=")
				_ = enc.WriteField(hpack.HeaderField{Name: field[:1] + name, Value: value, Sensitive: i == 2})
			}
			blocks[i] = bytes.Clone(block.Bytes())
			block.Reset()
		}
		f.Add(blocks[0], blocks[1], blocks[2], uint16(4096))
		f.Add(append([]byte{0x20, 0x3f, 0x11}, blocks[0]...), append([]byte{0x3e}, blocks[1]...), blocks[2], uint16(200))
	}
	f.Add([]byte("\x40\x01a\x01b\x40\x01c\x01d"), []byte("\xbe\xbf\x20\x82"), []byte("\x20\xbe"), uint16(40))
	f.Add([]byte("\x82\x3f\xe1\x1f"), []byte("\xff\x80\x80\x80\x80\x80\x01"), []byte("\x0f\x2f\x01a"), uint16(4096))
	f.Fuzz(func(t *testing.T, one, two, three []byte, table uint16) {
		var theirs, ours []string
		dec := hpack.NewDecoder(uint32(table), func(f hpack.HeaderField) { theirs = append(theirs, f.Name+"="+f.Value) })
		d := decoder{allowed: int(table)}
		d.table.max = int(table)
		for i, block := range [][]byte{one, two, three} {
			theirs = theirs[:0]
			_, err := dec.Write(block)
			if err == nil {
				err = dec.Close()
			}
			ours = ours[:0]
			ok := d.decode(block, func(e *entry) {
				ours = append(ours, e.Name+"="+e.Value)
				if e.kind != classify(e.Name, e.Value) {
					t.Fatalf("%q is of kind %d", e.Name, e.kind)
				}
			})
			if d.table.size > d.table.max {
				t.Fatalf("a table of %d bytes, %d are allowed", d.table.size, d.table.max)
			}
			if ok != (err == nil) {
				if why := oddity(block); why == "" {
					t.Fatalf("block %d, %x: got %v, x/net says %v", i, block, ok, err)
				}
				return
			}
			if a, b := fmt.Sprintf("%q", ours), fmt.Sprintf("%q", theirs); ok && a != b {
				t.Fatalf("block %d, %x: got %s, x/net reads %s", i, block, a, b)
			}
			if !ok {
				return
			}
		}
	})
}

// oddity says what we and x/net judge differently in a block.
func oddity(block []byte) string {
	begun := false
	resized := 0
	number := func(bits uint8) (n uint64, long, ok bool) {
		if len(block) == 0 {
			return 0, false, false
		}
		most := uint64(1)<<bits - 1
		n = uint64(block[0]) & most
		block = block[1:]
		if n < most {
			return n, false, true
		}
		for shift := 0; len(block) > 0; shift += 7 {
			b := block[0]
			block = block[1:]
			if n += uint64(b&0x7f) << min(shift, 63); b < 0x80 {
				return n, shift > 21, true
			}
			if shift >= 21 {
				return 0, true, true
			}
		}
		return 0, false, false
	}
	const longNumber = "we take numbers of five bytes at most, which frames do not exceed"
	for len(block) > 0 {
		b := block[0]
		bits, literal := uint8(4), true
		switch {
		case b&0x80 != 0:
			bits, literal = 7, false
		case b&0xc0 == 0x40:
			bits = 6
		case b&0xe0 == 0x20:
			bits, literal = 5, false
			if begun {
				return "x/net takes a size behind fields if its table is empty, which RFC 7541, section 4.2, forbids"
			}
			if resized++; resized > 1 {
				return "x/net takes a second size only if its table is empty, RFC 7541 any"
			}
		}
		n, long, ok := number(bits)
		if long {
			return longNumber
		}
		if !ok {
			return ""
		}
		strings := 0
		if literal {
			strings = 1
			if n == 0 {
				strings = 2
			}
		}
		for range strings {
			n, long, ok := number(7)
			if long {
				return longNumber
			}
			if !ok || n > uint64(len(block)) {
				return ""
			}
			block = block[n:]
		}
		begun = begun || b&0xe0 != 0x20
	}
	return ""
}

// FuzzEncode demands that x/net decodes what we have encoded, also when the table changes.
func FuzzEncode(f *testing.F) {
	f.Add([]byte("\x01\x05abcde\x01\x05abcde\x00\x00\x40\x02\x03xyz\x1a\x01s"), uint16(4096))
	f.Add([]byte("\x20\x00\x20\xff\x01\x05abcde\x20\x10\x01\x05abcde\x21\x03abc\x21\x03abc"), uint16(100))
	f.Add(bytes.Repeat([]byte("\x05\x02ab\x07\x03abc\x1c\x01a\x30\x30"), 60), uint16(300))
	names := []string{"X-Request-Id", "Content-Type", "Server", "Set-Cookie", "Date", "Etag", "Vary", "Cache-Control", "Age", "Location", "Www-Authenticate",
		"Accept-Ranges", "Access-Control-Allow-Origin", "Allow", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Location",
		"Content-Range", "Expires", "Last-Modified", "Link", "Proxy-Authenticate", "Refresh", "Retry-After", "Strict-Transport-Security", "Via", "X"}
	f.Fuzz(func(t *testing.T, ops []byte, size uint16) {
		p := newPeer(t, nil)
		p.allowed, p.least = 1<<20, 1<<20
		var e encoder
		e.table.max = defaultTable
		e.resize(int(size))
		block := e.begin(nil)
		var want []string
		decode := func() {
			p.fields, p.heading = nil, "%s"
			_ = p.fragment(p.resized(block), true)
			if got, want := fmt.Sprintf("%q", p.fields), fmt.Sprintf("%q", want); got != want {
				t.Fatalf("%x is decoded as %s, want %s", block, got, want)
			}
			if e.table.size > e.table.max || e.table.max != p.table {
				t.Fatalf("a table of %d bytes of %d, the client's has %d", e.table.size, e.table.max, p.table)
			}
			block, want = nil, nil
		}
		for len(ops) > 1 {
			op, n := ops[0], int(ops[1])
			ops = ops[2:]
			switch {
			case op == 0x20:
				decode()
				e.resize(16 * n)
				p.least = 16 * n
				if n%3 == 0 && len(ops) > 0 {
					e.resize(int(ops[0]))
					p.least = min(p.least, int(ops[0]))
				}
				block = e.begin(nil)
			case op == 0x30:
				decode()
				block = e.begin(nil)
			case op == 0x40:
				block = e.status(block, 100+n*2)
				want = append(want, fmt.Sprint(":status=", 100+n*2))
			case op == 0x41:
				block = e.length(block, int64(n)<<(n%50))
				want = append(want, fmt.Sprint("content-length=", int64(n)<<(n%50)))
			default:
				name, value := names[int(op)%len(names)], string(ops[:min(n, len(ops))])
				ops = ops[len(value):]
				if op > 0x80 {
					value = strings.Repeat(value, int(op))
				}
				block = e.field(block, name, value)
				want = append(want, strings.ToLower(name)+"="+value)
			}
		}
		decode()
	})
}
