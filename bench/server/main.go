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
	app, err := routes(o.static)
	if err != nil {
		return err
	}
	server, err := newServer(app, o)
	if err != nil {
		return err
	}
	before := mallocs()
	_, err = tako.Run(ctx, announced{server, stdout})
	fmt.Fprintf(stderr, "mallocs %d\n", mallocs()-before)
	printStats(stderr, server)
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
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	switch {
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
