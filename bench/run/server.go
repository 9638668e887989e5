package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	startLimit = 10 * time.Second
	stopLimit  = 3 * time.Second
)

// server is a target that was built.
type server struct {
	target
	path string
}

// process is one running server.
type process struct {
	cmd    *exec.Cmd
	addr   string
	stderr *bytes.Buffer
}

// start runs the server on a port the kernel picks and waits until it listens.
// The process ends with ctx at the latest.
func (s server) start(ctx context.Context, workers int) (*process, error) {
	args := append([]string{"-addr", "127.0.0.1:0", "-workers", strconv.Itoa(workers)}, s.args...)
	p := &process{cmd: exec.CommandContext(ctx, s.path, args...), stderr: new(bytes.Buffer)}
	p.cmd.Stderr = p.stderr
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = stopLimit
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if p.addr, err = awaitListening(stdout); err != nil {
		p.stop()
		return nil, fmt.Errorf("%s: %w%s", s.name, err, p.complaint())
	}
	return p, nil
}

// awaitListening returns the address that the server announces, and goes on
// reading so that the server never blocks on its output.
func awaitListening(stdout io.Reader) (string, error) {
	found := make(chan string, 1)
	go func() {
		defer close(found)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if addr, ok := strings.CutPrefix(lines.Text(), "listening "); ok {
				found <- strings.TrimSpace(addr)
				break
			}
		}
		_, _ = io.Copy(io.Discard, stdout)
	}()
	select {
	case addr, ok := <-found:
		if !ok {
			return "", fmt.Errorf("ended before it listened")
		}
		return addr, nil
	case <-time.After(startLimit):
		return "", fmt.Errorf("did not listen within %v", startLimit)
	}
}

// stop asks the server to end, and makes it end when it does not.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(stopLimit, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	_ = p.cmd.Wait()
}

// complaint is what the server wrote to standard error, for error messages.
// It may be called only after stop.
func (p *process) complaint() string {
	text := strings.TrimSpace(p.stderr.String())
	if text == "" {
		return ""
	}
	const most = 2000
	if len(text) > most {
		text = "..." + text[len(text)-most:]
	}
	return "\n" + text
}
