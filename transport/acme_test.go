package transport_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
)

func acmeFor(s *acmeServer, dir string, hosts ...string) *transport.ACME {
	return &transport.ACME{Hosts: hosts, AcceptTerms: true, Email: "ops@example.com", CacheDir: dir,
		DirectoryURL: s.URL + "/directory", HTTPClient: s.Client()}
}

// reached makes what a server does with certs known to the authority.
func reached(t *testing.T, s *acmeServer, certs tako.Certs, j *journal) *tls.Config {
	t.Helper()
	cfg, err := certs.TLS(t.Context(), []string{"h2", "http/1.1"}, j.log())
	assert.NoError(t, err)
	s.tlsAddr = listen(t, cfg)
	return cfg
}

func TestACME(t *testing.T) {
	s := newACMEServer(t, "tls-alpn-01")
	dir := filepath.Join(t.TempDir(), "cache")
	server := reached(t, s, acmeFor(s, dir, "one.example.com", "two.example.com"), new(journal))
	for _, tt := range []struct {
		sni, name string
		orders    int
	}{
		{"one.example.com", "one.example.com", 1},
		{"ONE.Example.com", "one.example.com", 1},
		{"two.example.com", "two.example.com", 2},
		{"unknown.test", "one.example.com", 2},
		{"", "one.example.com", 2},
	} {
		client := &tls.Config{InsecureSkipVerify: true, ServerName: tt.sni, NextProtos: []string{"h2"}}
		if tt.sni == tt.name {
			client = &tls.Config{RootCAs: s.ca.pool(), ServerName: tt.sni, NextProtos: []string{"h2"}}
		}
		r := shake(t, server, client)
		r.serial(t)
		assert.Equal(t, r.client.PeerCertificates[0].DNSNames, []string{tt.name}, tt.sni)
		assert.Equal(t, r.client.NegotiatedProtocol, "h2")
		assert.Equal(t, s.count(), tt.orders, tt.sni)
	}
	info, err := os.Stat(dir)
	assert.NoError(t, err)
	assert.Equal(t, info.Mode().Perm()&0o077, 0)
	// Without an order there is nothing to prove.
	refused(t, shake(t, server, &tls.Config{InsecureSkipVerify: true, ServerName: "one.example.com", NextProtos: []string{"acme-tls/1"}}), "internal error")
}

func TestACMEOverHTTP(t *testing.T) {
	s := newACMEServer(t, "http-01")
	acme := acmeFor(s, t.TempDir(), "example.com")
	web := httptest.NewServer(acme.HTTPHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) })))
	defer web.Close()
	s.httpAddr = strings.TrimPrefix(web.URL, "http://")
	server := reached(t, s, acme, new(journal))
	shake(t, server, &tls.Config{RootCAs: s.ca.pool(), ServerName: "example.com"}).serial(t)
	assert.Equal(t, s.proofs, []string{"http-01"})
	resp, err := http.Get(web.URL + "/other")
	assert.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, resp.StatusCode, http.StatusTeapot)
}

func TestACMERestart(t *testing.T) {
	s := newACMEServer(t, "tls-alpn-01")
	s.life = 10 * 24 * time.Hour
	dir := t.TempDir()
	client := &tls.Config{RootCAs: s.ca.pool(), ServerName: "example.com"}
	first := shake(t, reached(t, s, acmeFor(s, dir, "example.com"), new(journal)), client).serial(t)

	again := reached(t, s, acmeFor(s, dir, "example.com"), new(journal))
	assert.Equal(t, shake(t, again, client).serial(t), first, "from the cache")
	assert.Equal(t, s.count(), 1)
	assert.Equal(t, len(s.accounts), 1)

	// What is in the cache is due for renewal now.
	late := acmeFor(s, dir, "example.com")
	late.RenewBefore = 20 * 24 * time.Hour
	s.life = 200 * 24 * time.Hour
	server := reached(t, s, late, new(journal))
	assert.Equal(t, shake(t, server, client).serial(t), first, "until the new one is there")
	assert.Eventually(t, patience, "the renewal", func() bool { return shake(t, server, client).serial(t) != first })
	assert.Equal(t, s.count(), 2)
	assert.Equal(t, len(s.accounts), 1)
}

// The authority shows no certificate, and need not.
func TestACMEWithClientAuth(t *testing.T) {
	s := newACMEServer(t, "tls-alpn-01")
	ca := newCA(t, "clients")
	c := ca.issue(t, forClient("client.example"))
	certs := transport.NewCerts(transport.CertConfig{Strict: true, MinVersion: tls.VersionTLS13, ClientAuth: transport.ClientAuth{CAPEM: ca.pem},
		Certs: []transport.Cert{{ACME: acmeFor(s, t.TempDir(), "example.com")}}})
	server := reached(t, s, certs, new(journal))
	client := &tls.Config{RootCAs: s.ca.pool(), ServerName: "example.com", Certificates: []tls.Certificate{c.tls}}
	r := shake(t, server, client)
	r.serial(t)
	assert.Equal(t, len(r.server.VerifiedChains), 1)
	refused(t, shake(t, server, &tls.Config{RootCAs: s.ca.pool(), ServerName: "example.com"}), "certificate required")
	refused(t, shake(t, server, &tls.Config{ServerName: "unknown.test"}), "unrecognized name")
	refused(t, shake(t, server, &tls.Config{InsecureSkipVerify: true, ServerName: "unknown.test", NextProtos: []string{"acme-tls/1"}}), "internal error")
	assert.Equal(t, s.count(), 1)
	proof := tls.ConnectionState{ServerName: "example.com", NegotiatedProtocol: "acme-tls/1"}
	assert.Equal(t, certs.Misdirected(&proof, "example.com"), true, "no requests without the client's certificate")
	assert.Equal(t, certs.Misdirected(&r.server, "example.com"), false)
}

func TestACMEFails(t *testing.T) {
	s := newACMEServer(t, "dns-01")
	var j journal
	server := reached(t, s, acmeFor(s, t.TempDir(), "example.com"), &j)
	for range 3 {
		r := shake(t, server, &tls.Config{RootCAs: s.ca.pool(), ServerName: "example.com"})
		refused(t, r, "internal error")
		assert.Contains(t, r.serverErr.Error(), "transport: acme: certificate for example.com: ")
	}
	assert.Contains(t, j.String(), "no viable challenge type")
	assert.Contains(t, j.String(), "host=example.com")
	assert.Equal(t, s.count(), 1, "the others were in the pause")
	assert.Equal(t, strings.Count(j.String(), "no certificate from the ACME server"), 1)
}

// A handshake waits for an order no longer than it may last, but the order goes on.
func TestACMESlowAuthority(t *testing.T) {
	s := newACMEServer(t, "tls-alpn-01")
	s.hold = make(chan struct{})
	release := sync.OnceFunc(func() { close(s.hold) })
	t.Cleanup(release)
	server := reached(t, s, acmeFor(s, t.TempDir(), "example.com"), new(journal))
	client := &tls.Config{RootCAs: s.ca.pool(), ServerName: "example.com"}
	for range 2 {
		assert.ErrorIs(t, cutShort(t, server, client), context.DeadlineExceeded)
	}
	release()
	shake(t, server, client).serial(t)
	assert.Equal(t, s.count(), 1)
}

// Two processes that share a directory order once.
func TestACMESharedDirectory(t *testing.T) {
	s := newACMEServer(t, "tls-alpn-01")
	dir := t.TempDir()
	client := &tls.Config{RootCAs: s.ca.pool(), ServerName: "example.com"}
	results := make(chan result, 4)
	var done sync.WaitGroup
	for range cap(results) {
		server := reached(t, s, acmeFor(s, dir, "example.com"), new(journal))
		done.Go(func() { results <- shake(t, server, client) })
	}
	done.Wait()
	first := (<-results).serial(t)
	for range cap(results) - 1 {
		assert.Equal(t, (<-results).serial(t), first)
	}
	assert.Equal(t, s.count(), 1)
	assert.Equal(t, len(s.accounts), 1)
}

// The key type is that of the client, TLS 1.3 alone or not.
func TestACMEKeyTypes(t *testing.T) {
	s := newACMEServer(t, "tls-alpn-01")
	server := reached(t, s, acmeFor(s, t.TempDir(), "example.com"), new(journal))
	client := &tls.Config{RootCAs: s.ca.pool(), ServerName: "example.com", MinVersion: tls.VersionTLS13}
	r := shake(t, server, client)
	ec := r.serial(t)
	assert.Equal(t, r.client.PeerCertificates[0].PublicKeyAlgorithm, x509.ECDSA)
	client.MinVersion, client.MaxVersion = 0, tls.VersionTLS12
	assert.Equal(t, shake(t, server, client).serial(t), ec)
	client.CipherSuites = []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	r = shake(t, server, client)
	r.serial(t)
	assert.Equal(t, r.client.PeerCertificates[0].PublicKeyAlgorithm, x509.RSA)
	assert.Equal(t, s.count(), 2)
}
