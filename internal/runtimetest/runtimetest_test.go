package runtimetest

import (
	"bufio"
	"regexp"
	"strings"
	"testing"
)

// TestTable looks at the suite itself: every case that runs can be seen to fail.
func TestTable(t *testing.T) {
	form := regexp.MustCompile(`^(CN|TL|PP|H1|H2|RT|EX|CA|AD|SD)-[0-9]{2}(/[A-Za-z0-9.-]+)+$`)
	seen := map[string]bool{}
	for _, tc := range cases() {
		if !form.MatchString(tc.id) || seen[tc.id] {
			t.Errorf("id %q is malformed or there twice", tc.id)
		}
		seen[tc.id] = true
		if (tc.run == nil) == (tc.skip == "") {
			t.Errorf("%s: want a function or a reason to skip", tc.id)
		}
		if tc.run != nil && len(tc.faults) == 0 {
			t.Errorf("%s: no fault shows that it can fail", tc.id)
		}
		faults := map[string]bool{}
		for _, f := range tc.faults {
			if f.name == "" || faults[f.name] {
				t.Errorf("%s: fault %q has no name or is there twice", tc.id, f.name)
			}
			faults[f.name] = true
		}
	}
}

// TestGroups looks that no number of the catalogue was forgotten.
func TestGroups(t *testing.T) {
	last := map[string]int{"CN": 14, "TL": 9, "PP": 10, "H1": 21, "H2": 18, "RT": 14, "EX": 17, "CA": 17, "AD": 3, "SD": 10}
	seen := map[string]bool{}
	for _, tc := range cases() {
		number, _, _ := strings.Cut(tc.id, "/")
		seen[number] = true
	}
	for group, n := range last {
		for i := 1; i <= n; i++ {
			number := group + "-" + string(rune('0'+i/10)) + string(rune('0'+i%10))
			if !seen[number] {
				t.Errorf("%s has no case", number)
			}
		}
	}
}

func TestReadResponse(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\n"
	tests := []struct {
		name, method, text string
		body               string // "-" is an error
	}{
		{"length", "GET", head + "Content-Length: 2\r\n\r\nhi", "hi"},
		{"chunks", "GET", head + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "hi"},
		{"trailer", "GET", head + "Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: b\r\n\r\n", ""},
		{"until the end", "GET", head + "\r\nhi", "hi"},
		{"head", "HEAD", head + "Content-Length: 2\r\n\r\n", ""},
		{"interim", "GET", "HTTP/1.1 103 Early Hints\r\n\r\n" + head + "Content-Length: 2\r\n\r\nhi", "hi"},
		{"short", "GET", head + "Content-Length: 3\r\n\r\nhi", "-"},
		{"no last chunk", "GET", head + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", "-"},
		{"bare line feed", "GET", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", "-"},
		{"two lengths", "GET", head + "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", "-"},
		{"length and chunks", "GET", head + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "-"},
		{"length of 204", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "-"},
		{"space before the colon", "GET", head + "X-A : b\r\n\r\n", "-"},
		{"control character", "GET", head + "X-A: b\x00\r\n\r\n", "-"},
		{"no head", "GET", "hello", "-"},
		{"nothing", "GET", "", "-"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := readResponse(bufio.NewReader(strings.NewReader(tt.text)), tt.method)
			if (err != nil) != (tt.body == "-") || err == nil && r.body != tt.body {
				t.Errorf("got %+v and %v, want body %q", r, err, tt.body)
			}
		})
	}
}

func TestReplacer(t *testing.T) {
	for _, pieces := range [][]string{{"one two three"}, {"one t", "wo three"}, {"one ", "t", "w", "o", " three"}, {"o", "ne two th", "ree"}} {
		rewrite := replacer("two", "2")
		var out strings.Builder
		for _, p := range pieces {
			out.Write(rewrite([]byte(p), false))
		}
		out.Write(rewrite(nil, true))
		if out.String() != "one 2 three" {
			t.Errorf("%q: got %q", pieces, out.String())
		}
	}
}

func TestRecord(t *testing.T) {
	var order []string
	r := record(t, "case", func(tb testing.TB) {
		tb.Cleanup(func() { order = append(order, "first") })
		tb.Cleanup(func() { order = append(order, "second"); tb.Fatal("in clean-up") })
		if tb.Context().Err() != nil {
			tb.Error("context is over")
		}
		tb.Logf("said %d", 1)
		panic("oops")
	})
	if got := strings.Join(order, " "); got != "second first" || !r.Failed() || r.Skipped() || r.text() != "said 1\nruntimetest_test.go:109: panic: oops\nruntimetest_test.go:104: in clean-up" {
		t.Errorf("got order %q, failed %v, %q", got, r.Failed(), r.text())
	}
	if r := record(t, "case", func(tb testing.TB) { tb.Skip("why") }); !r.Skipped() || r.Failed() {
		t.Error("a skipped case failed")
	}
}
