package main

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/takotest"
	"github.com/tako-go/tako/transport"
)

func TestTLS(t *testing.T) {
	certs := transport.SelfSigned()
	server := std.New(app(certs.Stats), std.Config{Addr: "127.0.0.1:0", Certs: certs})
	takotest.Run(t, server)
	carrier := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: certs.CertPool()}, ForceAttemptHTTP2: true}
	defer carrier.CloseIdleConnections()
	client := &http.Client{Transport: carrier, Timeout: 20 * time.Second}
	get := func(path string, into any) {
		t.Helper()
		resp, err := client.Get("https://" + server.Addr().String() + path)
		assert.NoError(t, err)
		defer resp.Body.Close()
		assert.Equal(t, resp.StatusCode, 200)
		assert.NoError(t, json.NewDecoder(resp.Body).Decode(into))
	}
	var about struct {
		Protocol string
		TLS      uint16
	}
	get("/", &about)
	assert.Equal(t, about.TLS, uint16(tls.VersionTLS13))
	assert.Equal(t, about.Protocol, "HTTP/2")
	var stats struct {
		Expires time.Time
		Problem string
	}
	get("/certificate", &stats)
	assert.Equal(t, stats.Expires, certs.Stats().Expires)
	assert.Equal(t, stats.Problem, "")
}

func TestCertificates(t *testing.T) {
	if _, err := certificates("", "").TLS(t.Context(), nil, nil); err != nil {
		t.Error(err)
	}
	if _, err := certificates("gone.pem", "gone-key.pem").TLS(t.Context(), nil, nil); err == nil {
		t.Error("files that are not there: no error")
	}
}
