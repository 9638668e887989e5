package conformance_test

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

func (s *server) nghttp(t *testing.T, path string, args ...string) string {
	t.Helper()
	args = append([]string{"--verbose", "--no-dep", "--timeout=40"}, args...)
	return output(t, tool(t, "nghttp"), append(args, s.url(path))...)
}

// frames are what nghttp received, as "SETTINGS <1, 2, 3>", the first first.
func frames(trace string) (received []string) {
	for _, m := range regexp.MustCompile(`recv ([A-Z_]+) frame <([^>]*)>`).FindAllStringSubmatch(trace, -1) {
		received = append(received, m[1]+" "+m[2])
	}
	return received
}

func TestNghttpTrace(t *testing.T) {
	each(t, nil, func(t *testing.T, s *server) {
		trace := s.nghttp(t, "/")
		got := frames(trace)
		if len(got) == 0 {
			t.Fatalf("no frames in:\n%s", trace)
		}
		assert.Contains(t, got[0], "SETTINGS ", "the first frame")
		assert.Contains(t, got[0], "stream_id=0", "the first frame")
		assert.Contains(t, trace, "SETTINGS_MAX_CONCURRENT_STREAMS")
		assert.Contains(t, trace, ":status: 200")
		assert.Contains(t, trace, "Hello, World!")
		assert.Contains(t, strings.Join(got, "\n"), "flags=0x01, stream_id=0", "the acknowledgement")
		if strings.Contains(trace, "recv RST_STREAM") || strings.Contains(trace, "recv GOAWAY") {
			t.Errorf("the server broke something off:\n%s", trace)
		}

		hints := s.nghttp(t, "/early-hints")
		first, last := strings.Index(hints, ":status: 103"), strings.Index(hints, ":status: 200")
		if first < 0 || last < first {
			t.Errorf("103 is not before 200:\n%s", hints)
		}
		assert.Contains(t, hints, "link: </style.css>; rel=preload; as=style")

		trailers := s.nghttp(t, "/trailers")
		assert.Contains(t, trailers, "x-checksum: abc")
		assert.Contains(t, trailers, "x-status: done")
		if strings.Index(trailers, "x-status: done") < strings.Index(trailers, "before the trailers") {
			t.Errorf("the trailers are not behind the body:\n%s", trailers)
		}
	})
}

func TestNghttpRequests(t *testing.T) {
	each(t, nil, func(t *testing.T, s *server) {
		// Priorities, as fields (RFC 9218) and as the frames that they replace.
		for _, args := range [][]string{
			{"--header=priority: u=1, i"},
			{"--header=priority: u=9, nonsense;;"},
			{"--weight=200", "--header=priority: u=0", "--no-rfc7540-pri"},
		} {
			assert.Contains(t, s.nghttp(t, "/", args...), ":status: 200", args)
		}
		for _, tt := range []struct{ path, args string }{
			{"/big/300000", "--padding=100"},
			{"/big/300000", "--continuation"},
			{"/big/300000", "--multiply=50"},
			{"/big/300000", "--window-bits=16 --connection-window-bits=16"},
			{"/big/3000", "--window-bits=1"}, // which is a window of one byte
			{"/big/300000", "--header-table-size=0"},
			{"/big/300000", "--header-table-size=0 --header-table-size=65536"},
			{"/big/300000", "--max-concurrent-streams=1"},
		} {
			if *reference && strings.Count(tt.args, "--header-table-size") > 1 {
				continue // net/http refuses a setting that comes twice
			}
			args := append([]string{"--verbose", "--null-out", "--timeout=40"}, strings.Fields(tt.args)...)
			trace := output(t, tool(t, "nghttp"), append(args, s.url(tt.path))...)
			if !strings.Contains(trace, ":status: 200") || strings.Contains(trace, "recv RST_STREAM") || strings.Contains(trace, "recv GOAWAY") {
				t.Errorf("%s: something was broken off:\n%s", tt.args, tail(trace))
			}
		}
	})
}

// TestNghttpUpgrade: Upgrade: h2c is ignored (RFC 9113, section 3.1).
func TestNghttpUpgrade(t *testing.T) {
	each(t, inClear, func(t *testing.T, s *server) {
		trace, _ := command(t, tool(t, "nghttp"), "--verbose", "--upgrade", "--timeout=40", s.url("/"))
		assert.Contains(t, trace, "HTTP/1.1 200 OK")
		assert.Contains(t, trace, "Hello, World!")
		assert.Contains(t, trace, "HTTP Upgrade failed")
	})
}

// TestNghttpDrain is SD: the streams under way end, and the client is told to open no
// more.
func TestNghttpDrain(t *testing.T) {
	each(t, nil, func(t *testing.T, s *server) {
		ctx, cancel := context.WithTimeout(t.Context(), peerLimit)
		defer cancel()
		cmd := exec.CommandContext(ctx, tool(t, "nghttp"), "--verbose", "--timeout=40", s.url("/wait"))
		stdout, err := cmd.StdoutPipe()
		assert.NoError(t, err)
		assert.NoError(t, cmd.Start())
		assert.Eventually(t, peerLimit, "the handler waits", func() bool { return strings.HasPrefix(s.ask(t, "/waits"), "1 ") })
		s.drain()
		var trace strings.Builder
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			trace.WriteString(lines.Text() + "\n")
		}
		assert.NoError(t, cmd.Wait(), trace.String())
		assert.Contains(t, trace.String(), "recv GOAWAY")
		assert.Contains(t, trace.String(), "error_code=NO_ERROR")
		assert.Contains(t, trace.String(), ":status: 200")
		assert.Contains(t, trace.String(), "waited")
		select {
		case <-s.exited:
		case <-time.After(stopLimit):
			t.Error("the server has not ended")
		}
	})
}

// TestH2load demands that nothing fails under a short load.
func TestH2load(t *testing.T) {
	runs := []struct {
		path string
		args []string
	}{
		{"/", []string{"-c", "10", "-m", "20"}},
		{"/", []string{"-c", "2", "-m", "100", "--header=priority: u=2"}},
		{"/big/100000", []string{"-c", "4", "-m", "10", "-w", "16", "-W", "18"}},
		{"/trailers", []string{"-c", "4", "-m", "10"}},
		{"/", []string{"-c", "100", "-m", "1"}},
		{"/echo", []string{"-c", "4", "-m", "10", "-d", "nghttp_test.go"}},
	}
	failures := regexp.MustCompile(`(?m)^requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout`)
	each(t, nil, func(t *testing.T, s *server) {
		for _, r := range runs {
			count := 2000
			if strings.HasPrefix(r.path, "/big") {
				count = 400
			}
			if *long {
				count *= 5
			}
			args := append([]string{"-n", strconv.Itoa(count), "-T", "30"}, r.args...)
			out := output(t, tool(t, "h2load"), append(args, s.url(r.path))...)
			want := []string{fmt.Sprint(count), fmt.Sprint(count), "0", "0", "0"}
			got := failures.FindStringSubmatch(out)
			if got == nil {
				t.Fatalf("no count of requests in:\n%s", out)
			}
			assert.Equal(t, got[1:], want, r.path, r.args, "done, succeeded, failed, errored, timed out")
			assert.Contains(t, out, fmt.Sprintf("status codes: %d 2xx, 0 3xx, 0 4xx, 0 5xx", count))
		}
	})
}
