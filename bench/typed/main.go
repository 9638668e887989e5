package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/bench/internal/report"
)

type config struct {
	rounds, requests int
	only             string
}

func parseConfig(args []string, usage io.Writer) (config, error) {
	var cfg config
	flags := flag.NewFlagSet("typed", flag.ContinueOnError)
	flags.SetOutput(usage)
	flags.IntVar(&cfg.rounds, "rounds", 15, "how often each contender is measured")
	flags.IntVar(&cfg.requests, "requests", 10_000, "requests in each round")
	flags.StringVar(&cfg.only, "only", "", "contenders whose names contain this, and net/http")
	if err := flags.Parse(args); err != nil {
		return cfg, err
	}
	if cfg.rounds < 1 || cfg.requests < 1 {
		return cfg, errors.New("rounds and requests must be positive")
	}
	return cfg, nil
}

func main() {
	cfg, err := parseConfig(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = run(cfg, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "typed:", err)
		os.Exit(1)
	}
}

func run(cfg config, out io.Writer) error {
	runtime.GOMAXPROCS(1)
	var list []contender
	for _, c := range contenders() {
		if strings.HasPrefix(c.name, reference) || strings.Contains(c.name, cfg.only) {
			list = append(list, c)
		}
	}
	rows, err := measure(list, cfg.rounds, cfg.requests)
	if err != nil {
		return err
	}
	machine := report.ThisMachine()
	own, std := decoding(tako.JSONCodec{}.Decode), decoding(stdCodec{}.Decode)
	facts := []report.Fact{
		{Name: "machine", Text: machine.String()},
		{Name: "command", Text: report.Call()},
		{Name: "versions", Text: machine.Go},
		{Name: "values", Text: fmt.Sprintf("CPU time per request of %d rounds in turns, %d requests each, on one processor", cfg.rounds, cfg.requests)},
		{Name: "decoders", Text: fmt.Sprintf("alone, the default one allocates %.1f times, encoding/json %.1f times", own, std)},
	}
	return report.PrintMarkdown(out, facts, report.NewTable(columns(rows), rows), judge(rows, goals(own, std)))
}

func columns(rows []row) []report.Column[row] {
	times := func(name string) report.Column[row] {
		base := at(rows, name).ns.median
		return report.Column[row]{Name: "× " + name, Value: func(r row) string { return fmt.Sprintf("%.2f", r.ns.median/base) }}
	}
	return []report.Column[row]{
		{Name: "by", Left: true, Value: func(r row) string { return r.name }},
		{Name: "min ns", Value: func(r row) string { return fmt.Sprintf("%.0f", r.ns.low) }},
		{Name: "median ns", Value: func(r row) string { return fmt.Sprintf("%.0f", r.ns.median) }},
		times(reference),
		times(inFull),
		{Name: "allocs", Value: func(r row) string { return fmt.Sprintf("%.1f", r.allocs) }},
		{Name: "B", Value: func(r row) string { return fmt.Sprintf("%.0f", r.bytes) }},
	}
}

// at returns the row of a contender.
func at(rows []row, name string) row {
	for _, r := range rows {
		if r.name == name {
			return r
		}
	}
	return row{}
}
