package extract

import (
	"net/http"

	"github.com/tako-go/tako"
)

// Host is the host, with a port if there is one, that the client asked for, by
// [tako.Context.Host]: the authority of the request, or what a trusted proxy tells.
// A request of HTTP/1.0 without one is 400 and matches [tako.ErrAbsent].
type Host string

var (
	_ tako.Describer      = (*Host)(nil)
	_ tako.RequestEncoder = (*Host)(nil)
)

// Extract asks for the host.
func (h *Host) Extract(c *tako.Context) error {
	if *h = Host(c.Host()); *h == "" {
		return &tako.Error{Status: http.StatusBadRequest, Detail: "the request names no host", Err: tako.ErrAbsent}
	}
	return nil
}

// Describe records the failure.
func (h *Host) Describe(op *tako.Operation, _ string) {
	op.AddFailure(http.StatusBadRequest, "the request names no host")
}

// EncodeRequest sets the Host field; where the request is sent is another matter.
func (h *Host) EncodeRequest(req *http.Request) error {
	if *h != "" {
		req.Host = string(*h)
	}
	return nil
}

// Scheme is "https" or "http" by [tako.Context.Scheme]: what the connection has, or
// what a trusted proxy tells. It never fails.
type Scheme string

var _ tako.Describer = (*Scheme)(nil)

// Extract asks for the scheme.
func (s *Scheme) Extract(c *tako.Context) error {
	*s = Scheme(c.Scheme())
	return nil
}

// Describe records nothing: nobody sends a scheme.
func (s *Scheme) Describe(*tako.Operation, string) {}
