package load

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	var h Histogram
	if got := h.Quantile(0.99); got != 0 {
		t.Errorf("of nothing: got %v", got)
	}
	for i := range 1000 {
		h.Add(time.Duration(i+1) * time.Millisecond)
	}
	for _, tt := range []struct {
		q    float64
		want time.Duration
	}{{0.5, 500 * time.Millisecond}, {0.99, 990 * time.Millisecond}, {1, time.Second}} {
		if got := h.Quantile(tt.q); got < tt.want || got > tt.want*101/100 {
			t.Errorf("quantile %v: got %v, want %v and at most 1 %% more", tt.q, got, tt.want)
		}
	}
	if h.Max != time.Second || h.Count() != 1000 {
		t.Errorf("got max %v, count %d", h.Max, h.Count())
	}
}

func TestBuckets(t *testing.T) {
	for d := time.Duration(1); d < 17*time.Minute; d += d/50 + 1 {
		if got := top(bucket(d)); got < d || got > d+d/100 {
			t.Fatalf("%d: the bucket ends at %d", d, got)
		}
		if bucket(top(bucket(d))+1) != bucket(d)+1 {
			t.Fatalf("%d: a gap after the bucket", d)
		}
	}
	_, _ = bucket(-1), bucket(1<<62)
}

func TestParseAnswer(t *testing.T) {
	tests := []struct {
		text           string
		status, length int
		fails          bool
	}{
		{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nink", 200, 41, false},
		{"HTTP/1.1 404 Not Found\r\nDate: x\r\ncontent-length:0\r\n\r\n", 404, 53, false},
		{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", 0, 0, false},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 0, true},
		{"HTTP/1.1 2x0 OK\r\nContent-Length: 3\r\n\r\n", 0, 0, true},
		{"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\n", 0, 0, true},
		{"garbage\r\n\r\n", 0, 0, true},
		{strings.Repeat("x", longest), 0, 0, true},
	}
	for _, tt := range tests {
		status, length, err := parseAnswer([]byte(tt.text))
		if tt.fails != (err != nil) || !tt.fails && (status != tt.status || length != tt.length) {
			t.Errorf("%.60q: got %d, %d, %v", tt.text, status, length, err)
		}
	}
}

// measure runs one group against handler for the given time.
func measure(t *testing.T, handler http.HandlerFunc, plan Plan, length time.Duration) *Result {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	plan.Addr = strings.TrimPrefix(server.URL, "http://")
	if plan.Pick == nil {
		get := Get("/", 0)
		plan.Pick = func(int64) Request { return get }
	}
	window := NewWindow()
	group, err := Start(plan, window)
	if err != nil {
		t.Fatal(err)
	}
	window.Open(length)
	result, err := group.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestClosedLoop(t *testing.T) {
	one, two := Get("/", 0), Get("/two", 1)
	var seen [2]atomic.Int64
	got := measure(t, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/" {
			seen[0].Add(1)
		} else {
			seen[1].Add(1)
		}
		_, _ = io.WriteString(w, "ink")
	}, Plan{Conns: 3, Pick: func(n int64) Request {
		if n%4 == 3 {
			return two
		}
		return one
	}}, 500*time.Millisecond)
	if got.Errors != 0 {
		t.Fatalf("%d errors: %v", got.Errors, got.First)
	}
	for class := range seen {
		// Some were sent before the window opened.
		if n, sent := got.Latency[class].Count(), seen[class].Load(); n == 0 || n > sent || n < sent/2 {
			t.Errorf("class %d: %d counted of %d", class, n, sent)
		}
	}
	if ones, twos := seen[0].Load(), seen[1].Load(); ones < 3*twos || ones > 3*twos+3 {
		t.Errorf("got %d and %d, want three to one", ones, twos)
	}
}

func TestRateCountsStalls(t *testing.T) {
	var n atomic.Int64
	got := measure(t, func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) == 20 {
			<-time.After(500 * time.Millisecond)
		}
	}, Plan{Conns: 1, Rate: 200}, time.Second)
	h := &got.Latency[0]
	if h.Count() < 150 || h.Count() > 200 || got.Errors != 0 {
		t.Errorf("got %d requests, %d errors (%v), want 200, or a few less, and none", h.Count(), got.Errors, got.First)
	}
	if h.Max < 490*time.Millisecond {
		t.Errorf("got max %v, want the stall of 500 ms", h.Max)
	}
	// A hundred requests were due while one stalled, so half had to wait, and a
	// quarter for more than a quarter of a second.
	if got := h.Quantile(0.8); got < 200*time.Millisecond {
		t.Errorf("80 %% took at most %v: the stall was not counted for what had to wait", got)
	}
}

func TestFaults(t *testing.T) {
	var n atomic.Int64
	got := measure(t, func(w http.ResponseWriter, _ *http.Request) {
		switch n.Add(1) {
		case 5:
			w.WriteHeader(http.StatusTeapot)
		case 10:
			panic(http.ErrAbortHandler)
		}
	}, Plan{Conns: 1, Rate: 100}, time.Second)
	if got.Errors != 2 || got.First == nil || !strings.Contains(got.First.Error(), "418") {
		t.Errorf("got %d errors, the first %v, want 2 and a teapot", got.Errors, got.First)
	}
}

func TestServerGone(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	addr := strings.TrimPrefix(server.URL, "http://")
	get := Get("/", 0)
	plan := Plan{Addr: addr, Conns: 2, Pick: func(int64) Request { return get }}
	window := NewWindow()
	defer window.Abort()
	group, err := Start(plan, window)
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	if _, err := group.Wait(); err == nil {
		t.Error("went on without a server")
	}
	if _, err := Start(plan, window); err == nil {
		t.Error("started without a server")
	}
}
