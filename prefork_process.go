//go:build unix

package tako

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

// A process is one child, as its parent sees it.
type process struct {
	*os.Process
	seat    *seat
	started time.Time
	up      bool     // it listens and minds its signals
	life    *os.File // its closing tells the child that the parent is gone

	// What it ended with, set before its end is announced.
	last  notice
	state *os.ProcessState
	err   error // of waiting for it
}

// An event is that a process is up, or that it has ended.
type event struct {
	proc  *process
	ended bool
}

// A nursery is what all children are made from.
type nursery struct {
	family  family
	env     []string
	sockets []int // descriptors, closed on exec, that no poller watches
}

// start starts a child. Its events go to the channel, the last one when it has
// ended.
func (n *nursery) start(events chan<- event) (*process, error) {
	path, err := executable()
	if err != nil {
		return nil, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	notices, noticesEnd, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer noticesEnd.Close()
	lifeEnd, life, err := os.Pipe()
	if err != nil {
		_ = notices.Close()
		return nil, err
	}
	defer lifeEnd.Close()
	files := []uintptr{null.Fd(), 1, 2, noticesEnd.Fd(), lifeEnd.Fd()}
	for _, fd := range n.sockets {
		files = append(files, uintptr(fd))
	}
	// os.StartProcess would want files of the sockets, which a poller then watches:
	// each new connection would wake the parent.
	pid, _, err := syscall.StartProcess(path, os.Args, &syscall.ProcAttr{Env: n.env, Files: files})
	if err != nil {
		_, _ = notices.Close(), life.Close()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	own, _ := os.FindProcess(pid) // has no error on Unix
	p := &process{Process: own, started: time.Now(), life: life}
	go p.watch(notices, events)
	return p, nil
}

// executable returns the running program, also when its file was replaced since:
// a process that is started again must not be newer than the others.
func executable() (string, error) {
	path, err := os.Executable()
	if err != nil || runtime.GOOS != "linux" {
		return path, err
	}
	const self = "/proc/self/exe"
	running, err := os.Stat(self)
	if err != nil {
		return path, nil
	}
	if there, err := os.Stat(path); err == nil && os.SameFile(there, running) {
		return path, nil
	}
	return self, nil
}

// lastWords bounds the wait for the end of the notices of a process that has
// ended: a process it started may keep the pipe.
const lastWords = time.Second

func (p *process) watch(notices *os.File, events chan<- event) {
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		p.listen(notices, events)
	}()
	state, err := p.Wait()
	_ = notices.SetReadDeadline(time.Now().Add(lastWords))
	<-heard
	_ = notices.Close()
	_ = p.life.Close()
	p.state, p.err = state, err
	events <- event{proc: p, ended: true}
}

// listen reads the notices until their end.
func (p *process) listen(notices *os.File, events chan<- event) {
	up := false
	for lines := bufio.NewScanner(notices); lines.Scan(); {
		var n notice
		if json.Unmarshal(lines.Bytes(), &n) != nil {
			continue
		}
		if n.Up && !up {
			up = true
			events <- event{proc: p}
		}
		if n.Report != nil {
			p.last = n
		}
	}
}

// hungUp reports whether SIGHUP ended it.
func (p *process) hungUp() bool {
	if p.state == nil {
		return false
	}
	status, ok := p.state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGHUP
}

// fault returns what went wrong in a drain, nil if nothing did.
func (p *process) fault() error {
	switch {
	case p.last.Report == nil && !p.up:
		return nil // it had not begun to serve
	case p.last.Report == nil:
		return &processError{p.Pid, "died in the drain: " + p.ending(), true}
	case p.last.Error != "":
		return &processError{p.Pid, p.last.Error, p.last.Report.Cut > 0}
	case p.state == nil || !p.state.Success():
		return &processError{p.Pid, "ended badly after the drain: " + p.ending(), false}
	}
	return nil
}

// ok reports whether it has drained and exited as it should; nil has not.
func (p *process) ok() bool {
	return p != nil && p.last.Report != nil && p.fault() == nil
}

// ending says how it ended, as in "exit status 1".
func (p *process) ending() string {
	if p.err != nil {
		return p.err.Error()
	}
	return p.state.String()
}
