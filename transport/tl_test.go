package transport_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
)

func refused(t *testing.T, r result, alert string) {
	t.Helper()
	if r.clientErr == nil || r.serverErr == nil {
		t.Fatalf("client: %v, server: %v; want both to fail", r.clientErr, r.serverErr)
	}
	assert.Contains(t, r.clientErr.Error(), alert)
}

func TestTL02OldVersionsAndSuites(t *testing.T) {
	ca := newCA(t, "ca")
	p := ca.issueRSA(t, names("example.com"))
	one := []transport.Cert{{CertPEM: p.cert, KeyPEM: p.key}}
	server := serverConfig(t, transport.NewCerts(transport.CertConfig{Certs: one}))
	newest := serverConfig(t, transport.NewCerts(transport.CertConfig{Certs: one, MinVersion: tls.VersionTLS13}))
	client := func(version uint16, suites ...uint16) *tls.Config {
		return &tls.Config{RootCAs: ca.pool(), ServerName: "example.com", MinVersion: tls.VersionTLS10, MaxVersion: version, CipherSuites: suites}
	}
	refused(t, shake(t, server, client(tls.VersionTLS10)), "protocol version")
	refused(t, shake(t, server, client(tls.VersionTLS11)), "protocol version")
	refused(t, shake(t, newest, client(tls.VersionTLS12)), "protocol version")
	shake(t, newest, client(tls.VersionTLS13)).serial(t)

	all := tls.CipherSuites()
	all = append(all, tls.InsecureCipherSuites()...)
	for _, suite := range all {
		if slices.Contains(suite.SupportedVersions, tls.VersionTLS13) {
			continue
		}
		good := strings.HasPrefix(suite.Name, "TLS_ECDHE_") && (strings.Contains(suite.Name, "_GCM_") || strings.Contains(suite.Name, "POLY1305"))
		if good && strings.Contains(suite.Name, "_ECDSA_") {
			continue // for other certificates
		}
		r := shake(t, server, client(tls.VersionTLS12, suite.ID))
		if good {
			r.serial(t)
			assert.Equal(t, r.client.CipherSuite, suite.ID)
		} else {
			refused(t, r, "handshake failure")
		}
	}
}

// crypto/tls takes 256 KiB of certificates, and checks at most 100 signatures of them.
func TestTL02LongClientChain(t *testing.T) {
	ca := newCA(t, "ca")
	p, c := ca.issue(t, names("example.com")), ca.issue(t, forClient("client.example"))
	server := serverConfig(t, transport.NewCerts(transport.CertConfig{
		Certs: []transport.Cert{{CertPEM: p.cert, KeyPEM: p.key}}, ClientAuth: transport.ClientAuth{CAPEM: ca.pem}}))
	for _, size := range []int{100 << 10, 1 << 20} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(fmt.Sprintf("%d bytes, %s", size, tls.VersionName(version)), func(t *testing.T) {
				chain := tls.Certificate{Certificate: slices.Clone(c.tls.Certificate), PrivateKey: c.tls.PrivateKey}
				for sum := 0; sum < size; sum += len(ca.cert.Raw) {
					chain.Certificate = append(chain.Certificate, ca.cert.Raw)
				}
				r := shake(t, server, &tls.Config{RootCAs: ca.pool(), ServerName: "example.com", MaxVersion: version,
					GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &chain, nil }})
				if size < 256<<10 {
					r.serial(t)
				} else if r.serverErr == nil || !strings.Contains(r.serverErr.Error(), "exceeds maximum") {
					t.Errorf("got %v, want the chain refused", r.serverErr)
				}
			})
		}
	}
}

func TestTL04ServerName(t *testing.T) {
	ca := newCA(t, "ca")
	first, exact, wild, stated := ca.issue(t, names("first.example")), ca.issue(t, names("a.example.com")),
		ca.issue(t, names("*.example.com")), ca.issue(t, names("*.example.net", "b.example.net"))
	cfg := transport.CertConfig{Certs: []transport.Cert{
		{CertPEM: first.cert, KeyPEM: first.key}, {CertPEM: wild.cert, KeyPEM: wild.key},
		{CertPEM: exact.cert, KeyPEM: exact.key}, {CertPEM: stated.cert, KeyPEM: stated.key, Hosts: []string{"*.Example.NET."}}}}
	open := serverConfig(t, transport.NewCerts(cfg))
	cfg.Strict = true
	strict := serverConfig(t, transport.NewCerts(cfg))
	for _, tt := range []struct {
		sni    string
		want   pair
		strict bool // it is refused then
	}{
		{"a.example.com", exact, false},
		{"A.Example.COM", exact, false},
		{"a.example.com.", exact, false},
		{"b.example.com", wild, false},
		{"B.EXAMPLE.com", wild, false},
		{"example.com", first, true},
		{"a.b.example.com", first, true},
		{"b.example.net", stated, false},
		{"unknown.test", first, true},
		{"first.example", first, false},
		{"127.0.0.1", first, true}, // clients send no addresses
		{"", first, true},
	} {
		t.Run(tt.sni, func(t *testing.T) {
			for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
				client := &tls.Config{InsecureSkipVerify: true, ServerName: tt.sni, MaxVersion: version}
				assert.Equal(t, shake(t, open, client).serial(t), tt.want.serial())
				if r := shake(t, strict, client); tt.strict {
					refused(t, r, "unrecognized name")
				} else {
					assert.Equal(t, r.serial(t), tt.want.serial())
				}
			}
		})
	}
}

// A session must not help past a name that is refused.
func TestTL04StrictResumption(t *testing.T) {
	ca := newCA(t, "ca")
	p := ca.issue(t, names("example.com", "other.test"))
	server := serverConfig(t, transport.NewCerts(transport.CertConfig{Strict: true,
		Certs: []transport.Cert{{CertPEM: p.cert, KeyPEM: p.key, Hosts: []string{"example.com"}}}}))
	client := &tls.Config{RootCAs: ca.pool(), ServerName: "example.com", ClientSessionCache: oneSession{tls.NewLRUClientSessionCache(1)}}
	shake(t, server, client).serial(t)
	assert.Equal(t, shake(t, server, client).server.DidResume, true)
	client.ServerName = "other.test"
	refused(t, shake(t, server, client), "unrecognized name")
}

// oneSession offers a session to every host.
type oneSession struct{ tls.ClientSessionCache }

func (o oneSession) Get(string) (*tls.ClientSessionState, bool) { return o.ClientSessionCache.Get("") }
func (o oneSession) Put(_ string, s *tls.ClientSessionState)    { o.ClientSessionCache.Put("", s) }

func TestTL04Misdirected(t *testing.T) {
	ca := newCA(t, "ca")
	p := ca.issue(t, names("open.example", "also.example", "closed.example", "*.closed.example"))
	cert := func(auth *transport.ClientAuth, hosts ...string) transport.Cert {
		return transport.Cert{CertPEM: p.cert, KeyPEM: p.key, Hosts: hosts, ClientAuth: auth}
	}
	closed := &transport.ClientAuth{CAPEM: ca.pem}
	cfg := transport.CertConfig{Certs: []transport.Cert{cert(nil, "open.example"), cert(nil, "also.example"),
		cert(closed, "closed.example"), cert(closed, "*.closed.example"), cert(&transport.ClientAuth{Off: true}, "own.example")}}
	certs := transport.NewCerts(cfg)
	cfg.Strict = true
	strict := transport.NewCerts(cfg)
	server := serverConfig(t, certs)
	serverConfig(t, strict)
	r := shake(t, server, &tls.Config{RootCAs: ca.pool(), ServerName: "open.example"})
	r.serial(t)
	for _, tt := range []struct {
		sni, host string
		want      bool
		strict    bool
	}{
		{"open.example", "open.example", false, false},
		{"open.example", "OPEN.example.:8443", false, false},
		{"open.example", "also.example", false, false},
		{"open.example", "closed.example", true, true},
		{"open.example", "Closed.Example:443", true, true},
		{"open.example", "a.closed.example", true, true},
		{"open.example", "a.b.closed.example", false, true},
		{"closed.example", "a.closed.example", false, false},
		{"closed.example", "open.example", true, true},
		{"open.example", "own.example", true, true},
		{"open.example", "unknown.test", false, true},
		{"closed.example", "unknown.test", true, true},
		{"", "127.0.0.1:8443", false, true},
		{"", "[::1]:8443", false, true},
		{"", "closed.example", true, true},
	} {
		state := &tls.ConnectionState{ServerName: tt.sni}
		assert.Equal(t, certs.Misdirected(state, tt.host), tt.want, tt.sni, " to ", tt.host)
		assert.Equal(t, strict.Misdirected(state, tt.host), tt.strict, "strict ", tt.sni, " to ", tt.host)
	}
	assert.Equal(t, certs.Misdirected(&r.server, "closed.example"), true, "a real handshake")
	one := transport.NewCerts(transport.CertConfig{Strict: true, Certs: cfg.Certs[:2]})
	serverConfig(t, one)
	assert.Equal(t, one.Misdirected(&r.server, "unknown.test"), false, "with one rule")
	assert.Equal(t, certs.Misdirected(nil, "closed.example"), false)
	assert.Equal(t, transport.SelfSigned().Misdirected(&r.server, "x"), false, "before TLS")
}

func TestTL05Required(t *testing.T) {
	ca, stranger := newCA(t, "ca"), newCA(t, "ca") // the same name, another key
	p := ca.issue(t, names("example.com"))
	serverOnly := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }
	late := func(c *x509.Certificate) { c.NotBefore = c.NotAfter.Add(-1000) }
	good := ca.issue(t, forClient("client.example"))
	caFile, _ := files(t, pair{cert: ca.pem})
	for name, auth := range map[string]transport.ClientAuth{"file": {CAFile: caFile}, "bytes": {CAPEM: ca.pem}, "pool": {CAs: ca.pool()}} {
		server := serverConfig(t, transport.NewCerts(transport.CertConfig{Certs: []transport.Cert{{CertPEM: p.cert, KeyPEM: p.key}}, ClientAuth: auth}))
		for _, tt := range []struct {
			name, alert string
			cert        *pair
		}{
			{"none", "certificate required", nil},
			{"unknown CA", "unknown certificate authority", new(stranger.issue(t, forClient("client.example")))},
			{"expired", "expired certificate", new(ca.issue(t, forClient("client.example"), expired))},
			{"not yet valid", "expired certificate", new(ca.issue(t, forClient("client.example"), late))},
			{"for servers only", "bad certificate", new(ca.issue(t, forClient("client.example"), serverOnly))},
			{"good", "", &good},
		} {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				client := &tls.Config{RootCAs: ca.pool(), ServerName: "example.com"}
				if tt.cert != nil {
					client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &tt.cert.tls, nil }
				}
				r := shake(t, server, client)
				if tt.alert != "" {
					refused(t, r, tt.alert)
					return
				}
				r.serial(t)
				assert.Equal(t, len(r.server.VerifiedChains), 1)
				assert.Equal(t, r.server.VerifiedChains[0][0].Raw, good.tls.Leaf.Raw)
				client.MaxVersion = tls.VersionTLS12
				assert.Equal(t, len(shake(t, server, client).server.VerifiedChains), 1)
			})
		}
	}
}

func TestTL05Names(t *testing.T) {
	ca := newCA(t, "ca")
	p := ca.issue(t, names("example.com"))
	match := transport.SANs{URIs: []string{"spiffe://example.org/prod/*"}}
	server := serverConfig(t, transport.NewCerts(transport.CertConfig{Certs: []transport.Cert{{CertPEM: p.cert, KeyPEM: p.key}},
		ClientAuth: transport.ClientAuth{CAPEM: ca.pem, Match: match}}))
	spiffe := func(id string) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			u, err := url.Parse(id)
			assert.NoError(t, err)
			c.URIs = []*url.URL{u}
		}
	}
	prod := ca.issue(t, forClient("x.example"), spiffe("spiffe://example.org/prod/db"))
	test := ca.issue(t, forClient("x.example"), spiffe("spiffe://example.org/test/db"))
	client := &tls.Config{RootCAs: ca.pool(), ServerName: "example.com", Certificates: []tls.Certificate{prod.tls}}
	r := shake(t, server, client)
	r.serial(t)
	assert.Equal(t, match.MatchState(&r.server), true)
	client.Certificates = []tls.Certificate{test.tls}
	refused(t, shake(t, server, client), "bad certificate")
}

func TestTL06Optional(t *testing.T) {
	ca, stranger := newCA(t, "ca"), newCA(t, "stranger")
	p := ca.issue(t, names("example.com"))
	server := serverConfig(t, transport.NewCerts(transport.CertConfig{Certs: []transport.Cert{{CertPEM: p.cert, KeyPEM: p.key}},
		ClientAuth: transport.ClientAuth{CAPEM: ca.pem, Optional: true, Match: transport.SANs{DNS: []string{"client.example"}}}}))
	with := func(certs ...pair) result {
		return shake(t, server, &tls.Config{RootCAs: ca.pool(), ServerName: "example.com",
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				if len(certs) == 0 {
					return &tls.Certificate{}, nil
				}
				return &certs[0].tls, nil
			}})
	}
	r := with()
	r.serial(t)
	assert.Equal(t, len(r.server.PeerCertificates), 0)
	r = with(ca.issue(t, forClient("client.example")))
	r.serial(t)
	assert.Equal(t, len(r.server.VerifiedChains), 1)
	refused(t, with(stranger.issue(t, forClient("client.example"))), "unknown certificate authority")
	refused(t, with(ca.issue(t, forClient("client.example"), expired)), "expired certificate")
	refused(t, with(ca.issue(t, names("client.example"))), "bad certificate")
	refused(t, with(ca.issue(t, forClient("other.example"))), "bad certificate")
}

func TestTL06RemovedAuthority(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, optional := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, optional: %v", tls.VersionName(version), optional), func(t *testing.T) {
				old, next := newCA(t, "old"), newCA(t, "next")
				p, c, newer := old.issue(t, names("example.com")), old.issue(t, forClient("client.example")), next.issue(t, forClient("client.example"))
				caFile, _ := files(t, pair{cert: old.pem})
				certs := transport.NewCerts(transport.CertConfig{Certs: []transport.Cert{{CertPEM: p.cert, KeyPEM: p.key}},
					ClientAuth: transport.ClientAuth{CAFile: caFile, Optional: optional}, NoWatch: true})
				server := serverConfig(t, certs)
				identity := &c
				client := &tls.Config{RootCAs: old.pool(), ServerName: "example.com", MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(1),
					GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &identity.tls, nil }}
				shake(t, server, client).serial(t)
				r := shake(t, server, client)
				r.serial(t)
				assert.Equal(t, r.server.DidResume, true)
				assert.Equal(t, len(r.server.VerifiedChains), 1, "the identity of a resumed session")

				put(t, caFile, next.pem)
				assert.NoError(t, certs.Reload(t.Context()))
				r = shake(t, server, client)
				refused(t, r, "unknown certificate authority")
				assert.Equal(t, r.server.DidResume, false)
				identity = &newer
				r = shake(t, server, client)
				r.serial(t)
				assert.Equal(t, r.server.PeerCertificates[0].Raw, newer.tls.Leaf.Raw)
			})
		}
	}
}

// A session of one virtual host brings no identity to another, though both trust its
// authority.
func TestTL06OtherHost(t *testing.T) {
	ca, more := newCA(t, "ca"), newCA(t, "more")
	p, c := ca.issue(t, names("a.example", "b.example")), ca.issue(t, forClient("client.example"))
	server := serverConfig(t, transport.NewCerts(transport.CertConfig{Certs: []transport.Cert{
		{CertPEM: p.cert, KeyPEM: p.key, Hosts: []string{"a.example"}, ClientAuth: &transport.ClientAuth{CAPEM: ca.pem}},
		{CertPEM: p.cert, KeyPEM: p.key, Hosts: []string{"b.example"}, ClientAuth: &transport.ClientAuth{CAPEM: slices.Concat(ca.pem, more.pem)}},
	}}))
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		client := &tls.Config{RootCAs: ca.pool(), ServerName: "a.example", MaxVersion: version, Certificates: []tls.Certificate{c.tls},
			ClientSessionCache: oneSession{tls.NewLRUClientSessionCache(1)}}
		shake(t, server, client).serial(t)
		r := shake(t, server, client)
		assert.Equal(t, r.server.DidResume, true)
		client.ServerName = "b.example"
		r = shake(t, server, client)
		r.serial(t)
		assert.Equal(t, r.server.DidResume, false)
	}
}
