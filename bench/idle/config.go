package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/tako-go/tako/bench/internal/launch"
)

type config struct {
	targets         []launch.Target
	conns           int
	settle, watch   time.Duration
	rounds, workers int
}

func parseConfig(args []string, out io.Writer) (config, error) {
	var cfg config
	fs := flag.NewFlagSet("idle", flag.ContinueOnError)
	fs.SetOutput(out)
	ours := fs.String("ours", "std", "comma list of our runtimes, each runtime[:poller]")
	rivals := fs.String("rivals", "none", "comma list of rivals, or of the groups all, go, rust, c, none:\n"+launch.RivalNames())
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
	cfg.targets, err = launch.Select(*ours, *rivals)
	return cfg, err
}
