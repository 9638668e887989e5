package main

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
	"github.com/tako-go/tako/transport"
)

// Both listen on one port, and responses tell of HTTP/3. Its requests are tested elsewhere, by
// clients of others.
func TestOnePort(t *testing.T) {
	certs := transport.SelfSigned()
	server := server(twin(t), certs)
	takotest.Run(t, server)
	_, port, err := net.SplitHostPort(server.Addr().String())
	assert.NoError(t, err)
	if other, err := net.ListenPacket("udp", server.Addr().String()); err == nil {
		_ = other.Close()
		t.Error("the UDP port is free")
	}
	carrier := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: certs.CertPool()}, ForceAttemptHTTP2: true}
	defer carrier.CloseIdleConnections()
	client := &http.Client{Transport: carrier, Timeout: 20 * time.Second}
	// It is told as soon as both serve.
	assert.Eventually(t, 20*time.Second, "Alt-Svc", func() bool {
		resp, err := client.Get("https://" + server.Addr().String())
		assert.NoError(t, err)
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		assert.NoError(t, err)
		assert.Equal(t, string(text), "hello over HTTP/2, tcp\n")
		return resp.Header.Get("Alt-Svc") == `h3=":`+port+`"; ma=86400`
	})
	assert.Equal(t, server.(tako.Describable).Describe(), "http/1.1, h2, tls (std) + h3 (quic)")
}

// twin is an address that is free for TCP and for UDP.
func twin(t *testing.T) string {
	t.Helper()
	for {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		assert.NoError(t, err)
		addr := ln.Addr().String()
		conn, err := net.ListenPacket("udp", addr)
		_ = ln.Close()
		if err == nil {
			_ = conn.Close()
			return addr
		}
	}
}

func TestCertificates(t *testing.T) {
	if _, err := certificates("", "").TLS(t.Context(), nil, nil); err != nil {
		t.Error(err)
	}
	if _, err := certificates("gone.pem", "gone-key.pem").TLS(t.Context(), nil, nil); err == nil {
		t.Error("files that are not there: no error")
	}
}
