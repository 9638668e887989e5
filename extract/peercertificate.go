package extract

import (
	"crypto/x509"
	"net/http"

	"github.com/tako-go/tako"
)

// PeerCertificate is the certificate by which the client has proved itself in the
// TLS handshake, verified against the ClientCAs of the server. Without one the
// request is 403, which matches [tako.ErrAbsent]: no challenge of HTTP could make
// the client send one, as a 401 would have to. A certificate that the server has
// asked for but not verified (tls.RequestClientCert, tls.RequireAnyClientCert) is
// 403 too, and not absent.
//
// It is that of this connection: what a proxy tells of the client's own is in
// [ConnInfo].
type PeerCertificate struct {
	// Certificate is the client's own.
	Certificate *x509.Certificate
	// Chain leads from it to one of the ClientCAs.
	Chain []*x509.Certificate
}

var _ tako.Describer = (*PeerCertificate)(nil)

// Extract asks for the first of the verified chains.
func (p *PeerCertificate) Extract(c *tako.Context) error {
	state := c.ConnInfo().TLS
	switch {
	case state == nil || len(state.PeerCertificates) == 0 && len(state.VerifiedChains) == 0:
		return &tako.Error{Status: http.StatusForbidden, Detail: "a client certificate is needed", Err: tako.ErrAbsent}
	case len(state.VerifiedChains) == 0 || len(state.VerifiedChains[0]) == 0:
		return tako.Forbidden("the client certificate is not verified")
	}
	p.Chain = state.VerifiedChains[0]
	p.Certificate = p.Chain[0]
	return nil
}

// Describe records that the client has to prove itself.
func (p *PeerCertificate) Describe(op *tako.Operation, _ string) {
	// Not by AddSecurity, which speaks of 401.
	op.Security = append(op.Security, tako.Requirement{Scheme: tako.SecurityScheme{
		Name: "mutualTLS", Type: "mutualTLS", Doc: "a client certificate that the server trusts"}})
	op.AddFailure(http.StatusForbidden, "there is no client certificate, or it is not verified")
}
