package transport_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
)

func TestSANs(t *testing.T) {
	s := transport.SANs{
		DNS:    []string{"a.example", "*.Workers.example."},
		URIs:   []string{"spiffe://example.org/ns/prod/*", "spiffe://example.org/admin", "urn:uuid:1"},
		Emails: []string{"Eve@example.com", "@ops.example"},
	}
	tests := []struct {
		kind, name string
		want       bool
	}{
		{"dns", "a.example", true},
		{"dns", "A.EXAMPLE", true},
		{"dns", "b.a.example", false},
		{"dns", "one.workers.example", true},
		{"dns", "workers.example", false},
		{"dns", "one.two.workers.example", false},
		{"dns", "*.workers.example", false},
		{"dns", "", false},
		{"uri", "spiffe://example.org/ns/prod/db", true},
		{"uri", "spiffe://EXAMPLE.org/ns/prod/a/b", true},
		{"uri", "spiffe://example.org/ns/prod/", false},
		{"uri", "spiffe://example.org/ns/prod", false},
		{"uri", "spiffe://example.org/ns/prod/../test", false},
		{"uri", "spiffe://example.org/ns/prod/%2e%2e/test", false},
		{"uri", "spiffe://example.org/ns%2Fprod/db", false},
		{"uri", "spiffe://example.com/ns/prod/db", false},
		{"uri", "https://example.org/ns/prod/db", false},
		{"uri", "spiffe://eve@example.org/admin", false},
		{"uri", "spiffe://example.org/admin", true},
		{"uri", "spiffe://example.org/Admin", false},
		{"uri", "spiffe://example.org/admin?x", false},
		{"uri", "urn:uuid:1", true},
		{"uri", "urn:uuid:2", false},
		{"email", "Eve@EXAMPLE.com", true},
		{"email", "eve@example.com", false},
		{"email", "any@ops.example", true},
		{"email", "any@sub.ops.example", false},
		{"email", "@ops.example", false},
		{"cn", "a.example", false},
	}
	for _, tt := range tests {
		cert := &x509.Certificate{}
		switch tt.kind {
		case "dns":
			cert.DNSNames = []string{"other.test", tt.name}
		case "uri":
			u, err := url.Parse(tt.name)
			assert.NoError(t, err)
			cert.URIs = []*url.URL{u}
		case "email":
			cert.EmailAddresses = []string{tt.name}
		case "cn":
			cert.Subject.CommonName = tt.name
		}
		assert.Equal(t, s.Match(cert), tt.want, tt.kind, " ", tt.name)
		verified := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}, VerifiedChains: [][]*x509.Certificate{{cert}}}
		assert.Equal(t, s.MatchState(verified), tt.want, tt.kind, " ", tt.name)
		assert.Equal(t, s.MatchState(&tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}), false, "not verified")
	}
	assert.Equal(t, s.MatchState(nil), false)
}

func TestSANMistakes(t *testing.T) {
	ca := newCA(t, "ca")
	for _, match := range []transport.SANs{
		{DNS: []string{"a..b"}}, {DNS: []string{"*"}}, {DNS: []string{""}},
		{URIs: []string{"example.org"}}, {URIs: []string{"spiffe://a/../b"}}, {URIs: []string{"spiffe://a/b?c"}},
		{Emails: []string{"eve"}}, {Emails: []string{"eve@"}}, {Emails: []string{"a@b@c"}},
	} {
		certs := transport.NewCerts(transport.CertConfig{
			Certs:      []transport.Cert{{Get: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }}},
			ClientAuth: transport.ClientAuth{CAPEM: ca.pem, Match: match},
		})
		if _, err := certs.TLS(t.Context(), nil, nil); err == nil {
			t.Errorf("%+v: no error", match)
		}
	}
}
