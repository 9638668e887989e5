package tako

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
)

// Prefork runs the same program in several processes that share the listening
// sockets, for machines on which one process no longer scales. The zero Prefork
// is ready to use.
//
// The process that is started becomes the parent: it listens, starts the others,
// starts those again that end, and serves nothing itself. Its children are the
// same executable with the same arguments; what the program does before Run is
// done in each of them, and they serve when they reach Run. They share no memory:
// sessions, counters and limits are those of a process unless a store holds them.
//
// It needs a Unix system, and servers that are a [SocketOwner]. On Windows
// children cannot inherit sockets this way.
type Prefork struct {
	// Procs is the number of processes that serve. Each gets its share of
	// GOMAXPROCS, at least 1, unless the environment sets that.
	// Default: runtime.GOMAXPROCS(0), which knows the CPU limit of a container.
	Procs int
	// Runner says how each process drains, and when. OnListen is called in the
	// parent only, before there are children. The parent has the Signals; in a
	// child the first of them, or SIGTERM, drains, and further ones do nothing.
	Runner Runner
	// MinBackoff is the delay before a process that ended is started again. It
	// doubles up to MaxBackoff, until one has lived for MaxBackoff.
	// Default: 100 ms.
	MinBackoff time.Duration
	// MaxBackoff is the longest delay.
	// Default: 10 s.
	MaxBackoff time.Duration
	// ExitTimeout is what a process gets beyond ReadyDelay and Drain to report
	// and exit. Then it is killed.
	// Default: 5 s.
	ExitTimeout time.Duration
}

// Run listens on all servers, or returns the error if one cannot, and runs the
// processes until ctx is done or a signal comes. One process goes ahead; the
// others follow when it is up. If it ends five times before it is up, Run gives up
// and returns an error.
//
// The drain passes SIGTERM on to all processes and waits until they have exited;
// a second signal kills them. The Report is the sum of theirs. The error matches
// [ErrCut] if connections were cut or a process died while it drained. Should the
// parent itself be killed, its children drain.
//
// SIGHUP is passed on while the processes serve, and does what it does without
// Prefork: it goes to the program's own handler, in each process, and ends a
// program that has none. The Handover signals of Runner do nothing: several processes
// cannot be handed over. The service manager hears of the parent alone, which is ready when
// the first process is up.
//
// In a child Run is [Runner.Run] on the parent's sockets. The environment
// variable that told it so is gone by then. It must be the call that started the
// child, with the same servers in the same order: a program calls it once.
//
// Where sockets cannot be inherited the error matches [errors.ErrUnsupported].
func (p Prefork) Run(ctx context.Context, servers ...Server) (Report, error) {
	p = p.withDefaults()
	if err := p.check(); err != nil {
		return Report{}, err
	}
	owners, err := socketOwners(servers)
	if err != nil {
		return Report{}, err
	}
	if family, ok := os.LookupEnv(preforkEnv); ok {
		return p.runChild(ctx, servers, owners, family)
	}
	return p.runParent(ctx, servers, owners)
}

// preforkEnv tells a child what it has inherited, see family.
const preforkEnv = "TAKO_PREFORK"

func (p Prefork) withDefaults() Prefork {
	p.Runner = p.Runner.withDefaults()
	if p.Procs == 0 {
		p.Procs = runtime.GOMAXPROCS(0)
	}
	if p.MinBackoff == 0 {
		p.MinBackoff = 100 * time.Millisecond
	}
	if p.MaxBackoff == 0 {
		p.MaxBackoff = max(10*time.Second, p.MinBackoff)
	}
	if p.ExitTimeout == 0 {
		p.ExitTimeout = 5 * time.Second
	}
	return p
}

func (p Prefork) check() error {
	switch {
	case p.Procs < 0:
		return fmt.Errorf("tako: negative Procs")
	case p.MinBackoff < 0 || p.MaxBackoff < p.MinBackoff:
		return fmt.Errorf("tako: negative MinBackoff, or more than MaxBackoff")
	case p.ExitTimeout < 0 || p.Runner.Drain < 0 || p.Runner.ReadyDelay < 0 || p.Runner.HandoverTimeout < 0:
		return fmt.Errorf("tako: negative ExitTimeout, Drain, ReadyDelay or HandoverTimeout")
	}
	return nil
}

// socketOwners returns the servers as what they must be.
func socketOwners(servers []Server) ([]SocketOwner, error) {
	owners := make([]SocketOwner, len(servers))
	for i, s := range servers {
		owner, ok := s.(SocketOwner)
		if !ok {
			return nil, fmt.Errorf("tako: server %d (%T) cannot share its sockets between processes: %w", i, s, errors.ErrUnsupported)
		}
		owners[i] = owner
	}
	return owners, nil
}

// processError says how a process ended badly.
type processError struct {
	pid  int
	text string
	cut  bool
}

// Error names the process.
func (e *processError) Error() string { return fmt.Sprintf("tako: process %d: %s", e.pid, e.text) }

// Is lets the error match ErrCut if connections were broken off.
func (e *processError) Is(target error) bool { return e.cut && target == ErrCut }
