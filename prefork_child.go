//go:build unix

package tako

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

var errParentGone = errors.New("tako: the parent process is gone")

// runChild serves what the parent listens on.
func (p Prefork) runChild(ctx context.Context, servers []Server, owners []SocketOwner, text string) (Report, error) {
	if err := os.Unsetenv(preforkEnv); err != nil {
		return Report{}, fmt.Errorf("tako: prefork: %w", err)
	}
	notices, life, err := inherit(owners, text)
	if err != nil {
		p.Runner.Log.Error("cannot start", "pid", os.Getpid(), "err", err)
		return Report{}, err
	}
	defer notices.Close()
	defer life.Close()
	if _, set := os.LookupEnv("GOMAXPROCS"); !set {
		runtime.GOMAXPROCS((runtime.GOMAXPROCS(0) + p.Procs - 1) / p.Procs)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go awaitOrphanage(life, cancel)
	p.awaitSignal(ctx, cancel)

	r := p.Runner
	r.Signals, r.Handover, r.child = []os.Signal{}, []os.Signal{}, true
	r.Log = r.Log.With("pid", os.Getpid())
	r.OnListen = func() { tell(notices, notice{Up: true}) }
	report, err := r.Run(ctx, servers...)
	last := notice{Report: &report}
	if err != nil {
		last.Error = err.Error()
	}
	tell(notices, last)
	return report, err
}

// awaitSignal ends the serving at the first signal. The same one may come from
// the parent and, sent to the whole group, from a terminal or a service manager,
// so the others do nothing: also not while the program cleans up behind Run.
func (p Prefork) awaitSignal(ctx context.Context, cancel context.CancelCauseFunc) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, append([]os.Signal{syscall.SIGTERM}, p.Runner.Signals...)...)
	go func() {
		select {
		case sig := <-signals:
			cancel(errors.New(sig.String()))
		case <-ctx.Done():
		}
	}()
}

// awaitOrphanage ends the serving when the parent is gone.
func awaitOrphanage(life *os.File, cancel context.CancelCauseFunc) {
	_, err := io.Copy(io.Discard, life)
	if !errors.Is(err, os.ErrClosed) {
		cancel(errParentGone)
	}
}

func tell(notices *os.File, n notice) {
	text, err := json.Marshal(n)
	if err == nil {
		_, _ = notices.Write(append(text, '\n')) // a parent that is gone is noticed elsewhere
	}
}

// inherit gives the servers their sockets, and returns the two ends of the pipes
// from and to the parent.
func inherit(owners []SocketOwner, text string) (notices, life *os.File, err error) {
	notices, life, sockets, err := inheritFiles(preforkEnv, text)
	if err != nil {
		return nil, nil, err
	}
	if len(sockets) != len(owners) {
		err = fmt.Errorf("tako: prefork: the parent runs %d servers, this process %d", len(sockets), len(owners))
	}
	for i, files := range sockets {
		if err != nil {
			closeAllFiles(files)
			continue
		}
		err = owners[i].Inherit(files)
	}
	if err != nil {
		return nil, nil, errors.Join(err, notices.Close(), life.Close())
	}
	return notices, life, nil
}
