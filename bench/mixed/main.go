package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/tako-go/tako/bench/internal/launch"
	"github.com/tako-go/tako/bench/internal/report"
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
		fmt.Fprintln(os.Stderr, "mixed:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, cfg config) error {
	// Both load loops and this goroutine never wait for a turn to run Go code.
	runtime.GOMAXPROCS(max(4, runtime.NumCPU()))
	machine := report.ThisMachine()
	shop, err := launch.NewWorkshop(ctx)
	if err != nil {
		return err
	}
	servers, err := shop.Prepare(ctx, cfg.targets)
	if err != nil {
		return err
	}
	samples, err := measureAll(ctx, cfg, servers)
	if err != nil {
		return err
	}
	rows := summarize(samples)
	facts := []report.Fact{
		{Name: "machine", Text: machine.String()},
		{Name: "command", Text: report.Call()},
		{Name: "versions", Text: machine.Go + ", " + launch.Versions(ctx, servers)},
		{Name: "load", Text: fmt.Sprintf("GET / on %d connections beside %d others for %v after %v, %d workers per server",
			cfg.conns, cfg.conns, cfg.duration, cfg.warmup, cfg.workers)},
		{Name: "values", Text: fmt.Sprintf("medians of %d rounds in turns (min..max)", cfg.rounds)},
	}
	return report.PrintMarkdown(os.Stdout, facts, report.NewTable(columns, rows), notes(rows))
}
