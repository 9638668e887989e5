//go:build unix

package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/takotest"
	"github.com/tako-go/tako/transport"
)

func TestUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	takotest.Run(t, std.New(app(), std.Config{Listen: transport.Unix(path, transport.UnixConfig{Mode: 0o600})}))
	file, err := os.Stat(path)
	assert.NoError(t, err)
	assert.Equal(t, file.Mode().Perm(), 0o600)
	for _, h2 := range []bool{false, true} {
		carrier := &http.Transport{Protocols: new(http.Protocols), DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}}
		carrier.Protocols.SetHTTP1(!h2)
		carrier.Protocols.SetUnencryptedHTTP2(h2)
		resp, err := (&http.Client{Transport: carrier, Timeout: 20 * time.Second}).Get("http://localhost/")
		assert.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		carrier.CloseIdleConnections()
		assert.NoError(t, err)
		want := "HTTP/1.1"
		if h2 {
			want = "HTTP/2"
		}
		if got := string(body); !strings.Contains(got, want) && !strings.Contains(got, "does not tell") {
			t.Errorf("got %q", got)
		}
	}
}
