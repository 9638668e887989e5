package main

import (
	"strings"
	"testing"
	"time"
)

const wrkClean = `Running 2s test @ http://127.0.0.1:40000/
  4 threads and 100 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.02ms  512.33us  14.88ms   80.10%
    Req/Sec    20.01k     1.63k   25.66k    69.38%
  Latency Distribution
     50%  934.00us
     75%    1.26ms
     90%    1.61ms
     99%    2.75ms
  159843 requests in 2.03s, 19.82MB read
Requests/sec:  78740.17
Transfer/sec:      9.76MB
`

func TestParseWrk(t *testing.T) {
	got, err := parseWrk(wrkClean)
	want := wrkOutput{counts: counts{Requests: 159843, PerSecond: 78740.17, P50: 934 * time.Microsecond, P99: 2750 * time.Microsecond}}
	if err != nil || got != want {
		t.Fatalf("got %+v, %v, want %+v", got, err, want)
	}
	if err := got.clean(); err != nil {
		t.Errorf("clean run: %v", err)
	}
}

func TestParseWrkFaults(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"refused", wrkClean + "  Non-2xx or 3xx responses: 12\n", "12 of 159843 answers"},
		{"socket errors", wrkClean + "  Socket errors: connect 0, read 3, write 0, timeout 1\n", "read 3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := parseWrk(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if err := out.clean(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestParseWrkRejects(t *testing.T) {
	for _, text := range []string{
		"",
		"unable to connect to 127.0.0.1:1 Connection refused\n",
		strings.Replace(wrkClean, "159843 requests", "0 requests", 1),
		strings.Replace(wrkClean, "2.75ms", "soon", 1),
		strings.Replace(wrkClean, "78740.17", "many", 1),
	} {
		if out, err := parseWrk(text); err == nil {
			t.Errorf("parsed %q as %+v", text, out)
		}
	}
}

func TestParseWrkTime(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration
	}{
		{"934.00us", 934 * time.Microsecond},
		{"1.26ms", 1260 * time.Microsecond},
		{"1.50s", 1500 * time.Millisecond},
		{"1.50m", 90 * time.Second},
		{"2.00h", 2 * time.Hour},
	}
	for _, tt := range tests {
		if got, err := parseWrkTime(tt.text); err != nil || got != tt.want {
			t.Errorf("%s: got %v, %v, want %v", tt.text, got, err, tt.want)
		}
	}
	for _, text := range []string{"", "1", "ms", "1 day"} {
		if got, err := parseWrkTime(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}
