package extract

import (
	"net/http"
	"net/netip"

	"github.com/tako-go/tako"
)

// ClientIP is the address of the client by [tako.Context.ClientIP]: the socket's
// peer, or what trusted proxies tell. Where there is none, as on a Unix socket whose
// proxy is not trusted, that is 400 and matches [tako.ErrAbsent].
type ClientIP struct {
	// Addr is the address, IPv4 as IPv4, without a zone.
	Addr netip.Addr
}

var _ tako.Describer = (*ClientIP)(nil)

// Extract asks for the address.
func (ip *ClientIP) Extract(c *tako.Context) error {
	if ip.Addr = c.ClientIP(); !ip.Addr.IsValid() {
		return &tako.Error{Status: http.StatusBadRequest, Detail: "the address of the client is not known", Err: tako.ErrAbsent}
	}
	return nil
}

// Describe records the failure.
func (ip *ClientIP) Describe(op *tako.Operation, _ string) {
	op.AddFailure(http.StatusBadRequest, "the address of the client is not known")
}
