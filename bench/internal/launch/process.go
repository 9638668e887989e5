package launch

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tako-go/tako/bench/internal/wire"
)

// StopLimit is how long a process may take to end before it is killed.
const StopLimit = 3 * time.Second

const startLimit = 10 * time.Second

// Server is a target that was built.
type Server struct {
	Target
	path, root string
}

// Process is one running server.
type Process struct {
	// Addr is where it listens.
	Addr string

	name   string
	cmd    *exec.Cmd
	stderr *bytes.Buffer
}

// PID is the process to account for, with its descendants.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Start runs the server for HTTP/1.1 in clear text on a port the kernel picks and
// waits until it listens. The process ends with ctx at the latest.
func (s Server) Start(ctx context.Context, workers int) (*Process, error) {
	return s.StartFor(ctx, workers, wire.HTTP1, wire.Pair{})
}

// StartFor is Start for another protocol, which not all servers know. The pair is for those
// over TLS, and more are options that the scenario needs.
func (s Server) StartFor(ctx context.Context, workers int, protocol wire.Protocol, pair wire.Pair, more ...string) (*Process, error) {
	args := append([]string{"-addr", "127.0.0.1:0", "-workers", strconv.Itoa(workers)}, s.args...)
	args = append(args, protocol.Options(pair)...)
	if s.Own() {
		args = append(args, echoOptions(protocol)...)
	}
	p := &Process{name: s.Name, cmd: exec.CommandContext(ctx, s.path, append(args, more...)...), stderr: new(bytes.Buffer)}
	// What quic-go says of its buffers is the same for all.
	p.cmd.Env = append(os.Environ(), "QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING=true")
	p.cmd.Stderr = p.stderr
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = StopLimit
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if p.Addr, err = awaitListening(stdout); err != nil {
		p.Stop()
		return nil, fmt.Errorf("%s: %w%s", s.Name, err, p.Complaint())
	}
	return p, nil
}

// echoOptions are those of our server, which rivals that echo do not need.
func echoOptions(protocol wire.Protocol) []string {
	switch protocol {
	case wire.Raw:
		return []string{"-echo"}
	case wire.Datagrams:
		return []string{"-datagrams"}
	}
	return nil
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

// Stop asks the server to end, and makes it end, with a word about it, when it
// does not.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(StopLimit, func() {
		fmt.Fprintf(os.Stderr, "%s did not end within %v and is killed\n", p.name, StopLimit)
		_ = p.cmd.Process.Kill()
	})
	defer timer.Stop()
	_ = p.cmd.Wait()
}

// Said is what the server wrote to standard error, on one or more lines. It may
// be called only after Stop.
func (p *Process) Said() string { return strings.TrimSpace(p.stderr.String()) }

// Counted finds what our server counted among what it said, such as "mallocs",
// and is empty when it did not. It may be called only after Stop.
func (p *Process) Counted(name string) string {
	for line := range strings.Lines(p.Said()) {
		if count, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(count)
		}
	}
	return ""
}

// Complaint is what the server wrote to standard error, for error messages.
// It may be called only after Stop.
func (p *Process) Complaint() string {
	text := p.Said()
	if text == "" {
		return ""
	}
	const most = 2000
	if len(text) > most {
		text = "..." + text[len(text)-most:]
	}
	return "\n" + text
}
