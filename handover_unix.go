//go:build unix

package tako

import (
	"bufio"
	"context"
	"encoding/json"
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

func handoverSignals() []os.Signal { return []os.Signal{syscall.SIGUSR2} }

// handOver starts a new process on the sockets of the servers and returns when that serves
// and these servers have let go of what both cannot have. If it fails no new process is left.
func (r Runner) handOver(ctx context.Context, servers []Server) error {
	began := time.Now()
	var left legacy
	defer left.close()
	f := family{parent: os.Getpid()}
	for i, s := range servers {
		if err := left.add(s); err != nil {
			return fmt.Errorf("sockets of server %d: %w", i, err)
		}
		if strings.HasPrefix(left.files[i][0].Name(), foreign) {
			f.pass(i)
		}
		f.counts = append(f.counts, len(left.files[i]))
	}
	next, err := startSuccessor(r.program, f, &left)
	if err != nil {
		return err
	}
	defer next.close()
	err = next.awaitUp(ctx, r.HandoverTimeout)
	if err == nil {
		r.notify("MAINPID=" + strconv.Itoa(next.pid)) // by this one, which the manager believes, and which may end soon
		if err = next.begin(); err != nil {
			r.notify("MAINPID=" + strconv.Itoa(os.Getpid()))
		}
	}
	if err != nil {
		next.kill()
		return fmt.Errorf("new process %d: %w", next.pid, err)
	}
	if err := left.release(); err != nil { // it has what there is, and drains what it has
		r.Log.Error("a socket was not let go of", "err", err)
	}
	r.Log.Info("handed over", "pid", next.pid, "elapsed", time.Since(began).Round(time.Millisecond))
	return nil
}

// programPath is where the program was started from, which is where the next one is looked for: the
// name that it was called by, as a link to the current release, if that is this program now.
func programPath() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	called, err := exec.LookPath(os.Args[0])
	if err != nil {
		return path
	}
	if called, err = filepath.Abs(called); err != nil {
		return path
	}
	here, err := os.Stat(path)
	there, thereErr := os.Stat(called)
	if err == nil && thereErr == nil && os.SameFile(here, there) {
		return called
	}
	return path
}

// A successor is the new process as the old one sees it.
type successor struct {
	pid     int
	process *os.Process
	notices *os.File
	hold    *os.File // a byte has it serve, and the end tells that all sockets were let go of
	ended   chan struct{}
}

func startSuccessor(path string, f family, left *legacy) (*successor, error) {
	notices, noticesEnd, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer noticesEnd.Close()
	holdEnd, hold, err := os.Pipe()
	if err != nil {
		_ = notices.Close()
		return nil, err
	}
	defer holdEnd.Close()
	fds := []uintptr{0, 1, 2, noticesEnd.Fd(), holdEnd.Fd()}
	sockets, err := descriptors(left)
	defer closeSockets(sockets)
	for _, fd := range sockets {
		fds = append(fds, uintptr(fd))
	}
	pid := 0
	if err == nil {
		pid, _, err = syscall.StartProcess(path, os.Args, &syscall.ProcAttr{Env: successorEnviron(f), Files: fds})
	}
	if err != nil {
		_, _ = notices.Close(), hold.Close()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	process, _ := os.FindProcess(pid) // has no error on Unix
	next := &successor{pid: pid, process: process, notices: notices, hold: hold, ended: make(chan struct{})}
	go func() {
		_, _ = process.Wait()
		close(next.ended)
	}()
	return next, nil
}

// descriptors returns duplicates of all files.
func descriptors(left *legacy) (all []int, err error) {
	for _, files := range left.files {
		for _, f := range files {
			fd, err := duplicate(f)
			if err != nil {
				return all, err
			}
			all = append(all, fd)
		}
	}
	return all, nil
}

// awaitUp waits until the new process listens.
func (n *successor) awaitUp(ctx context.Context, within time.Duration) error {
	heard := make(chan error, 1)
	go func() { heard <- n.listen() }()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case err := <-heard:
		return err
	case <-n.ended: // others may have the pipe; what it has said is there
		_ = n.notices.SetReadDeadline(time.Now().Add(lastWords))
		return <-heard
	case <-timer.C:
		return fmt.Errorf("is not up after %v", within)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// listen reads what the new process tells, which is one line or nothing.
func (n *successor) listen() error {
	var told notice
	line, err := bufio.NewReader(n.notices).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &told)
	}
	switch {
	case err != nil:
		return errors.New("ended before it was up")
	case told.Error != "":
		return errors.New(told.Error)
	case !told.Up:
		return errors.New("is not up")
	}
	return nil
}

// begin has the new process serve. Until then it may be killed, and no client notices.
func (n *successor) begin() error {
	if _, err := n.hold.Write([]byte{1}); err != nil {
		return errors.New("ended as it came up")
	}
	return nil
}

// kill ends a new process that did not come up.
func (n *successor) kill() {
	_ = n.process.Kill()
	<-n.ended
}

func (n *successor) close() {
	_, _ = n.notices.Close(), n.hold.Close()
}
