package conformance_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A server is a running process, or the last one of those that took over from one another.
type server struct {
	target
	addr, host, port string   // the first of its addresses
	addrs            []string // in the order of its list

	cmd    *exec.Cmd
	pid    int
	stderr logBuffer
	ups    chan up
	quiet  chan struct{} // closed when no process can say anything any more
	exited chan struct{}
	err    error // how the first process exited
	stop   sync.Once
}

// up is what a process says when it listens.
type up struct {
	addrs []string
	pid   int
}

// logBuffer is a bytes.Buffer that may be read while it is written to.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// start runs the server until the test ends.
func start(t *testing.T, to target) *server {
	t.Helper()
	s := launch(t, to, exec.Command(binary, to.args...))
	s.awaitUp(t)
	return s
}

// launch starts a command that is, or becomes, the server.
func launch(t *testing.T, to target, cmd *exec.Cmd) *server {
	t.Helper()
	s := &server{target: to, cmd: cmd, ups: make(chan up, 64), quiet: make(chan struct{}), exited: make(chan struct{})}
	// Pipes of our own: those that took over from the first process write to them, too.
	stdout, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, inErr, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stdout, s.cmd.Stderr = in, inErr
	err = s.cmd.Start()
	_, _ = in.Close(), inErr.Close()
	if err != nil {
		_, _ = stdout.Close(), stderr.Close()
		t.Fatal(err)
	}
	s.pid = s.cmd.Process.Pid
	go s.listen(stdout, stderr)
	go func() {
		s.err = s.cmd.Wait()
		close(s.exited)
	}()
	t.Cleanup(func() { s.finish(t) })
	return s
}

// listen reads what the processes say.
func (s *server) listen(stdout, stderr io.ReadCloser) {
	logged := make(chan struct{})
	go func() {
		defer close(logged)
		_, _ = io.Copy(&s.stderr, stderr)
		_ = stderr.Close()
	}()
	defer close(s.quiet)
	defer func() { <-logged }()
	defer stdout.Close()
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 4 || words[0] != "listening" {
			continue
		}
		pid, _ := strconv.Atoi(words[len(words)-1])
		s.ups <- up{addrs: words[1 : len(words)-2], pid: pid}
	}
}

// awaitUp waits until the server, or one that takes over from it, listens.
func (s *server) awaitUp(t *testing.T) {
	t.Helper()
	select {
	case u := <-s.ups:
		s.addrs, s.pid = u.addrs, u.pid
	case <-s.quiet:
		t.Fatalf("the server ended and has not said what it listens on:\n%s", tail(s.stderr.String()))
	case <-time.After(startLimit):
		t.Fatalf("the server has not said what it listens on:\n%s", tail(s.stderr.String()))
	}
	s.addr = s.addrs[0]
	s.host, s.port, _ = net.SplitHostPort(s.addr)
}

// drain asks the server to end, as its service manager would.
func (s *server) drain() {
	s.stop.Do(func() { _ = syscall.Kill(s.pid, syscall.SIGTERM) })
}

// finish demands that the server still serves, unless it was asked to end, and
// that it ends when it is asked.
func (s *server) finish(t *testing.T) {
	t.Helper()
	select {
	case <-s.quiet:
	default:
		s.drain()
		select {
		case <-s.quiet:
		case <-time.After(stopLimit):
			_ = syscall.Kill(s.pid, syscall.SIGKILL)
			_ = s.cmd.Process.Kill()
			t.Errorf("the server did not end within %v", stopLimit)
		}
	}
	<-s.exited
	if s.err != nil {
		t.Errorf("the server ended by itself: %v", s.err)
	}
	log := s.stderr.String()
	for _, bad := range []string{"panic", "DATA RACE"} {
		if at := strings.Index(log, bad); at >= 0 {
			t.Errorf("%s in the server's log:\n%.4000s", bad, log[at:])
		}
	}
	if t.Failed() {
		t.Logf("the end of the server's log:\n%s", tail(log))
	}
}

func tail(log string) string {
	const most = 4000
	if len(log) > most {
		return "..." + log[len(log)-most:]
	}
	return log
}
