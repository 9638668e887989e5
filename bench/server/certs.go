package main

import (
	"crypto/tls"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/transport"
)

// certs is nil for clear text. Certificates are as for the other servers: TLS 1.3, and
// nobody changes them meanwhile.
func certs(pair string) tako.Certs {
	if pair == "" {
		return nil
	}
	return transport.NewCerts(transport.CertConfig{
		Certs:      []transport.Cert{{CertFile: pair}},
		MinVersion: tls.VersionTLS13,
		NoWatch:    true,
	})
}
