package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// Tickets of another rule are not accepted and crypto/tls looks at the authorities too,
// so that no client comes as far as this; it must be right all the same.
func TestTL06VerifiesAgain(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	assert.NoError(t, err)
	template := &x509.Certificate{NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"client.example"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	assert.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	assert.NoError(t, err)
	state := tls.ConnectionState{DidResume: true, PeerCertificates: []*x509.Certificate{cert}, VerifiedChains: [][]*x509.Certificate{{cert}}}

	r := &rule{mode: tls.VerifyClientCertIfGiven, pool: x509.NewCertPool()}
	var unknown x509.UnknownAuthorityError
	if err := r.verify(state); !errors.As(err, &unknown) {
		t.Errorf("got %v, want an unknown authority", err)
	}
	r.pool.AddCert(cert)
	assert.NoError(t, r.verify(state))
	r.match.DNS = []string{"other.example"}
	assert.ErrorIs(t, r.verify(state), errNoIdentity)
	state.VerifiedChains = nil
	assert.ErrorIs(t, r.verify(state), errNotVerified)
	assert.NoError(t, r.verify(tls.ConnectionState{}))
	r.mode = tls.RequireAndVerifyClientCert
	assert.ErrorIs(t, r.verify(tls.ConnectionState{}), errNotVerified)
}
