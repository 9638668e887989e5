package transport_test

import (
	"crypto/tls"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
)

func ticketServer(t *testing.T, ca *authority, p pair, tickets transport.Tickets) (*transport.Certs, *tls.Config) {
	certs := transport.NewCerts(transport.CertConfig{Certs: []transport.Cert{{CertPEM: p.cert, KeyPEM: p.key}}, Tickets: tickets})
	return certs, serverConfig(t, certs)
}

// kept is a client whose first ticket is offered again and again.
type kept struct {
	mu      sync.Mutex
	session *tls.ClientSessionState
}

func (k *kept) Get(string) (*tls.ClientSessionState, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.session, k.session != nil
}

func (k *kept) Put(_ string, s *tls.ClientSessionState) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.session == nil {
		k.session = s
	}
}

func ticketClient(ca *authority, version uint16) *tls.Config {
	return &tls.Config{RootCAs: ca.pool(), ServerName: "example.com", MaxVersion: version, ClientSessionCache: &kept{}}
}

// Time is that of the bubble; connections are real.
func TestTicketRotation(t *testing.T) {
	for _, tt := range []struct {
		tickets transport.Tickets
		good    time.Duration // the oldest ticket that is resumed
		bad     time.Duration
	}{
		{transport.Tickets{Rotate: time.Hour, Keep: 3}, 3*time.Hour - time.Minute, 3*time.Hour + time.Minute},
		{transport.Tickets{Rotate: time.Hour, Keep: 1}, time.Hour - time.Minute, time.Hour + time.Minute},
		{transport.Tickets{}, 24*time.Hour - time.Minute, 24*time.Hour + time.Minute},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			for _, busy := range []bool{false, true} {
				t.Run(fmt.Sprintf("%v, %s, busy: %v", tt.good, tls.VersionName(version), busy), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						ca := newCA(t, "ca")
						p := ca.issue(t, names("example.com"))
						_, server := ticketServer(t, ca, p, tt.tickets)
						client := ticketClient(ca, version)
						shake(t, server, client).serial(t)
						begin := time.Now()
						for busy && time.Since(begin)+time.Hour < tt.good {
							time.Sleep(time.Hour)
							r := shake(t, server, client)
							r.serial(t)
							assert.Equal(t, r.server.DidResume, true, "after ", time.Since(begin))
						}
						time.Sleep(tt.good - time.Since(begin))
						assert.Equal(t, shake(t, server, client).server.DidResume, true, "after ", time.Since(begin))
						time.Sleep(tt.bad - time.Since(begin))
						r := shake(t, server, client)
						r.serial(t)
						assert.Equal(t, r.server.DidResume, false, "after ", time.Since(begin))
					})
				})
			}
		}
	}
}

func TestSharedTicketKeys(t *testing.T) {
	ca := newCA(t, "ca")
	p := ca.issue(t, names("example.com"))
	a, b, c := [32]byte{1}, [32]byte{2}, [32]byte{3}
	shared := transport.Tickets{Keys: [][32]byte{a, b}}
	_, one := ticketServer(t, ca, p, shared)
	certs, other := ticketServer(t, ca, p, shared)
	client := ticketClient(ca, 0)
	resumes := func(server *tls.Config, want bool) {
		t.Helper()
		r := shake(t, server, client)
		r.serial(t)
		assert.Equal(t, r.server.DidResume, want)
	}
	resumes(one, false)
	resumes(other, true)
	assert.NoError(t, certs.SetTicketKeys(c, a))
	resumes(other, true)
	assert.NoError(t, certs.SetTicketKeys(c, b))
	resumes(other, false)
	if certs.SetTicketKeys() == nil || certs.SetTicketKeys([32]byte{}) == nil {
		t.Error("no keys, and a key of zeros, were taken")
	}
}

func TestTicketsOff(t *testing.T) {
	ca := newCA(t, "ca")
	p := ca.issue(t, names("example.com"))
	certs, server := ticketServer(t, ca, p, transport.Tickets{Off: true})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		client := ticketClient(ca, version)
		shake(t, server, client).serial(t)
		if _, ok := client.ClientSessionCache.Get(""); ok {
			t.Error("the client got a ticket")
		}
	}
	if certs.SetTicketKeys([32]byte{1}) == nil {
		t.Error("keys were taken")
	}
}

// A reload of the certificate alone does not end sessions.
func TestTicketsOutliveReload(t *testing.T) {
	ca := newCA(t, "ca")
	p := ca.issue(t, names("example.com"))
	cert, key := files(t, p)
	certs := transport.NewCerts(transport.CertConfig{Certs: []transport.Cert{{CertFile: cert, KeyFile: key}}, NoWatch: true})
	server, client := serverConfig(t, certs), ticketClient(ca, 0)
	shake(t, server, client).serial(t)
	next := ca.issue(t, names("example.com"))
	put(t, cert, next.cert)
	put(t, key, next.key)
	assert.NoError(t, certs.Reload(t.Context()))
	assert.Equal(t, certs.Stats().Reloads, uint64(1))
	assert.Equal(t, shake(t, server, client).server.DidResume, true)
}

// A session that other names have let in is not resumed, so that a client which has a
// certificate for the new ones comes in with that.
func TestTicketsOfOtherNames(t *testing.T) {
	ca := newCA(t, "ca")
	p := ca.issue(t, names("example.com"))
	before, after := ca.issue(t, forClient("before.example")), ca.issue(t, forClient("after.example"))
	let := func(name string) *tls.Config {
		return serverConfig(t, transport.NewCerts(transport.CertConfig{Certs: []transport.Cert{{CertPEM: p.cert, KeyPEM: p.key}},
			Tickets:    transport.Tickets{Keys: [][32]byte{{1}}},
			ClientAuth: transport.ClientAuth{CAPEM: ca.pem, Match: transport.SANs{DNS: []string{name}}}}))
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		identity := &before
		client := ticketClient(ca, version)
		client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &identity.tls, nil }
		shake(t, let("before.example"), client).serial(t)
		assert.Equal(t, shake(t, let("before.example"), client).server.DidResume, true)
		identity = &after
		r := shake(t, let("after.example"), client)
		r.serial(t)
		assert.Equal(t, r.server.DidResume, false)
	}
}
