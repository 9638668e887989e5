package main

import (
	"context"
	"encoding/base64"
	"slices"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/transport"
)

// transports tell a page what it can choose from. Server-sent events and WebSocket are always there.
type transports struct {
	WebTransport    bool   `json:"webTransport" required:"true" doc:"whether there is HTTP/3, which carries sessions of WebTransport"`
	CertificateHash string `json:"certificateHash,omitempty" doc:"for serverCertificateHashes, if the certificate is self-made: its SHA-256 in base64"`
}

// reachOf looks at what listens. Browsers open sessions with a certificate that nobody has signed if
// the page names its hash.
func reachOf(endpoints []transport.Endpoint, certs tako.Certs) (t transports) {
	t.WebTransport = slices.ContainsFunc(endpoints, func(e transport.Endpoint) bool { return e.Protocol == transport.H3 })
	if self, ok := certs.(*transport.SelfSignedCerts); ok && t.WebTransport {
		hash := self.Fingerprint()
		t.CertificateHash = base64.StdEncoding.EncodeToString(hash[:])
	}
	return t
}

func (s *service) addTransports(api *tako.Router) {
	tako.Get(api, "/transports", func(context.Context, struct{}) (transports, error) { return s.reach, nil },
		tako.Tags("service"), tako.Name("listTransports"), tako.Summary("What carries live messages"),
		tako.Describe("What a page may choose, beside server-sent events and WebSocket. Sessions are for pages that came over HTTPS."))
}
