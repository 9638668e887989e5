package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// FuzzChunked demands that it does not matter how the bytes come, that Join is
// Next, and that the decoder of net/http makes the same of them.
func FuzzChunked(f *testing.F) {
	for _, row := range bodyRows() {
		if len(row.text) <= 600 {
			f.Add([]byte(row.text), byte(3), byte(1), uint16(0), byte(0))
			f.Add([]byte(row.text+"rest"), byte(9), byte(200), uint16(12), byte(1))
		}
	}
	f.Add([]byte("5 ;a=b\r\nhello\r\n0\t\r\nA: 1\nB: 2\r\n c\r\n\r\n"), byte(1), byte(2), uint16(100), byte(0))
	f.Add([]byte("1;"+strings.Repeat("e", 4094)+"\r\na\r\n0\r\n\r\n"), byte(1), byte(2), uint16(0), byte(0))
	f.Add([]byte(chunks(2, 300, ";"+strings.Repeat("e", 900))), byte(1), byte(2), uint16(0), byte(0))
	f.Fuzz(func(t *testing.T, src []byte, first, later byte, headBytes uint16, fields byte) {
		if len(src) > 6<<10 {
			return // trailers are read anew with each byte that comes
		}
		limits := Limits{HeadBytes: int(headBytes), Fields: int(fields)}
		whole := feed(t, src, limits, len(src))
		for _, reads := range [][]int{{int(first), int(later)}, {int(later), 1 << 20}, {int(first) << 4, int(later) << 4}, {1}} {
			parts := feed(t, src, limits, reads...)
			if parts.Err != nil && whole.Err != nil {
				parts.Err = whole.Err // which one it is may depend on what has come
			}
			if !reflect.DeepEqual(parts, whole) {
				t.Fatalf("%q in reads of %v:\n got %+v\nwant %+v", src, reads, parts, whole)
			}
		}
		checkJoin(t, src, limits)
		againstNetHTTP(t, src, limits, whole)
	})
}

// againstNetHTTP compares with the decoder of net/http, which ends before the
// trailers.
func againstNetHTTP(t *testing.T, src []byte, limits Limits, got decoding) {
	t.Helper()
	source := bytes.NewReader(src)
	buffered := bufio.NewReaderSize(source, 2*maxSizeLine)
	body, err := io.ReadAll(httputil.NewChunkedReader(buffered))
	used := len(src) - source.Len() - buffered.Buffered()
	if err != nil {
		if got.Done && !laxer(err) {
			t.Fatalf("%q: got %+v, net/http refuses it: %v", src, got, err)
		}
		return
	}
	if !strings.HasPrefix(string(body), got.Body) {
		t.Fatalf("%q: got body %q, for net/http %q", src, got.Body, body)
	}
	trailers, trailersErr := textproto.NewReader(bufio.NewReader(bytes.NewReader(src[used:]))).ReadMIMEHeader()
	if got.Done {
		ours := http.Header{}
		for _, trailer := range got.Trailers {
			ours.Add(trailer.Name, trailer.Value)
		}
		if got.Body != string(body) || trailersErr != nil || !reflect.DeepEqual(ours, http.Header(trailers)) {
			t.Fatalf("%q: got %+v, net/http reads %q with %q and error %v", src, got, body, trailers, trailersErr)
		}
		return
	}
	plain := plainChunks(t, src[:used])
	checkStricter(t, src, used, limits, got, trailersErr == nil, !bytes.Equal(plain, src[:used]))
	if again := feed(t, append(plain, ChunkEnd...), Limits{}, 1<<20); !again.Done || again.Body != string(body) {
		t.Fatalf("%q: got %+v, for net/http %q", plain, again, body)
	}
}

// laxer says whether net/http refuses what only we have room for.
func laxer(err error) bool {
	// We do not count the line end behind the data, and take a line of just the limit.
	return strings.Contains(err.Error(), "too much non-data") || strings.Contains(err.Error(), "line too long")
}

// checkStricter fails if we have no reason to refuse what net/http takes.
func checkStricter(t *testing.T, src []byte, used int, limits Limits, got decoding, trailersFine, odd bool) {
	t.Helper()
	section := src[used:]
	fine := false
	switch got.Err {
	case nil: // the trailers are not whole
		fine = !trailersFine || bareLineFeed.Match(section) || !bytes.HasSuffix(section, []byte("\r\n"))
	case error(ErrChunk):
		// White space behind a size, and control characters in an extension, which are
		// none of the grammar and not read alike everywhere.
		fine = odd
	case error(ErrTrailer):
		// A line feed alone, folded lines and spaces in names, as in heads.
		fine = !trailersFine || bareLineFeed.Match(section) || folded.Match(section) || spaceInName.Match(section)
	case error(ErrTrailersTooLarge):
		fine = limits.Fields > 0 && bytes.Count(section, []byte("\n")) > limits.Fields || limits.HeadBytes > 0 && len(section) >= limits.HeadBytes
	}
	if !fine {
		t.Fatalf("%q: got %+v, net/http reads it and finds the trailers fine: %v", src, got, trailersFine)
	}
}

// plainChunks writes what net/http has read without what we are stricter on.
func plainChunks(t *testing.T, src []byte) (plain []byte) {
	t.Helper()
	for len(src) > 0 {
		line, rest, _ := bytes.Cut(src, []byte("\r\n"))
		size, extension, extended := bytes.Cut(line, []byte(";"))
		if !extended {
			size = bytes.TrimRight(size, " \t")
		}
		n, err := strconv.ParseInt(string(bytes.TrimRight(size, " \t")), 16, 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		plain = append(plain, bytes.TrimRight(size, " \t")...)
		if extended {
			plain = append(plain, ';')
			for _, c := range extension {
				if c < ' ' && c != '\t' || c == 0x7f {
					c = '_'
				}
				plain = append(plain, c)
			}
		}
		plain = append(plain, "\r\n"...)
		if n == 0 {
			return plain
		}
		plain = append(plain, rest[:n+2]...)
		src = rest[n+2:]
	}
	return plain
}
