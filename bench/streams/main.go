package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
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
		err = run(ctx, cfg, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "streams:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, cfg config, out io.Writer) error {
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
	facts := []report.Fact{
		{Name: "machine", Text: machine.String()},
		{Name: "command", Text: report.Call()},
		{Name: "versions", Text: machine.Go + ", " + launch.Versions(ctx, servers)},
		{Name: "load", Text: fmt.Sprintf("%d streams on one connection, bodies of %d bytes; %d workers per server", cfg.streams, cfg.size, cfg.workers)},
		{Name: "values", Text: fmt.Sprintf("medians of %d rounds in turns (min..max)", cfg.rounds)},
	}
	if cfg.moves {
		samples, err := moveAll(ctx, cfg, servers)
		if err != nil {
			return err
		}
		if err := report.PrintMarkdown(out, facts, report.NewTable(moveColumns(), group(samples, moved.key)), spreads(samples)); err != nil {
			return err
		}
		facts = nil
	}
	if !cfg.latency {
		return nil
	}
	probes, err := probeAll(ctx, cfg, servers)
	if err != nil {
		return err
	}
	if facts == nil {
		fmt.Fprintln(out)
	}
	note := fmt.Sprintf("GET / %d times a second for %v, beside %d busy streams or one download", cfg.rate, cfg.duration, cfg.streams)
	return report.PrintMarkdown(out, append(facts, report.Fact{Name: "small requests", Text: note}),
		report.NewTable(probeColumns(), group(probes, probed.key)), nil)
}
