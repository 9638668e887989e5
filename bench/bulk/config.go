package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"

	"github.com/tako-go/tako/bench/internal/launch"
	"github.com/tako-go/tako/bench/internal/transfer"
)

var directions = map[string]transfer.Direction{
	transfer.Upload.Name:   transfer.Upload,
	transfer.Download.Name: transfer.Download,
}

type config struct {
	targets         []launch.Target
	directions      []transfer.Direction
	size            int64
	conns           int
	rounds, workers int
}

func parseConfig(args []string, out io.Writer) (config, error) {
	var cfg config
	fs := flag.NewFlagSet("bulk", flag.ContinueOnError)
	fs.SetOutput(out)
	ours := fs.String("ours", "std", "comma list of our runtimes, each runtime[:poller]")
	names := fs.String("direction", "upload,download", "comma list of upload and download")
	fs.Int64Var(&cfg.size, "size", transfer.Largest, "bytes of one body")
	fs.IntVar(&cfg.conns, "conns", 1, "bodies at the same time")
	fs.IntVar(&cfg.rounds, "rounds", 3, "how often each server is measured")
	fs.IntVar(&cfg.workers, "workers", runtime.NumCPU(), "workers of each server")
	if err := fs.Parse(args); err != nil {
		return cfg, err
	}
	if fs.NArg() > 0 {
		return cfg, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	for _, name := range launch.Split(*names) {
		d, ok := directions[name]
		if !ok {
			return cfg, fmt.Errorf("no direction %q; there are upload, download", name)
		}
		cfg.directions = append(cfg.directions, d)
	}
	switch {
	case len(cfg.directions) == 0:
		return cfg, errors.New("no direction selected; there are upload, download")
	case cfg.size < 1 || cfg.size > transfer.Largest:
		return cfg, fmt.Errorf("-size must be from 1 to %d", transfer.Largest)
	case cfg.conns < 1 || cfg.rounds < 1 || cfg.workers < 1:
		return cfg, errors.New("-conns, -rounds and -workers must be positive")
	}
	var err error
	cfg.targets, err = launch.Select(*ours, "")
	return cfg, err
}
