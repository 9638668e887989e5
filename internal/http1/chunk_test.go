package http1

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// A decoding is what came of a chunked body.
type decoding struct {
	Body     string
	Trailers []Trailer
	Used     int
	Done     bool
	Err      error
}

// feed gives src to a decoder as a connection would: sizes are those of the reads,
// the last one again and again, and what is not used stands before the next.
func feed(tb testing.TB, src []byte, limits Limits, sizes ...int) decoding {
	tb.Helper()
	d := Chunked{Limits: limits}
	var got decoding
	var body []byte
	for at, arrived := 0, 0; ; {
		data, used, err := d.Next(src[at:arrived:arrived])
		if used < 0 || at+used > arrived || len(data) > used {
			tb.Fatalf("%q: used %d of %d bytes for %q", src, used, arrived-at, data)
		}
		at += used
		if len(data) > 0 && &data[len(data)-1] != &src[at-1] {
			tb.Fatalf("%q: the data %q is not the last of what was used", src, data)
		}
		body = append(body, data...)
		if err != nil {
			got.Err = err
		}
		if err != nil || d.Done() || len(data) == 0 && used == 0 && arrived == len(src) {
			got.Body, got.Trailers, got.Used, got.Done = string(body), d.Trailers, at, d.Done()
			return got
		}
		if len(data) == 0 && used == 0 {
			n := max(sizes[0], 1)
			if len(sizes) > 1 {
				sizes = sizes[1:]
			}
			arrived = min(arrived+n, len(src))
		}
	}
}

// A bodyRow is a chunked body; without an error it ends with text.
type bodyRow struct {
	name, text, body string
	trailers         []Trailer
	want             error
}

func bodyRows() []bodyRow {
	bad := func(text string) bodyRow {
		return bodyRow{name: fmt.Sprintf("%.40q", text), text: text, want: ErrChunk}
	}
	trailer := func(name, lines string, want error, trailers ...Trailer) bodyRow {
		return bodyRow{"trailer " + name, "5\r\nhello\r\n0\r\n" + lines + "\r\n", "hello", trailers, want}
	}
	rows := []bodyRow{
		{name: "empty", text: "0\r\n\r\n"},
		{name: "zeros", text: "0000000000000000\r\n\r\n"},
		{name: "one", text: "5\r\nhello\r\n0\r\n\r\n", body: "hello"},
		{name: "two", text: "5\r\nhello\r\n1\r\n!\r\n00\r\n\r\n", body: "hello!"},
		{name: "hexadecimal", text: "A\r\n0123456789\r\n00a\r\n0123456789\r\n1f\r\n" + strings.Repeat("x", 31) + "\r\n1C\r\n" + strings.Repeat("y", 28) + "\r\n0\r\n\r\n",
			body: "01234567890123456789" + strings.Repeat("x", 31) + strings.Repeat("y", 28)},
		{name: "16 digits", text: "0000000000000005\r\nhello\r\n0\r\n\r\n", body: "hello"},
		{name: "line ends in data", text: "6\r\n\r\n0\r\n\r\r\n0\r\n\r\n", body: "\r\n0\r\n\r"},
		{name: "all bytes in data", text: "5\r\n\x00\xff\n;\x7f\r\n0\r\n\r\n", body: "\x00\xff\n;\x7f"},
		{name: "extensions", text: "5;name=value;x=\"y;\"\r\nhello\r\n0;last\r\n\r\n", body: "hello"},
		{name: "odd extensions", text: "5;\r\nhello\r\n1;;=\t\"\xff\r\n!\r\n0; a = b \r\n\r\n", body: "hello!"},
		{name: "size after wide data", text: "3e8\r\n" + strings.Repeat("z", 1000) + "\r\n0\r\n\r\n", body: strings.Repeat("z", 1000)},

		bad("\r\nhello\r\n0\r\n\r\n"), bad("-1\r\nhello\r\n0\r\n\r\n"), bad("+5\r\nhello\r\n"), bad("0x5\r\nhello\r\n"), bad("5 \r\nhello\r\n"), bad("5\t\r\nhello\r\n"), bad(" 5\r\nhello\r\n"),
		bad("5_0\r\nhello\r\n"), bad("00000000000000005\r\nhello\r\n"), bad("ffffffffffffffff1\r\n"), bad("ffffffffffffffff\r\n"), bad("8000000000000000\r\n"), bad("10000000000000000\r\n"),
		bad("xyz\r\nhello\r\n"), bad("g\r\n"), bad(";a\r\nhello\r\n"), bad("5\nhello\r\n0\r\n\r\n"), bad("5;a\nhello\r\n0\r\n\r\n"), bad("5\rhello\r\n"), bad("5;a\rb\r\nhello\r\n"), bad("5\r\rhello"),
		bad("5;a\x00\r\nhello\r\n"), bad("5;a\x7f\r\nhello\r\n"), bad("5,a\r\nhello\r\n"), bad("5:a\r\n"), bad("\n"), bad("5h\r\n"), bad("0\n\n"), bad("\xff\r\n"), bad("5.\r\n"), bad("'5'\r\n"),
		{name: "no line end behind data", text: "5\r\nhello0\r\n\r\n", body: "hello", want: ErrChunk},
		{name: "data too long", text: "5\r\nhello!\r\n0\r\n\r\n", body: "hello", want: ErrChunk},
		{name: "line feed behind data", text: "5\r\nhello\n0\r\n\r\n", body: "hello", want: ErrChunk},
		{name: "carriage return behind data", text: "5\r\nhello\r0\r\n\r\n", body: "hello", want: ErrChunk},
		{name: "two line ends behind data", text: "5\r\nhello\r\n\r\n0\r\n\r\n", body: "hello", want: ErrChunk},
		{name: "second size bad", text: "5\r\nhello\r\nx\r\n", body: "hello", want: ErrChunk},

		trailer("one", "X-Sum: abc\r\n", nil, Trailer{"X-Sum", "abc"}),
		trailer("two", "A:\r\nb:\t c d \t\r\n", nil, Trailer{"A", ""}, Trailer{"b", "c d"}),
		trailer("repeated", "A: 1\r\nA: 2\r\n", nil, Trailer{"A", "1"}, Trailer{"A", "2"}),
		trailer("high bytes", "A: \xc3\xa4\tb\r\n", nil, Trailer{"A", "\xc3\xa4\tb"}),
		trailer("with space in name", "X Name: 1\r\n", ErrTrailer), trailer("with space before colon", "X-Name : 1\r\n", ErrTrailer), trailer("without colon", "X-Name\r\n", ErrTrailer),
		trailer("without name", ": 1\r\n", ErrTrailer), trailer("folded", "A: 1\r\n b\r\n", ErrTrailer), trailer("folded first", " A: 1\r\n", ErrTrailer), trailer("with line feed", "A: 1\nB: 2\r\n", ErrTrailer),
		trailer("with NUL", "A: \x00\r\n", ErrTrailer), trailer("with carriage return", "A: a\rb\r\n", ErrTrailer), trailer("with a bad second", "A: 1\r\nB\r\n", ErrTrailer), trailer("behind line feed", "\n", ErrTrailer),
		trailer("behind carriage return", "\rA: b\r\n", ErrTrailer),
	}
	return rows
}

func (row bodyRow) decoding() decoding {
	return decoding{Body: row.body, Trailers: row.trailers, Used: len(row.text), Done: row.want == nil, Err: row.want}
}

func TestChunked(t *testing.T) {
	for _, row := range bodyRows() {
		t.Run(row.name, func(t *testing.T) {
			for _, behind := range []string{"", "G", "\r\n", "GET / HTTP/1.1\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"} {
				for _, sizes := range [][]int{{1 << 20}, {1}, {2}, {3}, {7}, {5, 1}, {len(row.text) - 1, 1}} {
					got, want := feed(t, []byte(row.text+behind), wide, sizes...), row.decoding()
					if row.want != nil {
						if got.Used > len(row.text) {
							t.Errorf("reads of %v: used %d bytes", sizes, got.Used)
						}
						got.Used, want.Used = 0, 0
					}
					if !reflect.DeepEqual(got, want) {
						t.Fatalf("reads of %v with %q behind:\n got %+v\nwant %+v", sizes, behind, got, want)
					}
				}
			}
		})
	}
}

// TestChunkedParts gives every beginning of every body and then the rest: a fine
// one never fails, and is done with its last byte only.
func TestChunkedParts(t *testing.T) {
	for _, row := range bodyRows() {
		for n := range len(row.text) {
			got := feed(t, []byte(row.text[:n]), wide, 1<<20)
			if got.Done || got.Err != nil && row.want == nil || !strings.HasPrefix(row.body, got.Body) {
				t.Errorf("%s: got %+v for %q", row.name, got, row.text[:n])
			}
			if row.want == nil {
				assert.Equal(t, feed(t, []byte(row.text), wide, n, 1<<20), row.decoding(), row.name, " behind ", n)
			}
		}
	}
}

func TestChunkedDone(t *testing.T) {
	var d Chunked
	b := []byte("0\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
	data, used, err := d.Next(b)
	if len(data) > 0 || used != 5 || err != nil || !d.Done() {
		t.Fatalf("got %q, %d and error %v", data, used, err)
	}
	for range 3 {
		if data, used, err := d.Next(b[5:]); len(data) > 0 || used != 0 || err != nil || !d.Done() {
			t.Errorf("got %q, %d and error %v behind the end", data, used, err)
		}
	}
}

// TestChunkedFailsEarly does not wait for more behind a byte that is wrong.
func TestChunkedFailsEarly(t *testing.T) {
	for text, want := range map[string]error{"x": ErrChunk, "5 ": ErrChunk, "5\n": ErrChunk, "5\rx": ErrChunk, "5;\n": ErrChunk, "00000000000000000": ErrChunk,
		"5\r\nhellox": ErrChunk, "5\r\nhello\n": ErrChunk, "5\r\nhello\rx": ErrChunk, "0\r\n ": ErrTrailer, "0\r\nA ": ErrTrailer, "0\r\nA: b\n": ErrTrailer} {
		if got := feed(t, []byte(text), wide, 1); got.Err != want || got.Done {
			t.Errorf("%q: got error %v, want %v", text, got.Err, want)
		}
		if got := feed(t, []byte(text[:len(text)-1]), wide, 1); got.Err != nil || got.Done {
			t.Errorf("%q: got error %v", text[:len(text)-1], got.Err)
		}
	}
}

func TestChunkedCutsData(t *testing.T) {
	d := Chunked{Limits: wide}
	data, _, err := d.Next([]byte("5\r\nhello\r\n0\r\n\r\n"))
	if string(data) != "hello" || cap(data) != 5 || err != nil {
		t.Errorf("got %q of capacity %d and error %v", data, cap(data), err)
	}
	const huge = "7fffffffffffffff"
	if data, used, err := new(Chunked).Next([]byte(huge + "\r\nab")); string(data) != "ab" || used != len(huge)+4 || err != nil {
		t.Errorf("got %q, %d and error %v for the longest chunk", data, used, err)
	}
}

// chunks are n pieces of size bytes with an extension each.
func chunks(n, size int, extension string) string {
	return strings.Repeat(fmt.Sprintf("%x%s\r\n%s\r\n", size, extension, strings.Repeat("x", size)), n) + "0\r\n\r\n"
}

func TestChunkOverhead(t *testing.T) {
	long := func(n int) string { return ";" + strings.Repeat("e", n-1) }
	tests := []struct {
		name, text string
		want       error
	}{
		{"one byte each", chunks(100_000, 1, ""), nil},
		{"short extension each", chunks(50_000, 1, ";a=b"), nil},
		{"extension of the size of what is spare", chunks(50_000, 1, long(17)), nil},
		{"extension a little longer", chunks(20_000, 1, long(18)), ErrChunkOverhead},
		{"signed chunks", chunks(1000, 64<<10, ";chunk-signature="+strings.Repeat("f", 64)), nil},
		{"long extension", chunks(1, 5, long(maxSizeLine-1)), nil},
		{"too long extension", chunks(1, 5, long(maxSizeLine)), ErrChunkOverhead},
		{"too long extension of the last chunk", "0" + long(maxSizeLine) + "\r\n\r\n", ErrChunkOverhead},
		{"endless extension", "5" + long(64<<10), ErrChunkOverhead},
		{"a few long", chunks(4, 1, long(4000)), nil},
		{"many long", chunks(100, 1, long(3000)), ErrChunkOverhead},
		{"many long with much data", chunks(100, 2000, long(3000)), nil},
		{"many long after much data", strings.TrimSuffix(chunks(1, 1<<20, ""), "0\r\n\r\n") + chunks(100, 1, long(3000)), ErrChunkOverhead},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, sizes := range [][]int{{1 << 30}, {1000}, {1, 4096}} {
				got := feed(t, []byte(test.text), wide, sizes...)
				if got.Err != test.want || got.Done != (test.want == nil) {
					t.Errorf("reads of %v: got %v and error %v, want %v", sizes, got.Done, got.Err, test.want)
				}
			}
		})
	}
}

// TestSizeLineNeeds looks that a decoder never waits for more of a size line than
// its limit, so that a buffer just larger than that is enough.
func TestSizeLineNeeds(t *testing.T) {
	text := "5;" + strings.Repeat("e", 2*maxSizeLine)
	for n := range len(text) {
		d := Chunked{}
		_, _, err := d.Next([]byte(text[:n]))
		if wait := n <= maxSizeLine; wait != (err == nil) {
			t.Fatalf("error %v for %d bytes", err, n)
		}
	}
}

// TestTrailerBorders sets each limit to just what trailers need, and to one less:
// the verdict is the same however the bytes come.
func TestTrailerBorders(t *testing.T) {
	const lines = "X-Sum: abc\r\nA:b\r\nC: d\r\n"
	text := []byte("5\r\nhello\r\n0\r\n" + lines + "\r\n")
	var fits []int
	for limit := 1; limit < len(lines)+6; limit++ {
		whole := feed(t, text, Limits{HeadBytes: limit}, 1<<20)
		if whole.Err != nil && whole.Err != error(ErrTrailersTooLarge) {
			t.Errorf("%d bytes: got error %v", limit, whole.Err)
		}
		if whole.Done {
			fits = append(fits, limit)
		}
		for n := range text {
			for _, sizes := range [][]int{{n, 1 << 20}, {n, 1}} {
				if got := feed(t, text, Limits{HeadBytes: limit}, sizes...); got.Err != whole.Err || got.Done != whole.Done {
					t.Fatalf("limit of %d bytes: got %v and error %v for reads of %v, but %v and error %v in one", limit, got.Done, got.Err, sizes, whole.Done, whole.Err)
				}
			}
		}
	}
	if len(fits) == 0 || fits[0] < len(lines) || fits[0] > len(lines)+2 || fits[len(fits)-1] != len(lines)+5 {
		t.Errorf("%d bytes fit limits of %v", len(lines), fits)
	}
	for limit, want := range map[int]error{0: nil, -1: nil, 2: ErrTrailersTooLarge, 3: nil, 4: nil} {
		for _, size := range []int{1, 1 << 20} {
			if got := feed(t, text, Limits{Fields: limit}, size); got.Err != want {
				t.Errorf("limit of %d fields: got error %v for reads of %d, want %v", limit, got.Err, size, want)
			}
		}
	}
}

func TestTrailerLimits(t *testing.T) {
	const head = "0\r\n"
	tests := []struct{ name, text string }{
		{"long", head + "X: " + strings.Repeat("a", 200<<10) + "\r\n\r\n"},
		{"many", head + strings.Repeat("X: 1\r\n", 30000) + "\r\n"},
		{"some more than may be", head + strings.Repeat("X: 1\r\n", 101) + "\r\n"},
		{"endless name", head + strings.Repeat("X", 64<<10)},
		{"endless", head + "X: " + strings.Repeat("a", 64<<10)},
	}
	for _, test := range tests {
		for _, size := range []int{1 << 30, 4096} {
			if got := feed(t, []byte(test.text), wide, size); got.Err != error(ErrTrailersTooLarge) || got.Trailers != nil {
				t.Errorf("%s: got %+v", test.name, got)
			}
		}
	}
}

// TestTrailersLast keeps them after the buffer has changed.
func TestTrailersLast(t *testing.T) {
	b := []byte("0\r\nX-Sum: abc\r\n\r\n")
	d := Chunked{Limits: wide}
	if _, used, err := d.Next(b); used != len(b) || err != nil {
		t.Fatalf("used %d, error %v", used, err)
	}
	clear(b)
	assert.Equal(t, d.Trailers, []Trailer{{"X-Sum", "abc"}})
}

// checkJoin demands of Join what Next makes of the same bytes.
func checkJoin(t *testing.T, src []byte, limits Limits) {
	t.Helper()
	want := feed(t, src, limits, len(src))
	b := bytes.Clone(src)
	d := Chunked{Limits: limits}
	length, used, done, err := d.Join(b)
	if err != want.Err || done != want.Done {
		t.Fatalf("%q: got %v and error %v, want %v and %v", src, done, err, want.Done, want.Err)
	}
	if !done {
		if length != 0 || used != 0 || !bytes.Equal(b, src) || d.Done() || d.Trailers != nil {
			t.Fatalf("%q: got %d, %d and %q, want nothing changed", src, length, used, b)
		}
		return
	}
	got := decoding{Body: string(b[:length]), Trailers: d.Trailers, Used: used, Done: d.Done()}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%q:\n got %+v\nwant %+v", src, got, want)
	}
	if !bytes.Equal(b[used:], src[used:]) {
		t.Fatalf("%q: what stands behind became %q", src, b[used:])
	}
}

func TestJoin(t *testing.T) {
	for _, row := range bodyRows() {
		t.Run(row.name, func(t *testing.T) {
			for n := range len(row.text) + 1 {
				checkJoin(t, []byte(row.text[:n]), wide)
			}
			checkJoin(t, []byte(row.text+"GET / HTTP/1.1\r\n\r\n"), wide)
		})
	}
	checkJoin(t, []byte(chunks(1000, 1, "")), wide)
	checkJoin(t, []byte(chunks(10, 5000, ";a=b")+"rest"), wide)
	checkJoin(t, []byte(chunks(100, 1, ";"+strings.Repeat("e", 3000))), wide)
	checkJoin(t, []byte("0\r\n"+strings.Repeat("X: 1\r\n", 101)+"\r\n"), wide)
}

// TestJoinLater is called again with more of the same body until it is whole.
func TestJoinLater(t *testing.T) {
	text := []byte("5\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: abc\r\n\r\n")
	d := Chunked{Limits: wide}
	for n := range text {
		if length, used, done, err := d.Join(text[:n]); length != 0 || used != 0 || done || err != nil {
			t.Fatalf("got %d, %d, %v and error %v for %d bytes", length, used, done, err, n)
		}
	}
	length, used, done, err := d.Join(text)
	if string(text[:length]) != "hello!" || used != len(text) || !done || err != nil {
		t.Errorf("got %q, %d, %v and error %v", text[:length], used, done, err)
	}
	assert.Equal(t, d.Trailers, []Trailer{{"X-Sum", "abc"}})
}
