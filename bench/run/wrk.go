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

	"github.com/tako-go/tako/bench/internal/launch"
)

// loader runs wrk.
type loader struct {
	wrk  string
	load load
	// conns is the one of load.Conns that is measured.
	conns int
	// scripts is a folder for the Lua scripts of requests that are no plain GET.
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
func (l load) command(conns int) []string {
	return []string{
		"-t" + strconv.Itoa(min(l.Threads, conns)),
		"-c" + strconv.Itoa(conns),
		fmt.Sprintf("-d%ds", l.Duration/time.Second),
	}
}

// run loads one address. Percentiles are always recorded; --latency only has
// them printed.
func (l loader) run(ctx context.Context, addr string, s scenario, length time.Duration) (loadResult, error) {
	load := l.load
	load.Duration = length
	args := append(load.command(l.conns), "--latency")
	if text := luaScript(s); text != "" {
		script := filepath.Join(l.scripts, s.name+".lua")
		if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
			return loadResult{}, err
		}
		args = append(args, "-s", script)
	}
	cmd := exec.CommandContext(ctx, l.wrk, append(args, "http://"+addr+s.loaded.target)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = launch.StopLimit
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

// luaScript is empty for a plain GET.
func luaScript(s scenario) string {
	var script strings.Builder
	if p := s.loaded; p.body != "" {
		// A long bracket one level deeper than any in the text needs no escapes.
		open := ""
		for strings.Contains(p.body, "]"+open+"]") {
			open += "="
		}
		fmt.Fprintf(&script, "wrk.method = %q\nwrk.headers[\"Content-Type\"] = %q\nwrk.body = [%s[%s]%s]\n",
			p.verb(), p.contentType(), open, p.body, open)
	}
	if s.newConn {
		// wrk connects again when the answer says that the connection ends.
		script.WriteString("wrk.headers[\"Connection\"] = \"close\"\n")
	}
	if s.pipelined > 1 {
		// wrk counts the requests in the text, and the answers one by one.
		fmt.Fprintf(&script, "local batch\nfunction init()\n\tbatch = string.rep(wrk.format(), %d)\nend\n"+
			"function request() return batch end\n", s.pipelined)
	}
	return script.String()
}
