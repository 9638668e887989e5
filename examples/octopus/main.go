// Command octopus is the service that shows everything: a reef where people sign
// up, talk and share files, with a page at / and a typed API below /api/v1. What is
// said comes live over WebTransport, WebSocket or server-sent events.
//
//	go run ./examples/octopus                     # says where it listens, and what to try
//	go run ./examples/octopus -runtime loop
//	go run ./examples/octopus -listen https://:443,h3://:443 -cert cert.pem -key key.pem
//	go run ./examples/octopus -listen http://fd:web,unix:///run/octopus.sock?mode=0666
//
// HTTP/1.1, HTTP/2, HTTP/3, lines over raw streams and datagrams are served side by side;
// transport.ParseListen documents what -listen may have.
//
// The API describes itself: pages at /docs and /docs/swagger, the document beside them at
// /docs/openapi.json and .yaml, or by -openapi json.
//
// It keeps all in memory and forgets it at the end. Ctrl-C drains it, SIGHUP reads the
// certificate again, and SIGUSR2 starts the program anew on the same sockets, with an empty
// reef.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/examples/octopus/account"
	"github.com/tako-go/tako/openapi"
)

// settings are what the flags say.
type settings struct {
	listen    string
	cert, key string // "" for a self-signed certificate
	runtime   string
	demo      bool
	drain     time.Duration
	openapi   string // "" to serve
	cost      int    // of passwords
}

func main() {
	set := settings{cost: account.Cost}
	flag.StringVar(&set.listen, "listen", everywhere(), "what to listen on: scheme://address, with commas between them")
	flag.StringVar(&set.cert, "cert", "", "PEM file with a certificate and its chain, in place of a self-signed one")
	flag.StringVar(&set.key, "key", "", "PEM file with its key")
	flag.StringVar(&set.runtime, "runtime", "std", "what serves HTTP and streams: std or loop")
	flag.BoolVar(&set.demo, "demo", true, "begin with some reefs and messages")
	flag.DurationVar(&set.drain, "drain", 10*time.Second, "how long requests under way may take to end")
	flag.StringVar(&set.openapi, "openapi", "", "print the OpenAPI document as json or yaml, and exit")
	flag.Parse()
	if err := run(context.Background(), set, os.Stdout); err != nil {
		slog.Error("octopus ended", "err", err)
		os.Exit(1)
	}
}

// run serves until ctx is done or a signal comes. What people shall read goes to
// out, the log to standard error.
func run(ctx context.Context, set settings, out io.Writer) (err error) {
	s, err := newService(set.cost)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if set.openapi != "" {
		return openapi.Write(out, s.app(), document(), openapi.Format(set.openapi))
	}
	if set.demo {
		if err := s.fill(); err != nil {
			return fmt.Errorf("fill in demo data: %w", err)
		}
	}
	app := s.app()
	all, err := listeners(set, s, app)
	if err != nil {
		return err
	}
	servers := make([]tako.Server, len(all))
	for i, l := range all {
		servers[i] = l.server
	}
	runner := tako.Runner{Drain: set.drain, OnListen: func() { printBanner(out, all, len(app.Routes())) }}
	report, err := runner.Run(ctx, servers...)
	fmt.Fprintf(out, "\nthe reef is closed: %v\n", report)
	return err
}
