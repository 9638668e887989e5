// Command http3 serves HTTP/1.1, HTTP/2 and HTTP/3 on one port.
//
//	go run ./examples/http3
//	curl --insecure --http3-only https://localhost:8443    # HTTP/3
//	curl --insecure -i https://localhost:8443              # Alt-Svc tells of it
//	go run ./examples/http3 -cert cert.pem -key key.pem    # a certificate that browsers trust
//
// Browsers begin with HTTP/2 and come back over HTTP/3. They do so only if they trust the
// certificate.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/h3"
)

func app() *tako.Router {
	r := tako.New()
	r.Get("/", func(c *tako.Context) error {
		return c.Text(http.StatusOK, "hello over "+c.Protocol().String()+", "+c.ConnInfo().Transport+"\n")
	})
	r.Get("/ready", tako.Ready())
	return r
}

// server listens on one port, of TCP and of UDP.
func server(addr string, certs tako.Certs) tako.Server {
	cfg := std.Config{Addr: addr, Certs: certs}
	return h3.Beside(std.New(app(), cfg), h3.Config{})
}

func certificates(cert, key string) tako.Certs {
	if cert == "" {
		return transport.SelfSigned()
	}
	return transport.CertFiles(cert, key)
}

func main() {
	addr := flag.String("addr", "localhost:8443", "TCP and UDP address to listen on")
	cert := flag.String("cert", "", "PEM file with the certificate and its chain")
	key := flag.String("key", "", "PEM file with the key")
	flag.Parse()
	report, err := tako.Run(context.Background(), server(*addr, certificates(*cert, *key)))
	if err != nil {
		log.Fatal(err)
	}
	log.Print(report)
}
