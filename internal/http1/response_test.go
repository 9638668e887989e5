package http1

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

func TestAppend(t *testing.T) {
	at := time.Date(2024, time.February, 29, 23, 5, 9, 999_999_999, time.UTC)
	tests := []struct {
		name string
		do   func(b []byte) []byte
		want string
	}{
		{"status 200", func(b []byte) []byte { return AppendStatus(b, 200) }, "HTTP/1.1 200 OK\r\n"},
		{"status 100", func(b []byte) []byte { return AppendStatus(b, 100) }, "HTTP/1.1 100 Continue\r\n"},
		{"status 418", func(b []byte) []byte { return AppendStatus(b, 418) }, "HTTP/1.1 418 I'm a teapot\r\n"},
		{"status 511", func(b []byte) []byte { return AppendStatus(b, 511) }, "HTTP/1.1 511 Network Authentication Required\r\n"},
		// RFC 9112, section 4: the space stands also before an empty phrase.
		{"status 299", func(b []byte) []byte { return AppendStatus(b, 299) }, "HTTP/1.1 299 \r\n"},
		{"status 599", func(b []byte) []byte { return AppendStatus(b, 599) }, "HTTP/1.1 599 \r\n"},
		{"status 600", func(b []byte) []byte { return AppendStatus(b, 600) }, "HTTP/1.1 600 \r\n"},
		{"status 999", func(b []byte) []byte { return AppendStatus(b, 999) }, "HTTP/1.1 999 \r\n"},
		{"field", func(b []byte) []byte { return AppendField(b, "X-Name", "some value") }, "X-Name: some value\r\n"},
		{"empty field", func(b []byte) []byte { return AppendField(b, "X", "") }, "X: \r\n"},
		{"date", func(b []byte) []byte { return AppendDate(b, at) }, "Date: Thu, 29 Feb 2024 23:05:09 GMT\r\n"},
		{"date of elsewhere", func(b []byte) []byte { return AppendDate(b, at.In(time.FixedZone("X", 3*3600))) }, "Date: Thu, 29 Feb 2024 23:05:09 GMT\r\n"},
		{"refusal", func(b []byte) []byte { return AppendRefusal(b, ErrVersion, []byte("Date: now\r\n")) },
			"HTTP/1.1 505 HTTP Version Not Supported\r\nDate: now\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n" +
				"Connection: close\r\nContent-Length: 27\r\n\r\nHTTP Version Not Supported\n"},
		{"refusal without date", func(b []byte) []byte { return AppendRefusal(b, ErrHost, nil) },
			"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n" +
				"Connection: close\r\nContent-Length: 12\r\n\r\nBad Request\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, string(test.do(nil)), test.want)
			assert.Equal(t, string(test.do([]byte("before"))), "before"+test.want)
		})
	}
}

func TestAppendStatusAll(t *testing.T) {
	for status := 100; status < 1000; status++ {
		want := fmt.Sprintf("HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
		assert.Equal(t, string(AppendStatus(nil, status)), want)
	}
}

// sizes are numbers at which a digit more is needed, and those beside them.
func sizes() (all []int) {
	for n := range 5000 {
		all = append(all, n)
	}
	for shift := 12; shift < strconv.IntSize-1; shift++ {
		all = append(all, 1<<shift-1, 1<<shift, 1<<shift+1)
	}
	for n := 10; n < math.MaxInt/10; n *= 10 {
		all = append(all, n-1, n, n+1)
	}
	return append(all, math.MaxInt-1, math.MaxInt)
}

func TestAppendLength(t *testing.T) {
	for _, n := range sizes() {
		assert.Equal(t, string(AppendLength(nil, int64(n))), fmt.Sprintf("Content-Length: %d\r\n", n))
	}
}

func TestAppendChunk(t *testing.T) {
	for _, n := range sizes() {
		assert.Equal(t, string(AppendChunk([]byte("b"), int64(n))), fmt.Sprintf("b%x\r\n", int64(n)))
	}
}

// TestChunksReadBack writes bodies of many pieces, which our decoder and that of
// net/http read alike.
func TestChunksReadBack(t *testing.T) {
	var text []byte
	var body strings.Builder
	for n := 1; n < 70_000; n = n*3/2 + 1 {
		piece := strings.Repeat(string(rune('a'+n%26)), n)
		body.WriteString(piece)
		text = append(append(AppendChunk(text, int64(n)), piece...), ChunkEnd...)
	}
	text = append(AppendField(append(text, LastChunk...), "X-Sum", "abc"), ChunkEnd...)
	want := decoding{Body: body.String(), Trailers: []Trailer{{"X-Sum", "abc"}}, Used: len(text), Done: true}
	assert.Equal(t, feed(t, text, wide, 1000), want)
	head := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	resp, err := http.ReadResponse(bufio.NewReader(io.MultiReader(strings.NewReader(head), bytes.NewReader(text))), nil)
	assert.NoError(t, err)
	got, err := io.ReadAll(resp.Body)
	assert.NoError(t, err)
	assert.Equal(t, string(got), want.Body)
	assert.Equal(t, resp.Trailer.Get("X-Sum"), "abc")
}

// TestRefusals are whole responses that end the connection, whatever the reason.
func TestRefusals(t *testing.T) {
	date := AppendDate(nil, time.Unix(0, 0))
	for _, refusal := range []*Error{ErrRequestLine, ErrVersion, ErrTargetTooLong, ErrHeadTooLarge, ErrCodingUnknown, ErrExpectation, {Status: 408}, {Status: 503}} {
		r := bufio.NewReader(bytes.NewReader(AppendRefusal(nil, refusal, date)))
		resp, err := http.ReadResponse(r, nil)
		assert.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		assert.NoError(t, err)
		assert.Equal(t, resp.StatusCode, refusal.Status)
		assert.Equal(t, string(body), http.StatusText(refusal.Status)+"\n")
		assert.Equal(t, resp.Close, true)
		assert.Equal(t, resp.Header.Get("Date"), "Thu, 01 Jan 1970 00:00:00 GMT")
		assert.Equal(t, r.Buffered(), 0)
	}
}
