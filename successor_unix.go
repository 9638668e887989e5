//go:build unix

package tako

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

// predecessor is the process that has started this one to take its place; nil if there is none.
type predecessor struct {
	notices *os.File
	hold    *os.File // has a byte when this one is to serve, and ends when that has let go of all sockets, or is gone
}

// succeed gives the servers the sockets of the process before, if there is one.
func (r Runner) succeed(servers []Server) (*predecessor, error) {
	text, ok := os.LookupEnv(handoverEnv)
	if !ok || r.child {
		return nil, nil
	}
	if err := os.Unsetenv(handoverEnv); err != nil {
		return nil, fmt.Errorf("tako: hand-over: %w", err)
	}
	notices, hold, sockets, err := inheritFiles(handoverEnv, text)
	if err != nil {
		return nil, err
	}
	before := &predecessor{notices: notices, hold: hold}
	if len(sockets) != len(servers) {
		err = fmt.Errorf("tako: hand-over: the process before runs %d servers, this one %d", len(sockets), len(servers))
	}
	for i, files := range sockets {
		if err != nil {
			closeAllFiles(files)
			continue
		}
		if err = take(servers[i], files); err != nil {
			err = fmt.Errorf("tako: hand-over: sockets of server %d: %w", i, err)
		}
	}
	return before, err
}

// up tells that this process listens, and returns when it is to serve: the other has
// decided then not to kill it, or is gone.
func (b *predecessor) up() {
	b.tell(notice{Up: true})
	_, _ = b.hold.Read(make([]byte, 1))
}

// failed tells that this process does not come up.
func (b *predecessor) failed(err error) {
	if b != nil {
		b.tell(notice{Error: err.Error()})
		_ = b.hold.Close()
	}
}

func (b *predecessor) tell(n notice) {
	tell(b.notices, n)
	_ = b.notices.Close()
}

// awaitYield waits until the process before has let go of all sockets.
func (b *predecessor) awaitYield() {
	_, _ = io.Copy(io.Discard, b.hold)
	_ = b.hold.Close()
}

// inheritFiles returns what the process that started this one has left: two pipes and
// the sockets of each server.
func inheritFiles(variable, text string) (notices, life *os.File, sockets [][]*os.File, err error) {
	f, err := parseFamily(variable, text)
	if err != nil {
		return nil, nil, nil, err
	}
	// A program started by a child before it got here has the variable, too, and
	// must not use descriptors that are something else there.
	if f.parent != os.Getppid() {
		return nil, nil, nil, fmt.Errorf("%w: %s=%s", errParentGone, variable, text)
	}
	next := socketFD
	for _, n := range f.counts {
		next += n
	}
	for fd := noticeFD; fd < next; fd++ {
		syscall.CloseOnExec(fd)
	}
	if err := syscall.SetNonblock(lifeFD, true); err != nil { // so that waiting takes no thread
		return nil, nil, nil, fmt.Errorf("tako: inherit: %w", err)
	}
	next = socketFD
	for i, n := range f.counts {
		files := make([]*os.File, n)
		for j := range files {
			name := fmt.Sprintf("socket %d of server %d", j, i)
			if f.passed[i] {
				name = foreign + name
			}
			files[j] = os.NewFile(uintptr(next), name)
			next++
		}
		sockets = append(sockets, files)
	}
	return os.NewFile(noticeFD, "notices"), os.NewFile(lifeFD, "life"), sockets, nil
}

func closeAllFiles(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
