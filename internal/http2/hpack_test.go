package http2

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/tako-go/tako/internal/assert"
)

// decoded decodes a block and spells its fields.
func decoded(d *decoder, block []byte) (fields []string, ok bool) {
	ok = d.decode(block, func(e *entry) { fields = append(fields, e.Name+"="+e.Value) })
	return fields, ok
}

func unhex(tb testing.TB, text string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	assert.NoError(tb, err)
	return b
}

// TestStaticTable compares with the table of x/net.
func TestStaticTable(t *testing.T) {
	var theirs []string
	dec := hpack.NewDecoder(0, func(f hpack.HeaderField) { theirs = append(theirs, f.Name+"="+f.Value) })
	for i := 1; i <= staticEntries; i++ {
		_, err := dec.Write([]byte{0x80 | byte(i)})
		assert.NoError(t, err)
		e := staticTable[i]
		assert.Equal(t, e.Name+"="+e.Value, theirs[i-1])
		if want := classify(e.Name, e.Value); e.kind != want && e.Value != "" {
			t.Errorf("%d: got kind %d, want %d", i, e.kind, want)
		}
	}
	assert.Equal(t, staticEntries, 61)
}

// TestDecodeExamples reads those of RFC 7541, appendix C.
func TestDecodeExamples(t *testing.T) {
	tests := []struct {
		name   string
		max    int
		blocks []string
		want   []string
		table  string
	}{
		{"C.2.1", 4096, []string{"400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572"}, []string{"custom-key=custom-header"}, "custom-key=custom-header 55"},
		{"C.2.2", 4096, []string{"040c 2f73 616d 706c 652f 7061 7468"}, []string{":path=/sample/path"}, " 0"},
		{"C.2.3", 4096, []string{"1008 7061 7373 776f 7264 0673 6563 7265 74"}, []string{"password=secret"}, " 0"},
		{"C.3", 4096, []string{"8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", "8286 84be 5808 6e6f 2d63 6163 6865", "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65"},
			[]string{":method=GET :scheme=http :path=/ :authority=www.example.com", ":method=GET :scheme=http :path=/ :authority=www.example.com cache-control=no-cache",
				":method=GET :scheme=https :path=/index.html :authority=www.example.com custom-key=custom-value"},
			"custom-key=custom-value,cache-control=no-cache,:authority=www.example.com 164"},
		{"C.4", 4096, []string{"8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", "8286 84be 5886 a8eb 1064 9cbf", "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"},
			[]string{":method=GET :scheme=http :path=/ :authority=www.example.com", ":method=GET :scheme=http :path=/ :authority=www.example.com cache-control=no-cache",
				":method=GET :scheme=https :path=/index.html :authority=www.example.com custom-key=custom-value"},
			"custom-key=custom-value,cache-control=no-cache,:authority=www.example.com 164"},
		{"C.5", 256, []string{"4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
			"4803 3330 37c1 c0bf"},
			[]string{":status=302 cache-control=private date=Mon, 21 Oct 2013 20:13:21 GMT location=https://www.example.com",
				":status=307 cache-control=private date=Mon, 21 Oct 2013 20:13:21 GMT location=https://www.example.com"},
			":status=307,location=https://www.example.com,date=Mon, 21 Oct 2013 20:13:21 GMT,cache-control=private 222"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := decoder{allowed: test.max}
			d.table.max = test.max
			for i, block := range test.blocks {
				fields, ok := decoded(&d, unhex(t, block))
				assert.Equal(t, ok, true)
				assert.Equal(t, strings.Join(fields, " "), test.want[i])
			}
			var have []string
			for i := range d.table.len() {
				have = append(have, d.table.at(i).Name+"="+d.table.at(i).Value)
			}
			assert.Equal(t, fmt.Sprint(strings.Join(have, ","), " ", d.table.size), test.table)
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct{ name, block string }{
		{"index 0", "80"},
		{"index behind the tables", "be"},
		{"index beyond any table", "ff ff ff 7f"},
		{"name index behind the tables", "7e 01 61"},
		{"literal name index without table", "0f 2f 01 61"},
		{"integer that does not end", "ff 80 80 80 80 80 80 00"},
		{"integer that is not whole", "ff 80"},
		{"integer of a literal that is not whole", "7f"},
		{"nothing behind a name index", "41"},
		{"nothing behind a literal", "40"},
		{"name that is not whole", "40 05 61"},
		{"value that is not whole", "40 01 61 05 62"},
		{"no value", "40 01 61"},
		{"length that is not whole", "40 7f"},
		{"Huffman code that is not whole", "40 01 61 82 ff"},
		{"Huffman padding of zeros", "40 01 61 81 00"},
		{"Huffman padding of a byte", "40 01 61 82 1f ff"},
		{"Huffman end of string", "40 01 61 84 ff ff ff ff"},
		{"Huffman name", "40 81 00 01 61"},
		{"size update beyond what is allowed", "3f e2 1f"},
		{"size update that is not whole", "3f"},
		{"size update behind a field", "82 20"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := decoder{allowed: defaultTable}
			d.table.max = defaultTable
			fields, ok := decoded(&d, unhex(t, test.block))
			assert.Equal(t, ok, false, fields)
		})
	}
}

// TestTable compares the dynamic table with a simple one.
func TestTable(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var table dynamicTable
	var simple []entry
	table.max = 300
	for step := range 20_000 {
		if r.IntN(40) == 0 {
			table.resize(r.IntN(400))
		} else {
			e := entry{Field: Field{strings.Repeat("n", r.IntN(20)), fmt.Sprint(step)}}
			if r.IntN(50) == 0 {
				e.Value = strings.Repeat("v", 400)
			}
			table.add(e)
			simple = append([]entry{e}, simple...)
		}
		size := 0
		for i, e := range simple {
			if size += e.size(); size > table.max {
				simple = simple[:i]
				size -= e.size()
				break
			}
		}
		if table.size != size || table.len() != len(simple) {
			t.Fatalf("step %d: got %d entries of %d bytes, want %d of %d", step, table.len(), table.size, len(simple), size)
		}
		for i := range simple {
			if *table.at(i) != simple[i] {
				t.Fatalf("step %d: entry %d is %v, want %v", step, i, *table.at(i), simple[i])
			}
		}
		if cap(table.all) > 64 {
			t.Fatalf("step %d: room for %d entries, %d are the most that fit", step, cap(table.all), 400/entryCost)
		}
	}
}

// TestHeaderTableReceived demands that our SETTINGS bound the table of what is
// received, from their acknowledgement on.
func TestHeaderTableReceived(t *testing.T) {
	resize := func(n int) string {
		return string(appendInt(nil, 0x20, 5, n)) + "\x82\x87\x84\x41\x01a"
	}
	tests := []struct {
		table         int
		before, after []int // sizes that are allowed before and after the acknowledgement
		never         int
	}{
		{0, []int{0, 4096}, []int{0}, 1},
		{1, []int{0, 4096}, []int{0, 1}, 2},
		{4096, []int{0, 4096}, []int{0, 4096}, 4097},
		{64 << 10, []int{0, 4096}, []int{0, 4096, 64 << 10}, 64<<10 + 1},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.table), func(t *testing.T) {
			p := newPeer(t, func(c *Config) { c.HeaderTable, c.Streams = test.table, 100 })
			p.sent.WriteString(Preface)
			p.do(p.w.WriteSettings())
			id := uint32(1)
			send := func(n int) {
				p.raw(frameHeaders, flagEndHeaders|flagEndStream, id, resize(n))
				id += 2
			}
			for _, n := range test.before {
				send(n)
				assert.NoError(t, p.Err(), n)
			}
			p.do(p.w.WriteSettingsAck())
			for _, n := range test.after {
				send(n)
				assert.NoError(t, p.Err(), n)
				assert.Equal(t, p.Conn.dec.table.max, n)
			}
			send(test.never)
			assert.Equal(t, p.verdict(), "conn COMPRESSION_ERROR")
		})
	}
}

// TestHeaderTableSent changes the table of the client mid-way; the decoder of x/net
// demands what RFC 7541 does.
func TestHeaderTableSent(t *testing.T) {
	for _, ours := range []int{0, 1, 100, 4096, 64 << 10} {
		t.Run(fmt.Sprint(ours), func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, uint64(ours)))
			p := connect(t, func(c *Config) { c.HeaderTable = ours })
			id := uint32(1)
			for range 300 {
				var settings []xhttp2.Setting
				for range r.IntN(4) {
					size := []uint32{0, 1, 64, 100, 200, 4096, 64 << 10, 1 << 31}[r.IntN(8)]
					settings = append(settings, xhttp2.Setting{ID: xhttp2.SettingHeaderTableSize, Val: size})
					p.allowed = int(size)
					p.least = min(p.least, p.allowed)
				}
				if len(settings) > 0 {
					p.do(p.w.WriteSettings(settings...))
					p.want("SETTINGS ACK")
				}
				if p.Conn.enc.table.max > ours {
					t.Fatalf("a table of %d", p.Conn.enc.table.max)
				}
				fields := fieldList{{"Content-Type", "text/plain"}, {"Server", "tako"}, {"X-Count", fmt.Sprint(r.IntN(20))}}
				want := " content-type=text/plain server=tako x-count=" + fields[2].Value
				s := p.get(id)
				if r.IntN(2) == 0 {
					assert.NoError(t, s.Inform(103, fields[1:2]))
					p.want(fmt.Sprintf("HEADERS %d :status=103 server=tako", id))
				}
				assert.NoError(t, s.Head(200, fields, 0, ""))
				if r.IntN(2) == 0 {
					s.End(fields[2:])
					p.want(fmt.Sprintf("HEADERS %d :status=200%s content-length=0", id, want), fmt.Sprintf("HEADERS %d x-count=%s END", id, fields[2].Value))
				} else {
					s.End(nil)
					p.want(fmt.Sprintf("HEADERS %d :status=200%s content-length=0 END", id, want))
				}
				s.Release()
				p.controls.left = p.cfg.Controls
				id += 2
			}
		})
	}
}

// TestEncode demands that what repeats is short, that secrets are kept by nobody, and that
// every static name is known.
func TestEncode(t *testing.T) {
	var e encoder
	e.table.max = defaultTable
	first := e.field(nil, "Content-Type", "text/plain")
	again := e.field(nil, "Content-Type", "text/plain")
	assert.Equal(t, len(first) > 5, true)
	assert.Equal(t, again, []byte{0x80 | 62})
	secret := e.field(nil, "Set-Cookie", "id=1")
	assert.Equal(t, secret[0]&0xf0, byte(0x10))
	assert.Equal(t, e.field(nil, "Set-Cookie", "id=1"), secret)
	assert.Equal(t, e.table.len(), 1)
	_ = e.field(nil, "X-Large", strings.Repeat("x", defaultTable/2))
	assert.Equal(t, e.table.len(), 1, "what would push everything else out is not kept")

	for i := 1; i <= staticEntries; i++ {
		name := staticTable[i].Name
		if name[0] == ':' {
			continue
		}
		canonical := http.CanonicalHeaderKey(name)
		how := howToSend(canonical)
		if how.static != 0 && staticTable[how.static].Name != name {
			t.Errorf("%s is sent as %s", canonical, staticTable[how.static].Name)
		}
	}

	// The search for a field looks at the newest entries only.
	e = encoder{}
	e.table.max = 64 << 10
	for i := range 200 {
		_ = e.field(nil, "X-Number", fmt.Sprint(i))
	}
	assert.Equal(t, len(e.field(nil, "X-Number", "199")), 1)
	assert.Equal(t, len(e.field(nil, "X-Number", "0")) > 5, true)
}

// TestSlab demands that strings outlive what is decoded later.
func TestSlab(t *testing.T) {
	var d decoder
	var got []string
	var want []string
	for i := range 3000 {
		text := bytes.Repeat([]byte{byte('a' + i%26)}, i%1500)
		got = append(got, d.string(text))
		want = append(want, string(text))
		clear(text)
	}
	assert.Equal(t, got, want)
}
