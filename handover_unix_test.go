//go:build unix

package tako_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// What the processes of a dynasty log.
const (
	handedOver = "handed over"
	notHanded  = "hand-over failed, going on"
)

// reigning is a dynasty under test.
type reigning struct {
	*running
	dir     string
	path    string // of the executable
	network string
	place   string // of its socket
	client  *http.Client
}

// crown starts the first process of a dynasty, from an executable of its own that a test may
// replace, in a process group of its own.
func crown(t *testing.T, d dynasty, env ...string) *reigning {
	t.Helper()
	dir, err := os.MkdirTemp("", "tako") // t.TempDir may be too long for a socket
	assert.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r := &reigning{dir: dir, path: filepath.Join(dir, "program"), network: "tcp"}
	if d.Unix != "" {
		r.network, d.Unix = "unix", filepath.Join(dir, d.Unix)
		r.place = d.Unix
	}
	if d.Version == "" {
		d.Version = "first"
	}
	assert.NoError(t, link(thisBinary(t), r.path))
	stderr, logEnd, err := os.Pipe()
	assert.NoError(t, err)
	r.running = &running{t: t, cmd: exec.Command(r.path), gone: make(chan struct{})}
	// The collector would close files that were forgotten.
	r.cmd.Env = append(os.Environ(), "GORACE="+os.Getenv("GORACE")+" atexit_sleep_ms=0", "GOGC=off", d.environ())
	r.cmd.Env = append(r.cmd.Env, env...)
	r.cmd.Stdout, r.cmd.Stderr = logEnd, logEnd
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	assert.NoError(t, r.cmd.Start())
	_ = logEnd.Close()
	go func() {
		defer close(r.gone)
		defer stderr.Close()
		r.read(stderr)
	}()
	t.Cleanup(r.clean)
	r.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: r.dial}, Timeout: patience}
	if r.place == "" {
		r.place = r.addr()
	}
	r.await(1, "listening")
	return r
}

func (d dynasty) environ() string {
	text, err := json.Marshal(d)
	if err != nil {
		panic(err)
	}
	return dynastyEnv + "=" + string(text)
}

func thisBinary(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	assert.NoError(t, err)
	return exe
}

// link gives a file another name, or makes a copy if that is elsewhere.
func link(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	return duplicated(from, to)
}

func duplicated(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	// A process that another test forks just now would have the file open for writing, so that
	// it could not be started.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	return err
}

// replace puts another executable in the place of the one that runs, as an installer does it:
// a script.
func (r *reigning) replace(script string) {
	r.t.Helper()
	next := r.path + ".next"
	syscall.ForkLock.RLock()
	err := os.WriteFile(next, []byte("#!/bin/sh\n"+script+"\n"), 0o700)
	syscall.ForkLock.RUnlock()
	assert.NoError(r.t, err)
	assert.NoError(r.t, os.Rename(next, r.path))
}

// as is the script that runs another version of the program.
func (r *reigning) as(d dynasty) string {
	name, value, _ := strings.Cut(d.environ(), "=")
	return fmt.Sprintf("export %s='%s'\nexec '%s'", name, value, thisBinary(r.t))
}

// restore puts the first executable back.
func (r *reigning) restore() {
	r.t.Helper()
	_ = os.Remove(r.path) // which may be gone
	assert.NoError(r.t, link(thisBinary(r.t), r.path))
}

func (r *reigning) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, r.network, r.place)
}

// look asks on a connection of its own.
func (r *reigning) look(query string) (seen ruler) {
	r.t.Helper()
	seen, err := ask(r.client, "/"+query)
	assert.NoError(r.t, err)
	return seen
}

func ask(client *http.Client, path string) (seen ruler, err error) {
	res, err := client.Get("http://a.example" + path)
	if err != nil {
		return seen, err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&seen); err != nil {
		return seen, fmt.Errorf("status %d: %w", res.StatusCode, err)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return seen, err
}

func (r *reigning) kill(pid int, sig syscall.Signal) {
	r.t.Helper()
	assert.NoError(r.t, syscall.Kill(pid, sig))
}

// succeeds has a process hand over, the nth of all, and returns the next one.
func (r *reigning) succeeds(pid, n int) int {
	r.t.Helper()
	r.kill(pid, syscall.SIGUSR2)
	l := r.await(n, handedOver)[n-1]
	assert.Equal(r.t, l.Self, pid, "who hands over")
	return l.Pid()
}

// Pid is the process that a line is about.
func (l line) Pid() int {
	var about struct {
		Pid int `json:"pid"`
	}
	_ = json.Unmarshal([]byte(l.text), &about)
	return about.Pid
}

// last returns what a process logs at its end.
func (r *reigning) last(pid int) (out outcome, served int) {
	r.t.Helper()
	var last struct {
		Outcome outcome `json:"outcome"`
		Served  int     `json:"served"`
	}
	assert.Eventually(r.t, patience, fmt.Sprintf("end of %d", pid), func() bool {
		for _, l := range r.log("end") {
			if l.Self == pid {
				return json.Unmarshal([]byte(l.text), &last) == nil
			}
		}
		return false
	})
	return last.Outcome, last.Served
}

// goesCleanly waits until a process has ended as it should.
func (r *reigning) goesCleanly(pid int) (served int) {
	r.t.Helper()
	out, served := r.last(pid)
	assert.Equal(r.t, out.Error, "", "error of the old process")
	assert.Equal(r.t, out.Report.Cut, 0, "connections cut")
	if pid == r.cmd.Process.Pid {
		r.reap(0)
	}
	return served
}

// reap waits for the first process.
func (r *reigning) reap(code int) {
	r.t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = r.cmd.Wait()
	}()
	select {
	case <-ended:
	case <-time.After(patience):
		r.t.Fatal("the first process does not end")
	}
	assert.Equal(r.t, r.cmd.ProcessState.ExitCode(), code, "exit code")
}

// abdicate ends the last process, and waits until nobody is left.
func (r *reigning) abdicate(pid int) (served int) {
	r.t.Helper()
	r.kill(pid, syscall.SIGTERM)
	served = r.goesCleanly(pid)
	select {
	case <-r.gone:
	case <-time.After(patience):
		r.t.Fatal("a process is left")
	}
	return served
}

// clean leaves no process behind.
func (r *reigning) clean() {
	select {
	case <-r.gone:
	default:
		_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
		<-r.gone
	}
	_ = r.cmd.Wait()
	if r.t.Failed() {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, l := range r.lines[:min(len(r.lines), 100)] {
			r.t.Log(l.text)
		}
	}
}

// Each process is started anew from the file, with the sockets of the one before.
func TestHandover(t *testing.T) {
	t.Parallel()
	r := crown(t, dynasty{})
	first := r.look("?files=1")
	assert.Equal(t, first, ruler{Version: "first", Pid: r.cmd.Process.Pid, Files: first.Files})
	next := r.succeeds(first.Pid, 1)
	r.goesCleanly(first.Pid)
	second := r.look("?files=1")
	assert.Equal(t, second, ruler{Version: "first", Pid: next, Files: second.Files}, "the next one")
	assert.Eventually(t, patience, "no more descriptors than the first", func() bool { return r.look("?files=1").Files <= first.Files })
	assert.Equal(t, len(r.log("begin")), 2, "processes")
	assert.Equal(t, slices.Contains([]int{first.Pid, 0}, next), false, "it is another")
	r.abdicate(next)
}
