package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func findWrk() (string, error) {
	path, err := exec.LookPath("wrk")
	if err != nil {
		return "", errors.New("wrk not found; install it with apt install wrk, dnf install wrk or brew install wrk")
	}
	return path, nil
}

// wrk is the call as one would type it, less the address.
func (l load) wrk(conns int) []string {
	return []string{
		"-t" + strconv.Itoa(min(l.Threads, conns)),
		"-c" + strconv.Itoa(conns),
		fmt.Sprintf("-d%ds", l.Duration/time.Second),
	}
}

// runWrk records percentiles, which wrk always does; --latency only has them printed.
func (l loader) runWrk(ctx context.Context, addr string, s scenario, load load) (loadResult, error) {
	args := append(load.wrk(l.conns), "--latency")
	if text := luaScript(s); text != "" {
		script := filepath.Join(l.scripts, s.name+".lua")
		if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
			return loadResult{}, err
		}
		args = append(args, "-s", script)
	}
	out, used, err := l.call(ctx, l.wrk, append(args, s.protocol.Scheme()+"://"+addr+s.loaded.target))
	if err != nil {
		return loadResult{}, err
	}
	parsed, err := parseWrk(out)
	if err == nil {
		err = parsed.clean()
	}
	return loadResult{counts: parsed.counts, cpu: used}, err
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
