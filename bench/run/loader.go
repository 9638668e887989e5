package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/tako-go/tako/bench/internal/launch"
	"github.com/tako-go/tako/bench/internal/wire"
)

// loader loads servers with what the scenario asks for.
type loader struct {
	// wrk and h2load are empty when no scenario needs them.
	wrk, h2load string
	load        load
	// conns is how many connections are measured.
	conns int
	// variant is how connections begin, where the scenario has variants.
	variant variant
	// span is what the server uses, nil when nobody asks.
	span *span
	// files is a folder for those that servers send.
	files string
	// scripts is a folder for what the load generators read.
	scripts string
	pair    wire.Pair
}

// loadResult is what the load generator found, and what it used itself.
type loadResult struct {
	counts
	cpu time.Duration
}

// find looks for the load generators that the scenarios need.
func (l *loader) find(scenarios []scenario) (err error) {
	if slices.ContainsFunc(scenarios, func(s scenario) bool { return s.generator() == "wrk" }) {
		if l.wrk, err = findWrk(); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(scenarios, func(s scenario) bool { return s.generator() == "h2load" }) {
		l.h2load, err = findH2load()
	}
	return err
}

// versions are those of the load generators in use.
func (l loader) versions(ctx context.Context) (all []string) {
	if l.wrk != "" {
		all = append(all, launch.WrkVersion(ctx, l.wrk))
	}
	if l.h2load != "" {
		all = append(all, launch.H2loadVersion(ctx, l.h2load))
	}
	return all
}

// run loads one address.
func (l loader) run(ctx context.Context, addr string, s scenario, length time.Duration) (loadResult, error) {
	load := l.load
	load.Duration = length
	switch s.generator() {
	case "wrk":
		return l.runWrk(ctx, addr, s, load)
	case "h2load":
		return l.runH2load(ctx, addr, s, load)
	case "echo":
		return runEcho(ctx, addr, l.conns, length)
	case "datagrams":
		return runDatagrams(ctx, addr, l.conns, s.streams, length)
	case "live":
		return l.runLive(ctx, addr, s, l.conns, length)
	case "file":
		return runFile(ctx, addr, *s.file, l.conns, length)
	case "connections":
		return runConnections(ctx, addr, l.variant, l.conns, length)
	case "streams3":
		return runStreams3(ctx, addr, l.pair, l.conns, s, length)
	case "handshakes3":
		return runHandshakes3(ctx, addr, l.pair, l.conns, length)
	}
	return runHandshakes(ctx, addr, l.pair, l.conns, length)
}

// call runs a load generator and returns what it printed and the processor time it used.
func (l loader) call(ctx context.Context, path string, args []string) (out string, used time.Duration, err error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = launch.StopLimit
	var text, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &complaint
	if err := cmd.Run(); err != nil {
		return "", 0, fmt.Errorf("%s: %w: %s%s", filepath.Base(path), err, text.Bytes(), complaint.Bytes())
	}
	return text.String(), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}
