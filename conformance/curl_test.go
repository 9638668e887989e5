package conformance_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

const bigSize = 16 << 20

// bigBytes are what the server sends for /big.
func bigBytes(n int64) io.Reader {
	seed := [32]byte([]byte("0123456789abcdef0123456789abcdef"))
	return io.LimitReader(rand.NewChaCha8(seed), n)
}

func digest(t *testing.T, r io.Reader) string {
	t.Helper()
	h := sha256.New()
	_, err := io.Copy(h, r)
	assert.NoError(t, err)
	return fmt.Sprintf("%x", h.Sum(nil))
}

// curl runs curl with what every call needs.
func (s *server) curl(t *testing.T, path string, args ...string) string {
	t.Helper()
	args = append([]string{"--silent", "--show-error", "--fail", "--insecure", "--max-time", "50"}, args...)
	return output(t, tool(t, "curl"), append(args, s.url(path))...)
}

// http2 is how curl is told to speak HTTP/2.
func (s *server) http2() string {
	if s.tls {
		return "--http2"
	}
	return "--http2-prior-knowledge"
}

func TestCurlVersions(t *testing.T) {
	tests := []struct {
		options, clear, tls, alpn string // the protocols without and with TLS
	}{
		{"--http1.1", "HTTP/1.1", "HTTP/1.1", "http/1.1"},
		{"--http1.0 --no-alpn", "HTTP/1.0", "HTTP/1.0", ""},
		// In clear this asks for Upgrade: h2c, which is ignored (RFC 9113, section 3.1).
		{"--http2", "HTTP/1.1", "HTTP/2", "h2"},
		{"--http2-prior-knowledge", "HTTP/2", "HTTP/2", "h2"},
		{"--no-alpn", "HTTP/1.1", "HTTP/1.1", ""},
	}
	each(t, nil, func(t *testing.T, s *server) {
		for _, tt := range tests {
			var got seen
			out := s.curl(t, "/info", strings.Fields(tt.options)...)
			assert.NoError(t, json.Unmarshal([]byte(out), &got), tt.options, " ", out)
			want, alpn := tt.clear, ""
			if s.tls {
				want, alpn = tt.tls, tt.alpn
			}
			assert.Equal(t, got.Protocol, want, tt.options)
			assert.Equal(t, got.ALPN, alpn, tt.options)
			assert.Equal(t, got.Host, "localhost:"+s.port, tt.options)
		}
	})
}

func TestCurlBodies(t *testing.T) {
	file := bigFile(t, bigSize)
	want := digest(t, bigBytes(bigSize))
	each(t, nil, func(t *testing.T, s *server) {
		got := filepath.Join(t.TempDir(), "got")
		s.curl(t, fmt.Sprintf("/big/%d", bigSize), s.http2(), "--output", got)
		f, err := os.Open(got)
		assert.NoError(t, err)
		defer f.Close()
		assert.Equal(t, digest(t, f), want, "download")
		sum := fmt.Sprintf("%s %d\n", want, bigSize)
		assert.Equal(t, s.curl(t, "/sum", s.http2(), "--upload-file", file), sum, "upload")
		// Without a length, and with an expectation.
		chunked := []string{s.http2(), "--upload-file", "-", "--header", "Expect: 100-continue"}
		assert.Equal(t, s.curlFrom(t, file, "/sum", chunked...), sum, "upload of unknown length")
	})
}

// bigFile is a file with the first bytes of /big.
func bigFile(t *testing.T, size int64) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "big")
	f, err := os.Create(file)
	assert.NoError(t, err)
	_, err = io.Copy(f, bigBytes(size))
	assert.NoError(t, err)
	assert.NoError(t, f.Close())
	return file
}

// curlFrom runs curl with a file as its input.
func (s *server) curlFrom(t *testing.T, file, path string, args ...string) string {
	t.Helper()
	tool(t, "sh")
	script := `exec "$@" <"$0"`
	args = append([]string{"-c", script, file, tool(t, "curl"), "--silent", "--show-error", "--fail", "--insecure", "--max-time", "50"}, args...)
	return output(t, "sh", append(args, s.url(path))...)
}

// TestCurlMany has 100 requests at a time over one connection. Without TLS curl 7.88
// sends what no server understands.
func TestCurlMany(t *testing.T) {
	each(t, overTLS, func(t *testing.T, s *server) {
		args := []string{s.http2(), "--parallel", "--parallel-max", "100", "--no-progress-meter", "--stderr", "/dev/null",
			"--output", "/dev/null", "--write-out", "%{http_code} %{http_version} %{num_connects}\n"}
		out := s.curl(t, "/asset/[1-300]", args...)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		assert.Equal(t, len(lines), 300)
		connects := 0
		for _, line := range lines {
			assert.Contains(t, line, "200 2 ")
			if strings.HasSuffix(line, " 1") {
				connects++
			}
		}
		assert.Equal(t, connects, 1, "connections")
	})
}

func TestCurlResponses(t *testing.T) {
	each(t, nil, func(t *testing.T, s *server) {
		head := s.curl(t, "/", s.http2(), "--head")
		assert.Contains(t, head, "HTTP/2 200")
		assert.Contains(t, strings.ToLower(head), "content-length: 13")

		hints := strings.ToLower(s.curl(t, "/early-hints", s.http2(), "--include"))
		assert.Contains(t, hints, "http/2 103")
		assert.Contains(t, hints, "link: </style.css>; rel=preload; as=style")
		assert.Contains(t, hints, "after the hints")

		// curl -i shows trailers behind the head, not before the body.
		assert.Contains(t, s.curl(t, "/trailers", s.http2(), "--include"), "before the trailers")
		assert.Contains(t, s.curl(t, "/stream?n=5&ms=10", s.http2(), "--no-buffer"), "data: 4")
		missing, err := command(t, tool(t, "curl"), "--silent", "--insecure", "--max-time", "50", s.http2(),
			"--output", "/dev/null", "--write-out", "%{http_code}", s.url("/missing"))
		assert.NoError(t, err)
		assert.Equal(t, missing, "404")
	})
}

// TestCurlPlainToTLS is TL-09: a client that has missed the s of https is told so.
func TestCurlPlainToTLS(t *testing.T) {
	each(t, overTLS, func(t *testing.T, s *server) {
		out, err := command(t, tool(t, "curl"), "--silent", "--include", "--max-time", "20", "http://localhost:"+s.port+"/")
		assert.NoError(t, err, out)
		assert.Contains(t, out, "HTTP/1.0 400 Bad Request")
		assert.Contains(t, s.ask(t, "/"), "Hello")
	})
}
