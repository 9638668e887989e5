package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/tako-go/tako/bench/internal/launch"
)

// load is how wrk is called.
type load struct {
	// Threads is lowered to the number of connections where those are fewer.
	Threads int `json:"threads"`
	// Conns is measured one after the other.
	Conns    connCounts    `json:"conns"`
	Duration time.Duration `json:"duration_ns"`
}

// connCounts is a comma list on the command line.
type connCounts []int

func (c *connCounts) String() string {
	texts := make([]string, len(*c))
	for i, n := range *c {
		texts[i] = strconv.Itoa(n)
	}
	return strings.Join(texts, ",")
}

func (c *connCounts) Set(list string) error {
	*c = nil
	for _, text := range launch.Split(list) {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no positive number", text)
		}
		*c = append(*c, n)
	}
	if len(*c) == 0 {
		return errors.New("no number of connections")
	}
	return nil
}

// presets are loads that figures elsewhere refer to by name.
var presets = map[string]load{
	"reference": {Threads: 4, Conns: connCounts{100}, Duration: 30 * time.Second},
}

type config struct {
	load      load
	warmup    time.Duration
	rounds    int
	workers   int
	scenarios []scenario
	targets   []launch.Target
	jsonFile  string
	markdown  bool
}

func parseConfig(args []string, out io.Writer) (config, error) {
	cfg := config{load: load{Threads: 4, Conns: connCounts{100}, Duration: 10 * time.Second}}
	fs := flag.NewFlagSet("run", flag.ContinueOnError)
	fs.SetOutput(out)
	names := fs.String("scenario", "hello", "comma list of "+scenarioNames())
	ours := fs.String("ours", "std", "comma list of our runtimes, each runtime[:poller]; the first is what ratios compare with")
	rivals := fs.String("rivals", "nethttp", "comma list of rivals, or of the groups all, go, rust, c, raw, sockets, none:\n"+launch.RivalNames())
	preset := fs.String("preset", "", "named load; reference is wrk -t4 -c100 -d30s")
	fs.IntVar(&cfg.load.Threads, "threads", cfg.load.Threads, "threads of the load generator")
	fs.Var(&cfg.load.Conns, "conns", "comma list of numbers of connections")
	fs.DurationVar(&cfg.load.Duration, "duration", cfg.load.Duration, "length of one measurement, in whole seconds")
	fs.DurationVar(&cfg.warmup, "warmup", time.Second, "load before each measurement, in whole seconds; 0 for none")
	fs.IntVar(&cfg.rounds, "rounds", 3, "how often each server is measured")
	fs.IntVar(&cfg.workers, "workers", runtime.NumCPU(), "workers of each server")
	fs.StringVar(&cfg.jsonFile, "json", "", "also write every sample to this `file`")
	fs.BoolVar(&cfg.markdown, "md", false, "print a Markdown table")
	if err := fs.Parse(args); err != nil {
		return cfg, err
	}
	if fs.NArg() > 0 {
		return cfg, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if err := cfg.usePreset(fs, *preset); err != nil {
		return cfg, err
	}
	if err := cfg.selectWhat(*names, *ours, *rivals); err != nil {
		return cfg, err
	}
	return cfg, cfg.validate()
}

func (cfg *config) usePreset(fs *flag.FlagSet, name string) error {
	if name == "" {
		return nil
	}
	preset, ok := presets[name]
	if !ok {
		return fmt.Errorf("no preset %q", name)
	}
	var err error
	fs.Visit(func(f *flag.Flag) {
		if f.Name == "threads" || f.Name == "conns" || f.Name == "duration" {
			err = fmt.Errorf("-%s contradicts -preset %s", f.Name, name)
		}
	})
	cfg.load = preset
	return err
}

func (cfg *config) selectWhat(scenarios, ours, rivals string) (err error) {
	if cfg.scenarios, err = selectScenarios(launch.Split(scenarios)); err != nil {
		return err
	}
	cfg.targets, err = launch.Select(ours, rivals)
	return err
}

func (cfg *config) validate() error {
	switch l := cfg.load; {
	case l.Threads < 1:
		return errors.New("-threads must be positive")
	case l.Duration < time.Second || l.Duration%time.Second != 0:
		return errors.New("-duration must be whole seconds")
	case cfg.warmup < 0 || cfg.warmup%time.Second != 0:
		return errors.New("-warmup must be whole seconds")
	case cfg.rounds < 1:
		return errors.New("-rounds must be positive")
	case cfg.workers < 1:
		return errors.New("-workers must be positive")
	}
	return nil
}
