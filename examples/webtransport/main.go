// Command webtransport echoes what browsers send over WebTransport: streams both ways, streams one
// way, and datagrams.
//
//	go run ./examples/webtransport
//	chromium http://localhost:8080    # or another browser with WebTransport
//
// The page comes over HTTP/1.1, and the sessions over HTTP/3 with a certificate that the page
// names by its hash, so that nobody has to trust it.
package main

import (
	"context"
	_ "embed"
	"encoding/base64"
	"flag"
	"html/template"
	"io"
	"log"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/stream/webtransport"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/h3"
)

//go:embed page.html
var page string

// echo sends back what comes, until the client or a drain ends the session.
func echo(ctx context.Context, s *webtransport.Session) error {
	go func() {
		for {
			in, err := s.AcceptUniStream(ctx)
			if err != nil {
				return
			}
			if out, err := s.OpenUniStream(ctx); err == nil {
				go back(out, in, in.CancelRead)
			}
		}
	}()
	go func() {
		for p, err := s.ReceiveDatagram(ctx); err == nil; p, err = s.ReceiveDatagram(ctx) {
			_ = s.SendDatagram(p)
		}
	}()
	go func() {
		for {
			str, err := s.AcceptStream(ctx)
			if err != nil {
				return
			}
			go back(str, str, str.CancelRead)
		}
	}()
	select {
	case <-s.Draining():
		return s.Close(1, "the server goes away")
	case <-ctx.Done():
		return nil
	}
}

func back(to io.WriteCloser, from io.Reader, stop func(code uint32)) {
	defer to.Close()
	if _, err := io.Copy(to, from); err != nil {
		stop(1)
	}
}

// servers are that of the page, and that of the sessions, which are for this page alone.
func servers(web, sessions, origin string, certs *transport.SelfSignedCerts) []tako.Server {
	pages := tako.New()
	hash := certs.Fingerprint()
	tmpl := template.Must(template.New("page").Parse(page))
	pages.Get("/", func(c *tako.Context) error {
		return c.HTML(200, tmpl, map[string]string{"Sessions": sessions, "Hash": base64.StdEncoding.EncodeToString(hash[:])})
	})
	app := tako.New()
	app.Get("/echo", webtransport.Handler(webtransport.Config{Origins: []string{origin}}, echo))
	return []tako.Server{
		std.New(pages, std.Config{Addr: web}),
		h3.New(app, h3.Config{Addr: sessions, Certs: certs, WebTransport: webtransport.New(webtransport.ServerConfig{})}),
	}
}

func main() {
	web := flag.String("web", "localhost:8080", "TCP address of the page")
	// Not localhost, for which browsers may take ::1 alone.
	sessions := flag.String("sessions", "127.0.0.1:8443", "UDP address of the sessions")
	flag.Parse()
	report, err := tako.Run(context.Background(), servers(*web, *sessions, "http://"+*web, transport.SelfSigned())...)
	if err != nil {
		log.Fatal(err)
	}
	log.Print(report)
}
