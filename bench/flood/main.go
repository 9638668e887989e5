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
	"github.com/tako-go/tako/bench/internal/live"
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
		fmt.Fprintln(os.Stderr, "flood:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, cfg config) error {
	machine := report.ThisMachine()
	shop, err := launch.NewWorkshop(ctx)
	if err != nil {
		return err
	}
	servers, err := shop.Prepare(ctx, cfg.targets)
	if err != nil {
		return err
	}
	var samples []sample
	for _, s := range servers {
		fmt.Fprintln(os.Stderr, s.Name)
		one, err := measure(ctx, cfg, s)
		if err != nil {
			return err
		}
		samples = append(samples, one)
	}
	facts := []report.Fact{
		{Name: "machine", Text: machine.String()},
		{Name: "command", Text: report.Call()},
		{Name: "versions", Text: machine.Go + ", " + launch.Versions(ctx, servers)},
		{Name: "load", Text: fmt.Sprintf("%d messages of %d bytes to %d members that read at once, %d that read %d bytes each %v, and %d that read nothing; %d workers per server",
			cfg.messages, live.NoteSize, cfg.counts[fast], cfg.counts[slow], slowRead, slowWait, cfg.counts[stalled], cfg.workers)},
	}
	return report.PrintMarkdown(os.Stdout, facts, report.NewTable(columns(cfg), samples), notes(samples))
}
