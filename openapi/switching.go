package openapi

import (
	"net/http"
	"slices"

	"github.com/tako-go/tako"
)

// needs reports whether the operation has declared that it needs a feature.
func (r *record) needs(f tako.Feature) bool {
	return slices.ContainsFunc(r.all, func(op *tako.Operation) bool { return slices.Contains(op.Needs(), f) })
}

// switches are the answers of an operation that switches to another protocol, for where nobody
// has described them.
func (r *record) switches() []tako.Response {
	switch {
	case r.needs(tako.NeedsUpgrade):
		return []tako.Response{
			{Status: http.StatusSwitchingProtocols, Doc: "Another protocol is spoken from here on (HTTP/1.1)."},
			{Status: http.StatusOK, Doc: "Another protocol is spoken from here on (HTTP/2 and HTTP/3)."},
		}
	case r.needs(tako.NeedsWebTransport):
		return []tako.Response{{Status: http.StatusOK, Doc: "A session of WebTransport is open (HTTP/3)."}}
	}
	return nil
}

// unswitched adds what other requests to such an operation are answered.
func (r *record) unswitched(all failures) {
	if r.needs(tako.NeedsUpgrade) {
		all.ensure(http.StatusUpgradeRequired, "The request does not ask for another protocol")
	}
	if r.needs(tako.NeedsWebTransport) {
		all.ensure(http.StatusNotImplemented, "The request does not come by a protocol that has sessions")
	}
}
