package conformance_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

const chromiumPage = "result: assets 50 wrong 0 protocols %s; upload true; download 3000000; events 0,1,2,3,4,5,6,7,8,9"

// TestChromium has a browser load a page that fetches 50 resources, follows an event
// stream, and loads up and down, all over HTTP/2.
func TestChromium(t *testing.T) {
	tool(t, "chromium")
	each(t, overTLS, func(t *testing.T, s *server) {
		assert.Equal(t, s.browse(t, "/page"), fmt.Sprintf(chromiumPage, "h2"))
	})
}

// browse has Chromium load a page, and returns what that says came of it.
func (s *server) browse(t *testing.T, path string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), peerLimit)
	defer cancel()
	dir := lastingDir(t)
	args = append([]string{"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--user-data-dir=" + filepath.Join(dir, "profile"), "--host-resolver-rules=MAP localhost 127.0.0.1",
		"--ignore-certificate-errors-spki-list=" + s.spki(t),
		// Until the page has said what came of it, or this time on the page's clock is over.
		"--virtual-time-budget=20000", "--dump-dom"}, args...)
	cmd := exec.CommandContext(ctx, tool(t, "chromium"), append(args, s.url(path))...)
	// A file, as processes that it leaves for a while would keep a pipe open.
	dom, err := os.Create(filepath.Join(dir, "dom"))
	assert.NoError(t, err)
	defer dom.Close()
	cmd.Stdout = dom
	assert.NoError(t, cmd.Run())
	out, err := os.ReadFile(dom.Name())
	assert.NoError(t, err)
	got := regexp.MustCompile(`<pre id="result">([^<]*)</pre>`).FindStringSubmatch(string(out))
	if got == nil {
		t.Fatalf("no result in:\n%s", out)
	}
	return got[1]
}

// lastingDir is removed once nobody writes to it any more.
func lastingDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "conformance")
	assert.NoError(t, err)
	t.Cleanup(func() {
		assert.Eventually(t, peerLimit, "the folder of the browser is removed", func() bool { return os.RemoveAll(dir) == nil })
	})
	return dir
}

// spki is the hash by which Chromium knows the certificate of the server.
func (s *server) spki(t *testing.T) string {
	t.Helper()
	conn, err := tls.Dial("tcp", s.addr, insecureTLS())
	assert.NoError(t, err)
	defer conn.Close()
	hash := sha256.Sum256(conn.ConnectionState().PeerCertificates[0].RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(hash[:])
}
