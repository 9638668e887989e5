package extract

import (
	"net/http"

	"github.com/tako-go/tako"
)

// Headers are all fields of the request, names in canonical form, in memory of
// their own: they may be changed and kept. Host is not among them, see [Host]. It
// never fails.
type Headers struct {
	// Header is never nil after Extract.
	http.Header
}

var (
	_ tako.Describer      = (*Headers)(nil)
	_ tako.RequestEncoder = (*Headers)(nil)
)

// Extract copies the fields.
func (h *Headers) Extract(c *tako.Context) error {
	h.Header = http.Header{}
	for name, value := range c.RequestHeaders() {
		if name != "Host" {
			h.Header[name] = append(h.Header[name], value)
		}
	}
	return nil
}

// Absent reports whether there are none.
func (h *Headers) Absent() bool { return len(h.Header) == 0 }

// Describe records nothing: no field is wanted by name.
func (h *Headers) Describe(*tako.Operation, string) {}

// EncodeRequest sets the fields.
func (h *Headers) EncodeRequest(req *http.Request) error {
	for name, values := range h.Header {
		req.Header[http.CanonicalHeaderKey(name)] = append([]string(nil), values...)
	}
	return nil
}
