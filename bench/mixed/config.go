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
	targets          []launch.Target
	besides          []beside
	rates            []float64 // of GET /, 0 for a closed loop
	conns            int
	duration, warmup time.Duration
	rounds, workers  int
}

func parseConfig(args []string, out io.Writer) (config, error) {
	var cfg config
	fs := flag.NewFlagSet("mixed", flag.ContinueOnError)
	fs.SetOutput(out)
	ours := fs.String("ours", "std", "comma list of our runtimes, each runtime[:poller]")
	names := fs.String("beside", besideNames(), "comma list of what runs beside GET /")
	pace := fs.String("pace", "closed,paced", "comma list: closed sends the next request with each answer, paced at -rate")
	rate := fs.Float64("rate", 5000, "requests per second of all connections for GET / when paced")
	fs.IntVar(&cfg.conns, "conns", 50, "connections for GET /, and as many beside")
	fs.DurationVar(&cfg.duration, "duration", 5*time.Second, "length of one measurement")
	fs.DurationVar(&cfg.warmup, "warmup", time.Second, "load before each measurement")
	fs.IntVar(&cfg.rounds, "rounds", 3, "how often each server is measured")
	fs.IntVar(&cfg.workers, "workers", runtime.NumCPU(), "workers of each server")
	if err := fs.Parse(args); err != nil {
		return cfg, err
	}
	if fs.NArg() > 0 {
		return cfg, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	var err error
	if cfg.targets, err = launch.Select(*ours, ""); err != nil {
		return cfg, err
	}
	if cfg.besides, err = selectBesides(*names); err != nil {
		return cfg, err
	}
	for _, name := range launch.Split(*pace) {
		switch name {
		case "closed":
			cfg.rates = append(cfg.rates, 0)
		case "paced":
			cfg.rates = append(cfg.rates, *rate)
		default:
			return cfg, fmt.Errorf("no pace %q; there are closed, paced", name)
		}
	}
	switch {
	case len(cfg.rates) == 0:
		return cfg, errors.New("no pace selected; there are closed, paced")
	case *rate <= 0:
		return cfg, errors.New("-rate must be positive")
	case cfg.conns < 1 || cfg.rounds < 1 || cfg.workers < 1:
		return cfg, errors.New("-conns, -rounds and -workers must be positive")
	case cfg.duration <= 0 || cfg.warmup < 0:
		return cfg, errors.New("-duration must be positive, -warmup not negative")
	}
	return cfg, nil
}
