package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"

	"github.com/tako-go/tako/bench/internal/launch"
)

type config struct {
	targets  []launch.Target
	messages int64
	counts   map[kind]int
	workers  int
}

func parseConfig(args []string, out io.Writer) (config, error) {
	var cfg config
	fs := flag.NewFlagSet("flood", flag.ContinueOnError)
	fs.SetOutput(out)
	ours := fs.String("ours", "std", "comma list of our runtimes, each runtime[:poller]")
	rivals := fs.String("rivals", "none", "comma list of rivals that have a room, or the group sockets")
	fs.Int64Var(&cfg.messages, "messages", 1_000_000, "how many are sent")
	quick := fs.Int("fast", 5, "members that read at once, the one that sends included")
	late := fs.Int("slow", 20, "members that read 4 KiB each 100 ms")
	deaf := fs.Int("stalled", 20, "members that read nothing")
	fs.IntVar(&cfg.workers, "workers", runtime.NumCPU(), "workers of each server")
	if err := fs.Parse(args); err != nil {
		return cfg, err
	}
	cfg.counts = map[kind]int{fast: *quick, slow: *late, stalled: *deaf}
	switch {
	case fs.NArg() > 0:
		return cfg, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case cfg.messages < 10:
		return cfg, errors.New("-messages must be at least 10")
	case *quick < 1 || *late < 0 || *deaf < 0 || cfg.workers < 1:
		return cfg, errors.New("-fast and -workers must be positive, -slow and -stalled not negative")
	}
	targets, err := launch.Select(*ours, *rivals)
	for _, t := range targets {
		if t.Rooms {
			cfg.targets = append(cfg.targets, t)
		}
	}
	if err == nil && len(cfg.targets) == 0 {
		err = errors.New("no server with a room is selected")
	}
	return cfg, err
}
