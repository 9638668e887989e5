// Command mtls serves only clients that have a certificate, and tells them who they
// are. It makes an authority and certificates in a directory first.
//
//	go run ./examples/mtls -dir /tmp/mtls
//	cd /tmp/mtls
//	curl --cacert ca.pem --cert db.pem --key db-key.pem https://localhost:8443
//	curl --cacert ca.pem --cert db.pem --key db-key.pem https://localhost:8443/admin/state     # 403
//	curl --cacert ca.pem --cert ops.pem --key ops-key.pem https://localhost:8443/admin/state
//	curl --cacert ca.pem https://localhost:8443                                                # no handshake
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"path/filepath"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/transport"
)

// identity is the SPIFFE ID of the client. The handshake has checked that there is one.
func identity(c *tako.Context) string {
	return c.ConnInfo().TLS.VerifiedChains[0][0].URIs[0].String()
}

// only lets clients through that have one of the names.
func only(who transport.SANs) tako.Middleware {
	return func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			if !who.MatchState(c.ConnInfo().TLS) {
				return tako.Forbidden("%s may not do that", identity(c))
			}
			return next(c)
		}
	}
}

func app() *tako.Router {
	r := tako.New()
	r.Get("/", func(c *tako.Context) error { return c.Text(http.StatusOK, "you are "+identity(c)+"\n") })
	r.Group("/admin", only(transport.SANs{URIs: []string{"spiffe://example.org/ops/*"}})).
		Get("/state", func(c *tako.Context) error { return c.Text(http.StatusOK, "all is well\n") })
	return r
}

// certificates are those in dir. All files are watched, the authority's too.
func certificates(dir string) *transport.Certs {
	return transport.NewCerts(transport.CertConfig{
		Certs: []transport.Cert{{CertFile: filepath.Join(dir, "server.pem"), KeyFile: filepath.Join(dir, "server-key.pem")}},
		ClientAuth: transport.ClientAuth{
			CAFile:   filepath.Join(dir, "ca.pem"),
			Required: true,
			Match:    transport.SANs{URIs: []string{"spiffe://example.org/*"}},
		},
	})
}

func main() {
	addr := flag.String("addr", "localhost:8443", "TCP address to listen on")
	dir := flag.String("dir", "mtls", "directory of the certificates, made if it is not there")
	flag.Parse()
	if err := makeCertificates(*dir); err != nil {
		log.Fatal(err)
	}
	report, err := tako.Run(context.Background(), std.New(app(), std.Config{Addr: *addr, Certs: certificates(*dir)}))
	if err != nil {
		log.Fatal(err)
	}
	log.Print(report)
}
