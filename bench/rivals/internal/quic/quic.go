// Package quic serves HTTP/3 with the server of quic-go for Go rivals.
package quic

import (
	"crypto/tls"
	"net/http"

	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako/bench/rivals/internal/boot"
)

// Serve binds and announces the address, and serves until the process ends. The file has a
// certificate and its key.
func Serve(handler http.Handler, pair string) error {
	cert, err := tls.LoadX509KeyPair(pair, pair)
	if err != nil {
		return err
	}
	server := &http3.Server{
		Handler:   handler,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}},
	}
	return server.Serve(boot.ListenPacket())
}
