// Command server is our side of every load scenario: one set of routes on the
// runtime that is asked for.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/tako-go/tako"
)

// options is the command line.
type options struct {
	runtime string
	addr    string
	workers int
	// poller is empty unless the command line names one.
	poller string
	static string
	// pair is a file with a certificate and its key, empty for clear text.
	pair string
	// h2c changes nothing, for HTTP/2 in clear text is served in any case.
	h2c bool
	// h3 serves HTTP/3 instead of what the runtime does.
	h3 bool
	// echo sends back what comes over TCP, datagrams over UDP, instead of HTTP.
	echo, datagrams bool
	// proxy wants a PROXY header first.
	proxy bool
}

func main() {
	err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

// run serves until ctx is done or a signal comes.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	live := newRooms()
	server, err := newServer(routes(o.static, live), o)
	if err != nil {
		return err
	}
	before := mallocs()
	_, err = tako.Run(ctx, announced{server, stdout})
	fmt.Fprintf(stderr, "mallocs %d\n", mallocs()-before)
	printStats(stderr, server)
	live.printStats(stderr)
	return err
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet("server", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.runtime, "runtime", "std", "std or loop")
	fs.StringVar(&o.addr, "addr", "127.0.0.1:0", "address to listen on")
	fs.IntVar(&o.workers, "workers", runtime.GOMAXPROCS(0), "GOMAXPROCS for std, loops for loop")
	fs.StringVar(&o.poller, "poller", "", "auto, epoll or uring; for -runtime loop only")
	fs.StringVar(&o.static, "static", "", "serve the files of this `folder` below /static/")
	fs.StringVar(&o.pair, "tls", "", "serve TLS with the certificate and key in this `file`")
	fs.BoolVar(&o.h2c, "h2c", false, "serve HTTP/2 in clear text, as it does anyway")
	fs.BoolVar(&o.h3, "h3", false, "serve HTTP/3 alone, whatever the runtime; needs -tls")
	fs.BoolVar(&o.datagrams, "datagrams", false, "send back what is received over UDP, instead of HTTP, whatever the runtime")
	fs.BoolVar(&o.proxy, "proxy", false, "demand a PROXY header of each connection")
	fs.BoolVar(&o.echo, "echo", false, "send back what is received over TCP, instead of HTTP")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	switch {
	case o.h2c && o.pair != "":
		return o, errors.New("-h2c and -tls exclude each other")
	case o.h3 && o.pair == "":
		return o, errors.New("-h3 needs -tls")
	case fs.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case o.workers < 1:
		return o, errors.New("-workers must be positive")
	}
	return o, nil
}

// announced tells the load runner where a server listens.
type announced struct {
	tako.Server
	to io.Writer
}

func (a announced) Listen(ctx context.Context) error {
	if err := a.Server.Listen(ctx); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.to, "listening %s\n", a.Addr())
	return err
}
