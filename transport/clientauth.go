package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// ClientAuth is what a server asks of the certificates of its clients. With authorities a
// client must have a certificate that leads to one of them, is valid now and is for client
// authentication (extended key usage clientAuth); anything else fails the handshake.
// Handlers read the verified chain in ConnInfo().TLS.VerifiedChains.
//
// The zero value of CertConfig.ClientAuth asks for none. Set Required where the
// authorities come from a flag or the environment, so that an empty one is an error and does
// not open the server to everybody.
type ClientAuth struct {
	// CAFile names a PEM file with the authorities. It is watched and reloaded as
	// certificates are.
	CAFile string
	// FS has CAFile. What is in it is not watched.
	// Default: the file system of the machine.
	FS fs.FS
	// CAPEM is what would be in CAFile. It is an error if it is empty but not nil.
	CAPEM []byte
	// CAs are authorities too. The pool must not change later, and sessions of its
	// clients are resumed by this process only.
	CAs *x509.CertPool
	// Required says that clients must have a certificate, which is what authorities mean
	// without it too: it makes an error of there being none.
	Required bool
	// Off asks for none, for a Cert among others that do. No other field may be set.
	Off bool
	// Optional lets clients in that send no certificate at all. One that is invalid is
	// refused all the same.
	Optional bool
	// Match refuses clients whose certificate has none of these names.
	// Default: any name.
	Match SANs
}

// asks reports whether clients are asked for certificates.
func (a *ClientAuth) asks() bool { return a.CAFile != "" || len(a.CAPEM) > 0 || a.CAs != nil }

func (a *ClientAuth) check() error {
	switch {
	case a.CAPEM != nil && len(a.CAPEM) == 0:
		return errors.New("CAPEM is empty")
	case a.Off && (a.asks() || a.FS != nil || a.Optional || a.Required || !a.Match.empty()):
		return errors.New("Off is set together with other fields")
	case a.Required && a.Optional:
		return errors.New("both Required and Optional are set")
	case !a.asks() && (a.Optional || a.Required || !a.Match.empty()):
		return errNoAuthorities
	case a.FS != nil && a.CAFile == "":
		return errors.New("FS is set without CAFile")
	}
	return a.Match.check()
}

var errNoAuthorities = errors.New("no authorities: set CAFile, CAPEM or CAs")

// checkOwn is check for a Cert that has one of its own, which must say what it is for.
func (a *ClientAuth) checkOwn() error {
	if err := a.check(); err != nil || a.Off || a.asks() {
		return err
	}
	return fmt.Errorf("%w, or Off to ask for nothing", errNoAuthorities)
}

// A rule is a ClientAuth with its authorities read.
type rule struct {
	mode  tls.ClientAuthType
	pool  *x509.CertPool
	match SANs
	// label is in the tickets of sessions that this rule has let in. Others are not
	// resumed, so an identity is never taken from one virtual host to another, or past
	// a change of the authorities.
	label [16]byte
}

var (
	errNoIdentity  = errors.New("transport: the names in the client's certificate are not let in")
	errNotVerified = errors.New("transport: the client's certificate is not verified")
)

// verify is called at the end of each handshake, that of a resumed session too, whose
// certificate crypto/tls takes from the ticket.
func (r *rule) verify(state tls.ConnectionState) error {
	if r.mode == tls.NoClientCert {
		return nil
	}
	if len(state.PeerCertificates) == 0 {
		if r.mode == tls.RequireAndVerifyClientCert {
			return errNotVerified
		}
		return nil
	}
	if len(state.VerifiedChains) == 0 {
		return errNotVerified
	}
	leaf := state.PeerCertificates[0]
	if state.DidResume {
		if err := r.verifyAgain(state.PeerCertificates); err != nil {
			return err
		}
	}
	if !r.match.empty() && !r.match.Match(leaf) {
		return errNoIdentity
	}
	return nil
}

func (r *rule) verifyAgain(certs []*x509.Certificate) error {
	opts := x509.VerifyOptions{
		Roots:         r.pool,
		Intermediates: x509.NewCertPool(),
		CurrentTime:   time.Now(),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, cert := range certs[1:] {
		opts.Intermediates.AddCert(cert)
	}
	if _, err := certs[0].Verify(opts); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: certs, Err: err}
	}
	return nil
}
