// Command octopus is the service that shows everything: a reef where people sign
// up, talk and share files, with a page at / and a typed API below /api/v1.
//
//	go run ./examples/octopus
//	go run ./examples/octopus -runtime loop
//
// It keeps all in memory and forgets it at the end. Ctrl-C drains it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/examples/octopus/account"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
)

func main() {
	addr := flag.String("addr", ":8080", "TCP address to listen on")
	runtime := flag.String("runtime", "std", "what serves: std or loop")
	demo := flag.Bool("demo", true, "begin with some reefs and messages")
	drain := flag.Duration("drain", 10*time.Second, "how long requests under way may take to end")
	flag.Parse()
	if err := run(context.Background(), *addr, *runtime, *demo, *drain, os.Stdout); err != nil {
		slog.Error("octopus ended", "err", err)
		os.Exit(1)
	}
}

// run serves until ctx is done or a signal comes. What people shall read goes to
// out, the log to standard error.
func run(ctx context.Context, addr, runtime string, demo bool, drain time.Duration, out io.Writer) (err error) {
	s, err := newService(account.Cost)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if demo {
		if err := s.fill(); err != nil {
			return fmt.Errorf("fill in demo data: %w", err)
		}
	}
	app := s.app()
	if err := app.Build(); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	server, err := newServer(runtime, app, listener)
	if err != nil {
		return err
	}
	servers := []tako.Server{server}
	printBanner(out, listener.Addr(), servers, app)
	report, err := tako.Runner{Drain: drain}.Run(ctx, servers...)
	fmt.Fprintf(out, "\nthe reef is closed: %v\n", report)
	return err
}

// newServer is all there is to choosing a runtime. It takes the listener over.
func newServer(runtime string, app tako.App, listener net.Listener) (tako.Server, error) {
	switch runtime {
	case "std":
		return std.New(app, std.Config{Listener: listener}), nil
	case "loop":
		return loop.New(app, loop.Config{Listener: listener}), nil
	}
	return nil, errors.Join(fmt.Errorf("there is no runtime %q: std and loop can be chosen", runtime), listener.Close())
}
