package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// loader runs wrk.
type loader struct {
	wrk  string
	load load
	// scripts is a folder for the Lua scripts of requests with a body.
	scripts string
}

// loadResult is what wrk found, and what it used itself.
type loadResult struct {
	wrkOutput
	wrkCPU time.Duration
}

func findWrk() (string, error) {
	path, err := exec.LookPath("wrk")
	if err != nil {
		return "", errors.New("wrk not found; install it with apt install wrk, dnf install wrk or brew install wrk")
	}
	return path, nil
}

// command is the call as one would type it, less the address.
func (l load) command() []string {
	return []string{
		"-t" + strconv.Itoa(l.Threads),
		"-c" + strconv.Itoa(l.Conns),
		fmt.Sprintf("-d%ds", l.Duration/time.Second),
	}
}

// run loads one address. Percentiles are always recorded; --latency only has
// them printed.
func (l loader) run(ctx context.Context, addr string, s scenario, length time.Duration) (loadResult, error) {
	load := l.load
	load.Duration = length
	args := append(load.command(), "--latency")
	if s.loaded.body != "" {
		script := filepath.Join(l.scripts, s.name+".lua")
		if err := os.WriteFile(script, []byte(luaScript(s.loaded)), 0o600); err != nil {
			return loadResult{}, err
		}
		args = append(args, "-s", script)
	}
	cmd := exec.CommandContext(ctx, l.wrk, append(args, "http://"+addr+s.loaded.target)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopLimit
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return loadResult{}, fmt.Errorf("wrk: %w: %s%s", err, out.Bytes(), complaint.Bytes())
	}
	parsed, err := parseWrk(out.String())
	if err == nil {
		err = parsed.clean()
	}
	state := cmd.ProcessState
	return loadResult{wrkOutput: parsed, wrkCPU: state.UserTime() + state.SystemTime()}, err
}

func luaScript(p probe) string {
	// A long bracket one level deeper than any in the text needs no escapes.
	open := ""
	for strings.Contains(p.body, "]"+open+"]") {
		open += "="
	}
	return fmt.Sprintf("wrk.method = %q\nwrk.headers[\"Content-Type\"] = %q\nwrk.body = [%s[%s]%s]\n",
		p.verb(), p.contentType(), open, p.body, open)
}
