package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/tako-go/tako/bench/internal/launch"
	"github.com/tako-go/tako/bench/internal/report"
	"github.com/tako-go/tako/bench/internal/wire"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg, err := parseConfig(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = run(ctx, cfg)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "idle:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, cfg config) error {
	if err := launch.RaiseDescriptors(cfg.conns + 200); err != nil {
		return err
	}
	machine := report.ThisMachine()
	shop, err := launch.NewWorkshop(ctx)
	if err != nil {
		return err
	}
	servers, err := shop.Prepare(ctx, cfg.targets)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if cfg.pair, err = wire.NewPair(tmp); err != nil {
		return err
	}
	samples, err := measureAll(ctx, cfg, servers)
	if err != nil {
		return err
	}
	facts := []report.Fact{
		{Name: "machine", Text: machine.String()},
		{Name: "command", Text: report.Call()},
		{Name: "versions", Text: machine.Go + ", " + launch.Versions(ctx, servers)},
		{Name: "load", Text: fmt.Sprintf("%d connections from %d addresses with one request each, then %v nothing; %d workers per server",
			cfg.conns, sources, cfg.settle, cfg.workers)},
		{Name: "values", Text: fmt.Sprintf("medians of %d rounds in turns (min..max)", cfg.rounds)},
	}
	return report.PrintMarkdown(os.Stdout, facts, report.NewTable(columns(cfg), summarize(samples)), nil)
}
