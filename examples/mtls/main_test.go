package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/takotest"
)

func TestMutual(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mtls")
	assert.NoError(t, makeCertificates(dir))
	authority, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	assert.NoError(t, err)
	assert.NoError(t, makeCertificates(dir))
	again, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	assert.NoError(t, err)
	assert.Equal(t, again, authority)

	server := std.New(app(), std.Config{Addr: "127.0.0.1:0", Certs: certificates(dir)})
	takotest.Run(t, server)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	// ask returns the status and the body, 0 without an answer.
	ask := func(name, path string) (int, string) {
		t.Helper()
		cfg := &tls.Config{RootCAs: roots}
		if name != "" {
			cert, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".pem"), filepath.Join(dir, name+"-key.pem"))
			assert.NoError(t, err)
			// Sent also if it does not suit the server.
			cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
		}
		carrier := &http.Transport{TLSClientConfig: cfg, ForceAttemptHTTP2: true}
		defer carrier.CloseIdleConnections()
		resp, err := (&http.Client{Transport: carrier, Timeout: 20 * time.Second}).Get("https://" + server.Addr().String() + path)
		if err != nil {
			return 0, err.Error()
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		assert.NoError(t, err)
		return resp.StatusCode, string(text)
	}
	for _, tt := range []struct {
		client, path string
		status       int
		text         string
	}{
		{"db", "/", 200, "you are spiffe://example.org/db/1"},
		{"ops", "/", 200, "you are spiffe://example.org/ops/octavia"},
		{"db", "/admin/state", 403, "spiffe://example.org/db/1 may not do that"},
		{"ops", "/admin/state", 200, "all is well"},
		{"", "/", 0, ""},
		{"server", "/", 0, ""}, // not for clients
	} {
		status, text := ask(tt.client, tt.path)
		assert.Equal(t, status, tt.status, tt.client, tt.path)
		assert.Contains(t, text, tt.text, tt.client, tt.path)
	}
}
