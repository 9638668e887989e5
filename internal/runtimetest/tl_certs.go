package runtimetest

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"time"

	"github.com/tako-go/tako/transport"
)

const (
	serverUsage = x509.ExtKeyUsageServerAuth
	clientUsage = x509.ExtKeyUsageClientAuth
)

// certFor is a certificate of the suite's authority in a configuration.
func (x *T) certFor(names ...string) transport.Cert {
	certPEM, keyPEM := pemOf(x.target.authority().issue(serverUsage, names...))
	return transport.Cert{CertPEM: certPEM, KeyPEM: keyPEM}
}

// clientAuth asks for certificates of the suite's authority.
func (x *T) clientAuth(optional bool) transport.ClientAuth {
	if x.planted("not-asked") {
		return transport.ClientAuth{}
	}
	return transport.ClientAuth{CAPEM: x.target.authority().authorityPEM(), Optional: optional}
}

// serveCerts starts a server with certificates of package transport, that of ordinary
// cases first. The common check would not have a certificate of its own.
func (x *T) serveCerts(config transport.CertConfig) *server {
	x.Helper()
	certPEM, keyPEM := pemOf(x.target.authority().site)
	config.Certs = append([]transport.Cert{{CertPEM: certPEM, KeyPEM: keyPEM}}, config.Certs...)
	s := x.serveWith(setup{certs: transport.NewCerts(config)}, who)
	s.unasked = true
	return s
}

func nameCases() (all []testCase) {
	for id, row := range map[string][2]string{
		"exact": {"one.example", "one.example"}, "upper-case": {"ONE.Example", "one.example"}, "wildcard": {"x.wild.example", "*.wild.example"},
		"two-labels": {"x.y.wild.example", "a.example"}, "wildcard-itself": {"wild.example", "a.example"}, "unknown": {"other.example", "a.example"}, "absent": {"", "a.example"},
	} {
		all = append(all, testCase{id: "TL-04/" + id, faults: []fault{planted("other-name")}, run: func(x *T) {
			s := x.serveCerts(transport.CertConfig{Certs: []transport.Cert{x.certFor("one.example"), x.certFor("*.wild.example")}})
			config := x.clientTLS()
			config.ServerName, config.InsecureSkipVerify = row[0], true
			if x.planted("other-name") {
				if config.ServerName = "one.example"; row[1] == "one.example" {
					config.ServerName = "other.example"
				}
			}
			state, r, err := s.handshake(config)
			if err != nil || r.status != 200 {
				x.Fatalf("got %v and %v", r, err)
			}
			if got := state.PeerCertificates[0].DNSNames[0]; got != row[1] {
				x.Errorf("the certificate is that of %s, want %s", got, row[1])
			}
		}})
	}
	return append(all,
		testCase{id: "TL-04/strict", run: strictNames, faults: []fault{planted("not-strict")}},
		testCase{id: "TL-04/misdirected", run: misdirected, faults: []fault{planted("not-asked"), turned("421")}})
}

// strictNames refuses names that it has no certificate for.
func strictNames(x *T) {
	s := x.serveCerts(transport.CertConfig{Strict: !x.planted("not-strict")})
	s.serves(x.clientTLS(), "nobody")
	config := x.clientTLS()
	config.ServerName, config.InsecureSkipVerify = "other.example", true
	if _, r, err := s.handshake(config); alertOf(err) != "tls: unrecognized name" {
		x.Errorf("got %v and %v, want the alert unrecognized_name", r, err)
	}
}

// misdirected asks for a host that wants a certificate of clients over a handshake
// for one that does not.
func misdirected(x *T) {
	guarded := x.certFor("b.example")
	auth := x.clientAuth(false)
	guarded.Hosts, guarded.ClientAuth = []string{"b.example"}, &auth
	s := x.serveCerts(transport.CertConfig{Certs: []transport.Cert{guarded}})
	c := s.dial()
	for _, host := range []string{"a.example", "a.example:443"} {
		c.send("GET /who HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
		c.expect(200)
	}
	for _, host := range []string{"b.example", "B.Example:8443"} {
		c := s.dial()
		c.send("GET /who HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
		c.expect(421)
	}
	config := x.as(x.target.authority().issue(clientUsage, "anna"))
	config.ServerName = "b.example"
	conn, err := overTLS(x, s.dialRaw(nil), config)
	if err != nil {
		x.Fatal(err)
	}
	if x.http2() {
		h2 := newFrameClient(x, conn, frameOptions{})
		h2.begin()
		defer h2.close()
		fields := h2.get("/who")
		for _, row := range []struct {
			host   string
			status int
		}{{"b.example", 200}, {"a.example", 421}, {"b.example", 200}} {
			fields[2].Value = row.host
			h2.expect(h2.open(true, fields), row.status)
		}
		return
	}
	own := newClient(x, conn)
	own.send("GET /who HTTP/1.1\r\nHost: b.example\r\n\r\n")
	if got := own.expect(200).line("who"); got != "anna" {
		x.Errorf("the client is known as %s", got)
	}
}

func clientCertCases() []testCase {
	open := planted("not-asked")
	return []testCase{
		{id: "TL-05/required", run: requiresCert, faults: []fault{open, planted("unknown")}},
		{id: "TL-06/optional", run: optionalCert, faults: []fault{open, planted("unknown")}},
		{id: "TL-06/resumed", run: resumesNobody, faults: []fault{planted("authority-kept"), planted("no-tickets")}},
	}
}

// badClients have certificates that prove nothing.
func badClients(x *T) map[string]*tls.Certificate {
	a, stranger := x.target.authority(), newAuthority("stranger")
	return map[string]*tls.Certificate{
		"of an unknown authority": stranger.issue(clientUsage, "anna"),
		"expired":                 a.issueUntil(time.Now().Add(-time.Hour), clientUsage, "anna"),
		"that of a server":        a.issue(serverUsage, "anna"),
	}
}

// as is a client with a certificate, which it sends whoever the server trusts.
func (x *T) as(cert *tls.Certificate) *tls.Config {
	config := x.clientTLS()
	if cert != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	}
	return config
}

// anna is a client that everybody knows.
func (x *T) anna() *tls.Config {
	if x.planted("unknown") {
		return x.as(newAuthority("stranger").issue(clientUsage, "anna"))
	}
	return x.as(x.target.authority().issue(clientUsage, "anna"))
}

// serves demands an answer to a client, with the identity it has.
func (s *server) serves(config *tls.Config, name string) *tls.ConnectionState {
	s.x.Helper()
	state, r, err := s.handshake(config)
	if err != nil || r.status != 200 || r.line("who") != name {
		s.x.Fatalf("got %+v and %v, want to be known as %s", r, err, name)
	}
	return state
}

// refuses demands that a client gets no answer.
func (s *server) refuses(config *tls.Config, what string) {
	s.x.Helper()
	if _, r, err := s.handshake(config); err == nil {
		s.x.Errorf("a certificate that is %s: got status %d", what, r.status)
	}
}

func requiresCert(x *T) {
	s := x.serveCerts(transport.CertConfig{ClientAuth: x.clientAuth(false)})
	s.refuses(x.as(nil), "not there")
	for what, cert := range badClients(x) {
		s.refuses(x.as(cert), what)
	}
	s.serves(x.anna(), "anna")
}

func optionalCert(x *T) {
	s := x.serveCerts(transport.CertConfig{ClientAuth: x.clientAuth(true)})
	s.serves(x.as(nil), "nobody")
	for what, cert := range badClients(x) {
		s.refuses(x.as(cert), what)
	}
	s.serves(x.anna(), "anna")
}

// resumesNobody takes an authority away; sessions of its clients are over.
func resumesNobody(x *T) {
	file := filepath.Join(x.TempDir(), "ca.pem")
	x.write(file, x.target.authority().authorityPEM())
	s := x.serveCerts(transport.CertConfig{NoWatch: true, ClientAuth: transport.ClientAuth{CAFile: file}, Tickets: transport.Tickets{Off: x.planted("no-tickets")}})
	config := x.anna()
	config.ClientSessionCache = tls.NewLRUClientSessionCache(8)
	s.serves(config, "anna")
	if !s.serves(config, "anna").DidResume {
		x.Error("the session is not resumed")
	}
	if !x.planted("authority-kept") {
		x.write(file, newAuthority("other").authorityPEM())
	}
	s.reload(nil)
	s.refuses(config, "of an authority that is gone")
}

func (x *T) write(file string, text []byte) {
	x.Helper()
	if err := os.WriteFile(file, text, 0o600); err != nil {
		x.Fatal(err)
	}
}
