package h3_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/h3"
)

// issue makes a certificate that signs itself, and its key.
func issue(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	assert.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, own.Public(), own)
	assert.NoError(t, err)
	text, err := x509.MarshalPKCS8PrivateKey(own)
	assert.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})
}

// TL-05
func TestClientCertificates(t *testing.T) {
	t.Parallel()
	cert, key := issue(t, "localhost")
	clientCert, clientKey := issue(t, "client")
	app := tako.New()
	app.Get("/", func(c *tako.Context) error {
		return c.Text(200, c.ConnInfo().TLS.PeerCertificates[0].Subject.CommonName)
	})
	s := start(t, app, h3.Config{Certs: transport.NewCerts(transport.CertConfig{
		Certs: []transport.Cert{{CertPEM: cert, KeyPEM: key}}, ClientAuth: transport.ClientAuth{CAPEM: clientCert, Required: true}})})
	pair, err := tls.X509KeyPair(clientCert, clientKey)
	assert.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	trust := func(c *tls.Config, _ *quic.Config) { c.RootCAs, c.ServerName = roots, "localhost" }
	r := &raw{t: t, Conn: dial(t, s, trust, func(c *tls.Config, _ *quic.Config) { c.Certificates = []tls.Certificate{pair} })}
	assert.Equal(t, r.request(ask("GET", "/")).body, "client")

	without := dial(t, s, trust) // the client is done before the server has its answer
	select {
	case <-without.Context().Done():
	case <-within(t).Done():
		t.Error("a client without a certificate is connected")
	}
	assert.Eventually(t, patience, "it is counted", func() bool { return s.Stats().RefusedHandshakes == 1 })
	assert.Equal(t, s.Stats().Requests, int64(1))
}

// TL-08
func TestReload(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write := func() {
		cert, key := issue(t, "localhost")
		assert.NoError(t, os.WriteFile(certFile, cert, 0o600))
		assert.NoError(t, os.WriteFile(keyFile, key, 0o600))
	}
	write()
	s := start(t, echoApp(), h3.Config{Certs: transport.CertFiles(certFile, keyFile)})
	serial := func() string {
		c := dial(t, s, func(c *tls.Config, _ *quic.Config) { c.InsecureSkipVerify = true })
		return c.ConnectionState().TLS.PeerCertificates[0].SerialNumber.String()
	}
	first := serial()
	write()
	assert.Equal(t, s.Reloads(), true)
	assert.NoError(t, s.Reload(t.Context()))
	if serial() == first {
		t.Error("the certificate is still the old one")
	}
}

// TL-04
func TestMisdirected(t *testing.T) {
	t.Parallel()
	open, openKey := issue(t, "open.example")
	closed, closedKey := issue(t, "closed.example")
	s := start(t, echoApp(), h3.Config{Certs: transport.NewCerts(transport.CertConfig{Certs: []transport.Cert{
		{CertPEM: open, KeyPEM: openKey, Hosts: []string{"open.example"}},
		{CertPEM: closed, KeyPEM: closedKey, Hosts: []string{"closed.example"}, ClientAuth: &transport.ClientAuth{CAPEM: closed, Required: true}}}})})
	r := &raw{t: t, Conn: dial(t, s, func(c *tls.Config, _ *quic.Config) { c.InsecureSkipVerify, c.ServerName = true, "open.example" })}
	ask := func(host string) answer {
		return r.request(fields(":method", "GET", ":scheme", "https", ":authority", host, ":path", "/"))
	}
	assert.Equal(t, ask("open.example").status, 200)
	assert.Equal(t, ask("closed.example").status, 421)
}
