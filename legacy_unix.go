//go:build unix

package tako

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// handoverEnv tells a new process what it has inherited, see family.
const handoverEnv = "TAKO_HANDOVER"

// A legacy is what a process leaves to the next one: the files of each server.
type legacy struct {
	files [][]*os.File
	// letGo are to be called when the next process is up.
	letGo []func() error
}

func (l *legacy) add(s Server) error {
	var files []*os.File
	var err error
	switch s := s.(type) {
	case Yielder:
		var letGo func() error
		if files, letGo, err = s.Yield(); err == nil {
			l.letGo = append(l.letGo, letGo)
		}
	case SocketOwner:
		files, err = s.Sockets()
	default:
		err = errors.New("it is neither a SocketOwner nor a Yielder")
	}
	if err == nil && len(files) == 0 {
		err = errors.New("no sockets")
	}
	if err == nil {
		l.files = append(l.files, files)
	}
	return err
}

// letGoWait bounds the time to let go of all sockets.
const letGoWait = 5 * time.Second

// release lets go of all sockets that the next process cannot share.
func (l *legacy) release() error {
	done := make(chan error, 1)
	go func() {
		var errs []error
		for _, letGo := range l.letGo {
			errs = append(errs, letGo())
		}
		done <- errors.Join(errs...)
	}()
	timer := time.NewTimer(letGoWait)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("it takes longer than %v", letGoWait)
	}
}

func (l *legacy) close() {
	for _, files := range l.files {
		for _, f := range files {
			_ = f.Close()
		}
	}
}

// take gives a server what is left to it.
func take(s Server, files []*os.File) error {
	switch s := s.(type) {
	case Yielder:
		return s.Succeed(files)
	case SocketOwner:
		return s.Inherit(files)
	}
	for _, f := range files {
		_ = f.Close()
	}
	return errors.New("it is neither a SocketOwner nor a Yielder")
}

// ownVariables are meant for one process alone.
var ownVariables = []string{handoverEnv, "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"}

// successorEnviron is the environment of a new process: without what was meant for this one
// alone.
func successorEnviron(f family) []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool {
		name, _, _ := strings.Cut(s, "=")
		return slices.Contains(ownVariables, name)
	})
	return append(env, handoverEnv+"="+f.String())
}
