package conformance_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// besideEach runs test against a server of HTTP/3 beside each runtime, at the same port.
func besideEach(t *testing.T, test func(t *testing.T, s *server)) {
	eachRuntime(t, func(t *testing.T, to target) { test(t, start(t, besides(to))) })
}

// eachH3 is besideEach with -long. Otherwise one runtime is enough, as HTTP/3 is the same
// beside all of them.
func eachH3(t *testing.T, test func(t *testing.T, s *server)) {
	if *long {
		besideEach(t, test)
		return
	}
	t.Parallel()
	if *reference {
		t.Skip("net/http has nothing of it")
	}
	test(t, start(t, besides(runtimes()[0])))
}

func besides(to target) target {
	to = to.with("-tls", "-h3")
	to.tls = true
	return to
}

// gtls runs the client of ngtcp2, which keeps what it gets in a folder, by the last part
// of the path.
func (s *server) gtls(t *testing.T, dir string, args ...string) {
	t.Helper()
	args = append([]string{"--quiet", "--no-quic-dump", "--no-http-dump", "--exit-on-all-streams-close", "--timeout=20s",
		"--download=" + dir}, args...)
	for range 10 {
		out := output(t, tool(t, "gtlsclient"), args...)
		// It gives up, without a failure, if the server has changed the keys just before it wants to.
		if !strings.Contains(out, "initiate_key_update: ERR_INVALID_STATE") {
			return
		}
	}
	t.Fatal("the client could not change the keys")
}

// TestNgtcp2 has a client load up and down, many at a time, while it loses packets, changes keys
// and moves to another port.
func TestNgtcp2(t *testing.T) {
	tool(t, "gtlsclient")
	file := bigFile(t, bigSize)
	want := digest(t, bigBytes(bigSize))
	small := filepath.Join(t.TempDir(), "small")
	assert.NoError(t, os.WriteFile(small, read(t, bigBytes(1<<20)), 0o600))
	smallSum := fmt.Sprintf("%s %d\n", digest(t, bigBytes(1<<20)), 1<<20)
	big := fmt.Sprintf("/big/%d", bigSize)
	eachH3(t, func(t *testing.T, s *server) {
		got := func(dir, name string) string {
			t.Helper()
			text, err := os.ReadFile(filepath.Join(dir, name))
			assert.NoError(t, err)
			return string(text)
		}
		dir := t.TempDir()
		assets := []string{s.host, s.port}
		for i := range 100 {
			assets = append(assets, s.url(fmt.Sprintf("/asset/%d", i)))
		}
		s.gtls(t, dir, assets...)
		for i := range 100 {
			assert.Equal(t, got(dir, fmt.Sprint(i)), fmt.Sprintf("asset %d", i))
		}
		s.gtls(t, dir, s.host, s.port, s.url("/info"))
		info := parseSeen(t, got(dir, "info"))
		assert.Equal(t, info.Protocol, "HTTP/3")
		assert.Equal(t, info.ALPN, "h3")
		assert.Equal(t, info.Transport, "quic")
		assert.Equal(t, info.Scheme, "https")
		assert.Equal(t, info.Host, "localhost:"+s.port)

		for _, way := range [][]string{nil, {"--key-update=1ms"}, {"--change-local-addr=10ms"},
			{"--max-stream-data-bidi-local=1200", "--max-window=20K"}} {
			path := big
			if strings.HasPrefix(fmt.Sprint(way), "[--max-") {
				path = "/big/1048576"
			}
			dir := t.TempDir()
			s.gtls(t, dir, append(way, s.host, s.port, s.url(path))...)
			f, err := os.Open(filepath.Join(dir, filepath.Base(path)))
			assert.NoError(t, err, way)
			sum := digest(t, f)
			assert.NoError(t, f.Close())
			if path == big {
				assert.Equal(t, sum, want, way)
			} else {
				assert.Equal(t, sum+" 1048576\n", smallSum, way)
			}
		}
		s.gtls(t, dir, "--data="+file, "--http-method=POST", s.host, s.port, s.url("/sum"))
		assert.Equal(t, got(dir, "sum"), fmt.Sprintf("%s %d\n", want, bigSize), "upload")
		s.gtls(t, dir, "--tx-loss=0.05", "--rx-loss=0.05", "--data="+small, "--http-method=POST", s.host, s.port, s.url("/sum"))
		assert.Equal(t, got(dir, "sum"), smallSum, "upload with losses")
	})
}

// TestChromiumH3 has the page of TestChromium loaded over HTTP/3 alone.
func TestChromiumH3(t *testing.T) {
	tool(t, "chromium")
	eachH3(t, func(t *testing.T, s *server) {
		got := s.browse(t, "/page", "--origin-to-force-quic-on=localhost:"+s.port)
		assert.Equal(t, got, fmt.Sprintf(chromiumPage, "h3"))
	})
}

// TestChromiumAltSvc has a browser find out by itself that there is HTTP/3.
func TestChromiumAltSvc(t *testing.T) {
	tool(t, "chromium")
	besideEach(t, func(t *testing.T, s *server) {
		// Any port of a host in this list lets it have a certificate of its own authority.
		got := s.browse(t, "/discover", "--origin-to-force-quic-on=localhost:1")
		assert.Equal(t, got, "result: first h2 then h3")
	})
}

// TestAltSvc is that of the other versions, which tell of the port, and of HTTP/3, which does not.
func TestAltSvc(t *testing.T) {
	besideEach(t, func(t *testing.T, s *server) {
		for _, protocol := range []string{"http/1.1", "h2"} {
			config := insecureTLS()
			config.NextProtos = []string{protocol}
			resp := get(t, &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: protocol == "h2", DisableKeepAlives: true}, s.url("/"))
			assert.Contains(t, resp.Header.Get("Alt-Svc"), `h3=":`+s.port+`"`, protocol)
		}
	})
}

// get gets a page whose answer may have any version.
func get(t *testing.T, transport http.RoundTripper, url string) *http.Response {
	t.Helper()
	resp, err := transport.RoundTrip(request(t, http.MethodGet, url, nil))
	assert.NoError(t, err)
	t.Cleanup(func() { resp.Body.Close() })
	assert.Equal(t, resp.StatusCode, http.StatusOK)
	return resp
}

// TestCurlH3 is for a curl that has HTTP/3, which that of Debian 12 has not.
func TestCurlH3(t *testing.T) {
	if !strings.Contains(output(t, tool(t, "curl"), "--version"), "HTTP3") {
		t.Skip("this curl has no HTTP/3")
	}
	eachH3(t, func(t *testing.T, s *server) {
		assert.Equal(t, parseSeen(t, s.curl(t, "/info", "--http3-only")).Protocol, "HTTP/3")
		sum := fmt.Sprintf("%s %d\n", digest(t, bigBytes(bigSize)), bigSize)
		assert.Equal(t, s.curl(t, "/sum", "--http3-only", "--upload-file", bigFile(t, bigSize)), sum)
	})
}
