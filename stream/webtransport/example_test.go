package webtransport_test

import (
	"context"
	"io"
	"log"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/stream/webtransport"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/h3"
)

// A server whose sessions echo each stream.
func Example() {
	echo := func(ctx context.Context, s *webtransport.Session) error {
		for {
			str, err := s.AcceptStream(ctx)
			if err != nil {
				return err
			}
			go func() {
				defer str.Close()
				if _, err := io.Copy(str, str); err != nil {
					str.CancelRead(1)
				}
			}()
		}
	}
	app := tako.New()
	app.Get("/echo", webtransport.Handler(webtransport.Config{Origins: []string{"https://app.example"}}, echo))
	server := h3.New(app, h3.Config{Certs: transport.CertFiles("cert.pem", "key.pem"),
		WebTransport: webtransport.New(webtransport.ServerConfig{})})
	log.Println(tako.Run(context.Background(), server))
}
