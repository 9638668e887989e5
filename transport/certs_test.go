package transport_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
)

func TestSources(t *testing.T) {
	ca := newCA(t, "ca")
	p := ca.issue(t, names("example.com"))
	cert, key := files(t, p)
	both := slices.Concat(p.key, p.cert)
	fsys := fstest.MapFS{"cert.pem": {Data: p.cert}, "key.pem": {Data: p.key}}
	for name, certs := range map[string]tako.Certs{
		"files":    transport.CertFiles(cert, key),
		"bytes":    transport.CertPEM(p.cert, p.key),
		"embedded": transport.CertFS(fsys, "cert.pem", "key.pem"),
		"callback": transport.CertFunc(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &p.tls, nil }),
		"one file": transport.NewCerts(transport.CertConfig{Certs: []transport.Cert{{CertPEM: both}}}),
	} {
		t.Run(name, func(t *testing.T) {
			r := shake(t, serverConfig(t, certs), &tls.Config{RootCAs: ca.pool(), ServerName: "example.com", NextProtos: []string{"h2", "http/1.1"}})
			assert.Equal(t, r.serial(t), p.serial())
			assert.Equal(t, r.client.NegotiatedProtocol, "h2")
			assert.Equal(t, r.client.Version, uint16(tls.VersionTLS13))
			assert.Equal(t, r.client.CurveID, tls.X25519MLKEM768)
			assert.NoError(t, certs.Reload(t.Context()))
		})
	}
}

func TestCallbackFails(t *testing.T) {
	for name, tt := range map[string]struct {
		err   error
		alert string
	}{
		"error": {errors.New("no database"), "internal error"},
		"none":  {nil, "unrecognized name"},
	} {
		t.Run(name, func(t *testing.T) {
			certs := transport.CertFunc(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, tt.err })
			r := shake(t, serverConfig(t, certs), &tls.Config{ServerName: "example.com"})
			if r.clientErr == nil {
				t.Fatal("the handshake succeeded without a certificate")
			}
			assert.Contains(t, r.clientErr.Error(), tt.alert)
			if tt.err != nil {
				assert.ErrorIs(t, r.serverErr, tt.err)
			}
		})
	}
}

func TestMistakes(t *testing.T) {
	ca := newCA(t, "ca")
	p, other := ca.issue(t, names("example.com")), ca.issue(t)
	cert := transport.Cert{CertPEM: p.cert, KeyPEM: p.key}
	with := func(change func(*transport.CertConfig)) *transport.Certs {
		cfg := transport.CertConfig{Certs: []transport.Cert{cert}}
		change(&cfg)
		return transport.NewCerts(cfg)
	}
	get := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &p.tls, nil }
	address := ca.issue(t, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} })
	nameless := transport.Cert{CertPEM: address.cert, KeyPEM: address.key}
	own := func(auth transport.ClientAuth) *transport.Certs {
		return with(func(c *transport.CertConfig) { c.Certs[0].ClientAuth = &auth })
	}
	tests := []struct {
		name  string
		certs tako.Certs
		want  string
	}{
		{"no file", transport.CertFiles("gone.pem", "key.pem"), "open gone.pem"},
		{"empty", transport.CertFS(fstest.MapFS{"c": {}, "k": {}}, "c", "k"), "the file is empty"},
		{"other key", transport.CertPEM(p.cert, other.key), "private key does not match"},
		{"cut", transport.CertPEM(p.cert[:len(p.cert)-20], p.key), "breaks off"},
		{"cut chain", transport.CertPEM(slices.Concat(p.cert, ca.pem[:200]), p.key), "breaks off"},
		{"nothing", transport.NewCerts(transport.CertConfig{}), "Certs is empty"},
		{"two sources", with(func(c *transport.CertConfig) { c.Certs[0].Get = get }), "exactly one of"},
		{"key only", with(func(c *transport.CertConfig) { c.Certs[0] = transport.Cert{Get: get, KeyFile: "k"} }), "a key without"},
		{"old version", with(func(c *transport.CertConfig) { c.MinVersion = tls.VersionTLS11 }), "TLS 1.1: it must be"},
		{"address", with(func(c *transport.CertConfig) { c.Certs[0].Hosts = []string{"127.0.0.1"} }), "no addresses"},
		{"inner wildcard", with(func(c *transport.CertConfig) { c.Certs[0].Hosts = []string{"a.*.com"} }), "no wildcard"},
		{"unicode", with(func(c *transport.CertConfig) { c.Certs[0].Hosts = []string{"bücher.example"} }), "ASCII"},
		{"short rotation", with(func(c *transport.CertConfig) { c.Tickets.Rotate = 1 }), "Tickets.Rotate"},
		{"many keys", with(func(c *transport.CertConfig) { c.Tickets.Keep = 65 }), "Tickets.Keep"},
		{"zero key", with(func(c *transport.CertConfig) { c.Tickets.Keys = make([][32]byte, 1) }), "all zero"},
		{"keys and off", with(func(c *transport.CertConfig) {
			c.Tickets = transport.Tickets{Off: true, Keys: make([][32]byte, 1)}
		}), "both Off and Keys"},
		{"optional without authorities", with(func(c *transport.CertConfig) { c.ClientAuth.Optional = true }), "no authorities"},
		{"names without authorities", with(func(c *transport.CertConfig) { c.ClientAuth.Match.DNS = []string{"a"} }), "no authorities"},
		{"cut authorities", with(func(c *transport.CertConfig) { c.ClientAuth.CAPEM = slices.Concat(ca.pem, ca.pem[:100]) }), "breaks off"},
		{"text as authorities", with(func(c *transport.CertConfig) { c.ClientAuth.CAPEM = []byte("ca") }), "no certificate in it"},
		{"key as authorities", with(func(c *transport.CertConfig) { c.ClientAuth.CAPEM = p.key }), "PRIVATE KEY, not CERTIFICATE"},
		{"empty authorities", with(func(c *transport.CertConfig) { c.ClientAuth.CAPEM = []byte("") }), "CAPEM is empty"},
		{"required without authorities", with(func(c *transport.CertConfig) { c.ClientAuth.Required = true }), "no authorities"},
		{"required and optional", with(func(c *transport.CertConfig) {
			c.ClientAuth = transport.ClientAuth{CAPEM: ca.pem, Required: true, Optional: true}
		}), "both Required and Optional"},
		{"own rule without authorities", own(transport.ClientAuth{}), "or Off to ask for nothing"},
		{"off with authorities", own(transport.ClientAuth{Off: true, CAPEM: ca.pem}), "Off is set together"},
		{"empty file beside authorities", with(func(c *transport.CertConfig) {
			c.ClientAuth = transport.ClientAuth{CAPEM: ca.pem, CAFile: "ca", FS: fstest.MapFS{"ca": {}}}
		}), "no certificate in it"},
		{"empty file beside a pool", with(func(c *transport.CertConfig) {
			c.ClientAuth = transport.ClientAuth{CAs: ca.pool(), CAFile: "ca", FS: fstest.MapFS{"ca": {Data: []byte("# none")}}}
		}), "no certificate in it"},
		{"strict callback", with(func(c *transport.CertConfig) { c.Strict, c.Certs[0] = true, transport.Cert{Get: get} }), "Hosts must be stated"},
		{"strict without names", with(func(c *transport.CertConfig) { c.Strict, c.Certs[0] = true, nameless }), "no client gets it"},
		{"never chosen", with(func(c *transport.CertConfig) { c.Certs = append(c.Certs, nameless) }), "no client gets it"},
		{"no hosts beside a rule", with(func(c *transport.CertConfig) {
			c.Certs = append(c.Certs, transport.Cert{CertPEM: p.cert, KeyPEM: p.key, ClientAuth: &transport.ClientAuth{CAPEM: ca.pem}})
		}), "Hosts must be stated"},
		{"two rules for a host", with(func(c *transport.CertConfig) {
			c.Certs[0].Hosts = []string{"a.example"}
			c.Certs = append(c.Certs, c.Certs[0])
			c.Certs[1].Hosts = []string{"A.example."}
			c.Certs[1].ClientAuth = &transport.ClientAuth{CAPEM: ca.pem}
		}), "another ClientAuth already"},
		{"self-signed host", transport.SelfSigned("a b"), "no host name"},
		{"ACME without terms", &transport.ACME{Hosts: []string{"a.example"}, CacheDir: "c"}, "AcceptTerms"},
		{"ACME without hosts", &transport.ACME{AcceptTerms: true, CacheDir: "c"}, "Hosts is empty"},
		{"ACME without cache", &transport.ACME{Hosts: []string{"a.example"}, AcceptTerms: true}, "CacheDir"},
		{"ACME wildcard", &transport.ACME{Hosts: []string{"*.a.example"}, AcceptTerms: true, CacheDir: "c"}, "wildcards"},
		{"ACME single label", &transport.ACME{Hosts: []string{"localhost"}, AcceptTerms: true, CacheDir: "c"}, "single labels"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg, err := tt.certs.TLS(t.Context(), nil, nil)
			if err == nil || cfg != nil {
				t.Fatalf("got %v, %v, want an error", cfg, err)
			}
			assert.Contains(t, err.Error(), tt.want)
			if !strings.HasPrefix(err.Error(), "transport: ") {
				t.Errorf("got %q, want it to name the package", err)
			}
		})
	}
}

func TestSelfSigned(t *testing.T) {
	certs := transport.SelfSigned()
	server := serverConfig(t, certs)
	for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
		r := shake(t, server, &tls.Config{RootCAs: certs.CertPool(), ServerName: host})
		r.serial(t)
		leaf := r.client.PeerCertificates[0]
		assert.Equal(t, sha256.Sum256(leaf.Raw), certs.Fingerprint())
		if life := leaf.NotAfter.Sub(leaf.NotBefore); life > 14*24*time.Hour || life < 13*24*time.Hour {
			t.Errorf("valid for %v, want 14 days at most", life)
		}
		assert.Equal(t, leaf.PublicKeyAlgorithm, x509.ECDSA)
		assert.Equal(t, certs.Stats().Expires, leaf.NotAfter)
	}
	r := shake(t, server, &tls.Config{RootCAs: certs.CertPool(), ServerName: "example.com"})
	var wrong x509.HostnameError
	if !errors.As(r.clientErr, &wrong) {
		t.Errorf("got %v, want a host name error", r.clientErr)
	}
	named := transport.SelfSigned("*.dev.example", "192.0.2.7")
	for _, host := range []string{"a.dev.example", "192.0.2.7"} {
		shake(t, serverConfig(t, named), &tls.Config{RootCAs: named.CertPool(), ServerName: host}).serial(t)
	}
}

// Clients without elliptic-curve signatures get the RSA certificate of the host.
func TestKeyTypes(t *testing.T) {
	ca := newCA(t, "ca")
	ec, rsa := ca.issue(t, names("example.com")), ca.issueRSA(t, names("example.com"))
	server := serverConfig(t, transport.NewCerts(transport.CertConfig{Certs: []transport.Cert{
		{CertPEM: ec.cert, KeyPEM: ec.key}, {CertPEM: rsa.cert, KeyPEM: rsa.key}}}))
	client := &tls.Config{RootCAs: ca.pool(), ServerName: "example.com"}
	assert.Equal(t, shake(t, server, client).serial(t), ec.serial())
	client.MaxVersion, client.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	assert.Equal(t, shake(t, server, client).serial(t), rsa.serial())
	for _, sni := range []string{"", "unknown.test"} {
		client.InsecureSkipVerify, client.ServerName = true, sni
		assert.Equal(t, shake(t, server, client).serial(t), rsa.serial(), "the default, for ", sni)
	}
}

// Hosts may say more than the certificates do.
func TestKeyTypesOfStatedHosts(t *testing.T) {
	ca := newCA(t, "ca")
	ec, rsa := ca.issue(t, names("example.com")), ca.issueRSA(t, names("example.com"))
	hosts := []string{"internal.example"}
	server := serverConfig(t, transport.NewCerts(transport.CertConfig{Certs: []transport.Cert{
		{CertPEM: ec.cert, KeyPEM: ec.key, Hosts: hosts}, {CertPEM: rsa.cert, KeyPEM: rsa.key, Hosts: hosts}}}))
	client := &tls.Config{InsecureSkipVerify: true, ServerName: "internal.example"}
	assert.Equal(t, shake(t, server, client).serial(t), ec.serial())
	client.MaxVersion, client.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	assert.Equal(t, shake(t, server, client).serial(t), rsa.serial())
}

// Addresses are in no handshake, so certificates for these alone are a default.
func TestKeyTypesWithoutNames(t *testing.T) {
	ca := newCA(t, "ca")
	local := func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} }
	ec, rsa := ca.issue(t, local), ca.issueRSA(t, local)
	server := serverConfig(t, transport.NewCerts(transport.CertConfig{Certs: []transport.Cert{
		{CertPEM: ec.cert, KeyPEM: ec.key}, {CertPEM: rsa.cert, KeyPEM: rsa.key}}}))
	client := &tls.Config{RootCAs: ca.pool(), ServerName: "127.0.0.1"}
	assert.Equal(t, shake(t, server, client).serial(t), ec.serial())
	client.MaxVersion, client.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	assert.Equal(t, shake(t, server, client).serial(t), rsa.serial())
}

func TestWithoutParsedLeaf(t *testing.T) {
	p := newCA(t, "ca").issue(t, names("example.com"))
	t.Setenv("GODEBUG", "x509keypairleaf=0")
	certs := transport.CertPEM(p.cert, p.key)
	serverConfig(t, certs)
	assert.Equal(t, certs.Stats().Expires, p.tls.Leaf.NotAfter)
}

func TestEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := transport.SelfSigned().TLS(ctx, nil, nil)
	assert.ErrorIs(t, err, context.Canceled)
	assert.ErrorIs(t, transport.SelfSigned().Reload(ctx), context.Canceled)
}

func TestWarnsOfExpired(t *testing.T) {
	p := newCA(t, "ca").issue(t, expired)
	var j journal
	certs := transport.CertPEM(p.cert, p.key)
	_, err := certs.TLS(t.Context(), nil, j.log())
	assert.NoError(t, err)
	assert.Contains(t, j.String(), "not valid now")
	assert.Equal(t, certs.Stats().Expires, p.tls.Leaf.NotAfter)
}

// A server of net/http takes the configuration as it is.
func TestListener(t *testing.T) {
	certs := transport.SelfSigned()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", serverConfig(t, certs))
	assert.NoError(t, err)
	defer ln.Close()
	go func() {
		if conn, err := ln.Accept(); err == nil {
			conn.Write([]byte("!"))
			conn.Close()
		}
	}()
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: patience}, Config: &tls.Config{RootCAs: certs.CertPool()}}
	conn, err := d.Dial("tcp", ln.Addr().String())
	assert.NoError(t, err)
	conn.Close()
}
