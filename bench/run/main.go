package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/tako-go/tako/bench/internal/launch"
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
	if err := launch.RaiseDescriptors(slices.Max(cfg.load.Conns) + 100); err != nil {
		return err
	}
	about := newReport(cfg)
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

	about.Versions = launch.WrkVersion(ctx, wrk) + ", " + launch.Versions(ctx, servers)
	about.reference = servers[0].Name
	about.Samples, err = measureAll(ctx, cfg, servers, loader{wrk: wrk, load: cfg.load, scripts: tmp})
	if err != nil {
		return err
	}
	if err := about.print(os.Stdout, cfg.markdown); err != nil {
		return err
	}
	if cfg.jsonFile == "" {
		return nil
	}
	return about.save(cfg.jsonFile)
}
