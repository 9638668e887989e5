// Command tls serves HTTP/1.1 and HTTP/2 over TLS.
//
//	go run ./examples/tls                                # with a certificate of its own
//	curl --insecure https://localhost:8443
//	go run ./examples/tls -cert cert.pem -key key.pem    # with yours
//
// Replace the files while it runs, or send it SIGHUP: new connections get the new
// certificate, those that are there go on. A pair that does not fit is logged, and
// counted at /certificate.
package main

import (
	"context"
	"encoding/hex"
	"flag"
	"log"
	"net"
	"net/http"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/transport"
)

func app(stats func() transport.CertStats) *tako.Router {
	r := tako.New()
	r.Get("/", func(c *tako.Context) error {
		state := c.ConnInfo().TLS
		return c.JSON(http.StatusOK, map[string]any{
			"protocol": c.Protocol().String(), "tls": state.Version, "name": state.ServerName, "resumed": state.DidResume})
	})
	r.Get("/certificate", func(c *tako.Context) error {
		s, problem := stats(), ""
		if s.LastError != nil {
			problem = s.LastError.Error()
		}
		return c.JSON(http.StatusOK, map[string]any{"expires": s.Expires, "reloads": s.Reloads, "failures": s.Failures, "problem": problem})
	})
	return r
}

// certificates are those in the files, or one for development.
func certificates(cert, key string) *transport.Certs {
	if cert != "" {
		return transport.CertFiles(cert, key)
	}
	own := transport.SelfSigned()
	hash := own.Fingerprint()
	log.Print("the certificate is self-signed, its SHA-256 is ", hex.EncodeToString(hash[:]))
	return own.Certs
}

func main() {
	addr := flag.String("addr", "localhost:8443", "TCP address to listen on")
	cert := flag.String("cert", "", "PEM file with the certificate and its chain")
	key := flag.String("key", "", "PEM file with the key")
	flag.Parse()
	certs := certificates(*cert, *key)
	server := std.New(app(certs.Stats), std.Config{Addr: *addr, Certs: certs})
	runner := tako.Runner{OnListen: func() {
		_, port, _ := net.SplitHostPort(server.Addr().String())
		log.Print("https://localhost:", port)
	}}
	report, err := runner.Run(context.Background(), server)
	if err != nil {
		log.Fatal(err)
	}
	log.Print(report)
}
