package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/tako-go/tako/bench/internal/launch"
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
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, cfg config) error {
	loader := loader{load: cfg.load}
	if err := loader.find(cfg.scenarios); err != nil {
		return err
	}
	if err := launch.RaiseDescriptors(mostConns(cfg) + 200); err != nil {
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

	loader.scripts, loader.files = tmp, filepath.Join(tmp, "files")
	if err := os.Mkdir(loader.files, 0o755); err != nil {
		return err
	}
	if err := writeFiles(loader.files, cfg.scenarios); err != nil {
		return err
	}
	if loader.pair, err = wire.NewPair(tmp); err != nil {
		return err
	}

	about.Versions = strings.Join(append(loader.versions(ctx), launch.Versions(ctx, servers)), ", ")
	about.reference = servers[0].Name
	if about.Samples, err = measureAll(ctx, cfg, servers, loader); err != nil {
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

// mostConns is how many connections are open at the same time.
func mostConns(cfg config) int {
	most := 0
	for _, s := range cfg.scenarios {
		most = max(most, slices.Max(s.connCounts(cfg.load)))
	}
	return most
}
