//go:build !race

package http1

import (
	"testing"
	"time"
)

// TestAllocations demands that no memory is asked for where every request passes.
func TestAllocations(t *testing.T) {
	small, browser := []byte(smallGet), []byte(browserGet)
	bad := []byte("GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n")
	absolute := []byte("GET http://b.example/x HTTP/1.1\r\nHost: b.example\r\nConnection: x, close\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
	body := []byte(chunks(20, 100, ";a=b"))
	joined := make([]byte, len(body))
	buf := make([]byte, 0, 1024)
	now := time.Unix(1_700_000_000, 0)
	var r, other Request
	var failed bool
	parse := func(r *Request, b []byte, want error) {
		done, err := r.Parse(b, &wide)
		failed = failed || err != want || done != (want == nil)
	}
	tests := []struct {
		name string
		do   func()
	}{
		{"small", func() { parse(&r, small, nil) }},
		{"browser", func() { parse(&r, browser, nil) }},
		{"hosts in turn", func() { parse(&r, small, nil); parse(&r, browser, nil) }},
		{"absolute", func() { parse(&r, absolute, nil) }},
		{"part", func() { _, _ = other.Parse(browser[:300], &wide) }},
		{"refused", func() { parse(&other, bad, ErrLength) }},
		{"chunked", func() {
			d := Chunked{Limits: wide}
			for at := 0; !d.Done(); {
				_, used, err := d.Next(body[at:])
				failed = failed || err != nil
				at += used
			}
		}},
		{"join", func() {
			copy(joined, body)
			d := Chunked{Limits: wide}
			_, _, done, err := d.Join(joined)
			failed = failed || !done || err != nil
		}},
		{"name", func() {
			failed = failed || CanonicalName(browser[78:88]) != "Connection" || CanonicalName([]byte("user-agent")) != "User-Agent"
		}},
		{"response", func() { buf = appendHead(buf[:0], now) }},
		{"unknown status", func() { buf = AppendStatus(buf[:0], 799) }},
		{"chunk", func() { buf = AppendChunk(AppendLength(buf[:0], 1<<40), 123456) }},
		{"refusal", func() { buf = AppendRefusal(buf[:0], ErrField, nil) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			failed = false
			if n := testing.AllocsPerRun(200, test.do); n != 0 {
				t.Errorf("%v allocations", n)
			}
			if failed {
				t.Error("the verdict is wrong")
			}
		})
	}
}
