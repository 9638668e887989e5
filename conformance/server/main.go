// Command server serves the routes that the suites and clients ask for, on the
// runtime of ours that is asked for or on net/http for comparison.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/tako-go/tako"
)

// drain is short, as some clients hold their connections until the end.
const drain = 2 * time.Second

// options is the command line.
type options struct {
	runtime string
	poller  string
	addr    string
	tls     bool
	listen  string
	h3      bool
	trusted string
}

func main() {
	err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) && !errors.Is(err, tako.ErrCut) {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

// run serves until ctx is done or a signal comes. Its first line on stdout has the
// addresses, and the process.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	app := routes(log)
	app.TrustedProxies(strings.FieldsFunc(o.trusted, func(r rune) bool { return r == ',' })...)
	servers, err := newServers(app, o, log)
	if err != nil {
		return err
	}
	runner := tako.Runner{Drain: drain, Log: log, OnListen: func() {
		line := "listening"
		for _, s := range servers {
			line += " " + s.Addr().String()
		}
		fmt.Fprintf(stdout, "%s pid %d\n", line, os.Getpid())
	}}
	_, err = runner.Run(ctx, servers...)
	return err
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet("server", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.runtime, "runtime", "std", "std, loop or nethttp")
	fs.StringVar(&o.poller, "poller", "auto", "auto, epoll or io_uring; for -runtime loop only")
	fs.StringVar(&o.addr, "addr", "127.0.0.1:0", "address to listen on")
	fs.BoolVar(&o.tls, "tls", false, "serve TLS with a self-signed certificate")
	fs.StringVar(&o.listen, "listen", "", "list of what to listen on, in place of -addr and -tls")
	fs.BoolVar(&o.h3, "h3", false, "serve HTTP/3 beside what serves TLS")
	fs.StringVar(&o.trusted, "trusted", "", "networks of proxies that are trusted, between commas")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if fs.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	return o, nil
}
