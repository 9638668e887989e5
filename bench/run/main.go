package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
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
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, cfg config) error {
	wrk, err := findWrk()
	if err != nil {
		return err
	}
	shop, err := newWorkshop(ctx)
	if err != nil {
		return err
	}
	servers, err := shop.prepare(ctx, cfg.targets)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)

	samples, err := measureAll(ctx, cfg, servers, loader{wrk: wrk, load: cfg.load, scripts: tmp})
	if err != nil {
		return err
	}
	report := newReport(cfg, servers, samples)
	if err := report.print(os.Stdout, cfg.markdown); err != nil {
		return err
	}
	if cfg.jsonFile == "" {
		return nil
	}
	return report.save(cfg.jsonFile)
}
