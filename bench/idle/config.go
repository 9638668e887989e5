package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"github.com/tako-go/tako/bench/internal/launch"
	"github.com/tako-go/tako/bench/internal/wire"
)

// protocol is one by its name on the command line.
type protocol struct {
	name string
	wire.Protocol
}

var protocols = []protocol{{"http1", wire.HTTP1}, {"h2c", wire.H2C}, {"https", wire.HTTPS}, {"h2", wire.H2}, {"h3", wire.H3}, {"ws", wire.WebSocket}}

// suits says whether a server speaks it.
func (p protocol) suits(t launch.Target) bool {
	switch p.Protocol {
	case wire.HTTP1:
		return !t.Raw && !t.Datagrams && !t.SocketsOnly
	case wire.WebSocket:
		return t.Sockets
	case wire.H3:
		return t.HTTP3
	}
	return t.Modern
}

type config struct {
	targets         []launch.Target
	protocols       []protocol
	pair            wire.Pair
	conns           int
	settle, watch   time.Duration
	rounds, workers int
}

func parseConfig(args []string, out io.Writer) (config, error) {
	var cfg config
	fs := flag.NewFlagSet("idle", flag.ContinueOnError)
	fs.SetOutput(out)
	ours := fs.String("ours", "std", "comma list of our runtimes, each runtime[:poller]")
	rivals := fs.String("rivals", "none", "comma list of rivals, or of the groups all, go, rust, c, raw, sockets, none:\n"+launch.RivalNames())
	speak := fs.String("protocol", "http1", "comma list of http1, h2c, https, h2, h3, ws")
	fs.IntVar(&cfg.conns, "conns", 10_000, "connections that are kept")
	fs.DurationVar(&cfg.settle, "settle", 3*time.Second, "time between the last request and the measurement")
	fs.DurationVar(&cfg.watch, "watch", 5*time.Second, "how long processor time is watched")
	fs.IntVar(&cfg.rounds, "rounds", 1, "how often each server is measured")
	fs.IntVar(&cfg.workers, "workers", runtime.NumCPU(), "workers of each server")
	if err := fs.Parse(args); err != nil {
		return cfg, err
	}
	if fs.NArg() > 0 {
		return cfg, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	switch {
	case cfg.conns < 1 || cfg.rounds < 1 || cfg.workers < 1:
		return cfg, errors.New("-conns, -rounds and -workers must be positive")
	case cfg.settle < 0 || cfg.watch <= 0:
		return cfg, errors.New("-watch must be positive, -settle not negative")
	}
	var err error
	if cfg.protocols, err = selectProtocols(launch.Split(*speak)); err != nil {
		return cfg, err
	}
	cfg.targets, err = launch.Select(*ours, *rivals)
	return cfg, err
}

func selectProtocols(names []string) ([]protocol, error) {
	var selected []protocol
	for _, name := range names {
		i := slices.IndexFunc(protocols, func(p protocol) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no -protocol %q", name)
		}
		selected = append(selected, protocols[i])
	}
	if len(selected) == 0 {
		return nil, errors.New("no -protocol selected")
	}
	return selected, nil
}
