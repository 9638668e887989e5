package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/tako-go/tako/bench/internal/launch"
	"github.com/tako-go/tako/bench/internal/transfer"
	"github.com/tako-go/tako/bench/internal/wire"
)

type config struct {
	targets    []launch.Target
	protocols  []protocol
	directions []direction
	// moves and latency are what to measure.
	moves, latency bool
	size           int64
	streams        int
	// window is what the client lets come ahead on each stream.
	window int
	// rate is that of small requests per second, during duration.
	rate            int
	duration        time.Duration
	rounds, workers int
	pair            wire.Pair
}

// largestWindow is what the client of net/http takes at most.
const largestWindow = 4<<20 - 1

// protocol has a name on the command line.
type protocol struct {
	name string
	wire.Protocol
}

var protocols = []protocol{{"h2c", wire.H2C}, {"h2", wire.H2}}

// direction is what each stream moves, in turns.
type direction struct {
	name string
	each []transfer.Direction
}

var directions = []direction{
	{"upload", []transfer.Direction{transfer.Upload}},
	{"download", []transfer.Direction{transfer.Download}},
	{"both", []transfer.Direction{transfer.Upload, transfer.Download}},
}

func parseConfig(args []string, out io.Writer) (config, error) {
	var cfg config
	fs := flag.NewFlagSet("streams", flag.ContinueOnError)
	fs.SetOutput(out)
	ours := fs.String("ours", "std", "comma list of our runtimes, each runtime[:poller]")
	rivals := fs.String("rivals", "none", "comma list of nethttp and axum, or none")
	speak := fs.String("protocol", "h2c,h2", "comma list of h2c and h2, which is over TLS")
	names := fs.String("direction", "upload,download,both", "comma list of upload, download and both, which is one stream up and the next down")
	measure := fs.String("measure", "moves,latency", "comma list of moves, of large bodies, and latency, of small requests beside them")
	fs.Int64Var(&cfg.size, "size", 64<<20, "bytes of each body")
	fs.IntVar(&cfg.streams, "streams", 100, "bodies at the same time on one connection")
	fs.IntVar(&cfg.window, "window", 1<<20, "bytes that the client lets come ahead on each stream")
	fs.IntVar(&cfg.rate, "rate", 200, "small requests per second")
	fs.DurationVar(&cfg.duration, "duration", 5*time.Second, "how long small requests are sent")
	fs.IntVar(&cfg.rounds, "rounds", 1, "how often each server is measured")
	fs.IntVar(&cfg.workers, "workers", runtime.NumCPU(), "workers of each server")
	if err := fs.Parse(args); err != nil {
		return cfg, err
	}
	if fs.NArg() > 0 {
		return cfg, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	var err error
	if cfg.protocols, err = pick(protocols, func(p protocol) string { return p.name }, *speak); err != nil {
		return cfg, err
	}
	if cfg.directions, err = pick(directions, func(d direction) string { return d.name }, *names); err != nil {
		return cfg, err
	}
	what, err := pick([]string{"moves", "latency"}, strings.Clone, *measure)
	if err != nil {
		return cfg, err
	}
	cfg.moves, cfg.latency = slices.Contains(what, "moves"), slices.Contains(what, "latency")
	if cfg.targets, err = launch.Select(*ours, *rivals); err != nil {
		return cfg, err
	}
	return cfg, cfg.validate()
}

func (cfg config) validate() error {
	switch {
	case cfg.size < 1 || cfg.size > transfer.Largest:
		return fmt.Errorf("-size must be from 1 to %d", transfer.Largest)
	case cfg.window < 1 || cfg.window > largestWindow:
		return fmt.Errorf("-window must be from 1 to %d", largestWindow)
	case cfg.streams < 1 || cfg.rounds < 1 || cfg.workers < 1 || cfg.rate < 1 || cfg.duration <= 0:
		return errors.New("-streams, -rounds, -workers, -rate and -duration must be positive")
	}
	for _, t := range cfg.targets {
		if !t.Modern || !t.Bulk {
			return fmt.Errorf("%s has no large bodies over HTTP/2; nethttp and axum have", t.Name)
		}
	}
	return nil
}

// pick finds the names of a comma list in what there is.
func pick[T any](all []T, name func(T) string, list string) ([]T, error) {
	var known []string
	for _, one := range all {
		known = append(known, name(one))
	}
	var picked []T
	for _, want := range launch.Split(list) {
		i := slices.Index(known, want)
		if i < 0 {
			return nil, fmt.Errorf("no %q; there are %s", want, strings.Join(known, ", "))
		}
		picked = append(picked, all[i])
	}
	if len(picked) == 0 {
		return nil, fmt.Errorf("nothing selected; there are %s", strings.Join(known, ", "))
	}
	return picked, nil
}
