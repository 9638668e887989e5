//go:build unix

package tako

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"syscall"
	"time"
)

// maxStarts is how often the first process may end before it is up.
const maxStarts = 5

// A seat is the place of one process, whichever holds it.
type seat struct {
	proc  *process      // nil while there is none
	last  *process      // that had it before, until another is started
	delay time.Duration // before the next start
	timer *time.Timer   // of that start
}

// A supervisor keeps the seats taken. All its fields belong to the goroutine that
// called run.
type supervisor struct {
	Prefork
	nursery
	signals, hangups, handovers <-chan os.Signal

	events chan event
	due    chan *seat // whose delay has passed
	seats  []*seat
	up     bool // a process has been
	fails  int  // processes that ended before
	alive  int

	// What the drain has brought so far.
	total  Report
	faults []error
}

// run has the processes serve until something ends that, and drains them.
func (v *supervisor) run(ctx context.Context) (Report, error) {
	reason, err := "", v.start(v.addSeat())
	for reason == "" && err == nil {
		select {
		case <-ctx.Done():
			reason = context.Cause(ctx).Error()
		case sig := <-v.signals:
			reason = sig.String()
		case sig := <-v.hangups:
			v.signal(sig, func(p *process) bool { return p.up })
		case sig := <-v.handovers:
			v.Runner.Log.Warn("several processes cannot be handed over, going on", "signal", sig.String(), "pid", os.Getpid())
		case s := <-v.due:
			err = v.start(s)
		case e := <-v.events:
			if !e.ended {
				err = v.isUp(e.proc)
			} else {
				err = v.ended(e.proc)
			}
		}
	}
	if err != nil {
		reason = err.Error()
	}
	v.Runner.Log.Info("draining", "reason", reason, "processes", v.alive, "pid", os.Getpid())
	v.Runner.notify("STOPPING=1")
	report, drainErr := v.drain()
	return report, errors.Join(err, drainErr)
}

func (v *supervisor) addSeat() *seat {
	s := new(seat)
	v.seats = append(v.seats, s)
	return s
}

// start starts a process, or plans to try again.
func (v *supervisor) start(s *seat) error {
	proc, err := v.nursery.start(v.events)
	if err != nil {
		return v.again(s, 0, slog.LevelError, err)
	}
	proc.seat, s.proc, s.last = s, proc, nil
	v.alive++
	return nil
}

// isUp lets the others follow the first, which can serve all clients.
func (v *supervisor) isUp(p *process) error {
	v.Runner.Log.Info("process is up", "child", p.Pid, "took", time.Since(p.started))
	if !v.up {
		v.Runner.notify("READY=1")
	}
	p.up, v.up = true, true
	var errs []error
	for len(v.seats) < v.Procs {
		errs = append(errs, v.start(v.addSeat()))
	}
	return errors.Join(errs...)
}

// ended plans another process for one that has ended.
func (v *supervisor) ended(p *process) error {
	p.seat.proc, p.seat.last = nil, p
	v.alive--
	err := &processError{pid: p.Pid, text: p.ending()}
	if p.last.Error != "" {
		err.text += ": " + p.last.Error
	}
	if p.hungUp() {
		return fmt.Errorf("%w: the program has no handler for it", err)
	}
	level := slog.LevelError
	if p.ok() {
		level = slog.LevelInfo
	}
	return v.again(p.seat, time.Since(p.started), level, err, "child", p.Pid, "code", p.state.ExitCode())
}

// again plans the next start on a seat whose process ended or could not be
// started. It returns an error when there is no point in that.
func (v *supervisor) again(s *seat, lived time.Duration, level slog.Level, cause error, about ...any) error {
	if !v.up {
		if v.fails++; v.fails == maxStarts {
			return fmt.Errorf("tako: prefork: no process came up in %d starts, the last: %w", maxStarts, cause)
		}
	}
	if s.delay == 0 || lived >= v.MaxBackoff {
		s.delay = v.MinBackoff
	} else {
		s.delay = min(2*s.delay, v.MaxBackoff)
	}
	v.Runner.Log.Log(context.Background(), level, "process ended, starting another", append(about, "err", cause, "delay", s.delay)...)
	s.timer = time.AfterFunc(s.delay, func() { v.due <- s }) // has room for one of each seat
	return nil
}

// signal sends a signal to the processes that are wanted.
func (v *supervisor) signal(sig os.Signal, wanted func(*process) bool) {
	for _, s := range v.seats {
		if s.proc == nil || !wanted(s.proc) {
			continue
		}
		if err := s.proc.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
			v.Runner.Log.Error("cannot signal a process", "child", s.proc.Pid, "signal", sig.String(), "err", err)
		}
	}
}

func all(*process) bool { return true }

// drain ends all processes and returns the sum of their reports.
func (v *supervisor) drain() (Report, error) {
	for _, s := range v.seats {
		if s.timer != nil {
			s.timer.Stop()
		}
		if s.last.ok() { // it may have seen a signal to the whole group before the parent did
			v.total.Add(*s.last.last.Report)
		}
	}
	v.signal(syscall.SIGTERM, all)
	// From when the children stop accepting new clients are to be refused, not to
	// queue where nobody will look.
	stop := time.NewTimer(v.Runner.ReadyDelay)
	defer stop.Stop()
	limit := time.NewTimer(v.Runner.ReadyDelay + v.Runner.Drain + v.ExitTimeout)
	defer limit.Stop()
	defer func() { closeSockets(v.sockets) }()
	for v.alive > 0 {
		select {
		case <-stop.C:
			closeSockets(v.sockets)
			v.sockets = nil
		case <-limit.C:
			v.Runner.Log.Error("killing processes that have not ended in time", "processes", v.alive)
			v.signal(syscall.SIGKILL, all)
		case sig := <-v.signals:
			v.Runner.Log.Warn("killing the processes", "reason", sig.String(), "processes", v.alive)
			v.signal(syscall.SIGKILL, all)
		case <-v.hangups:
		case e := <-v.events:
			if e.ended {
				v.drained(e.proc)
			} else {
				e.proc.up = true
			}
		}
	}
	return v.total, errors.Join(v.faults...)
}

// drained takes down how a process ended in the drain.
func (v *supervisor) drained(p *process) {
	p.seat.proc = nil
	v.alive--
	if p.last.Report != nil {
		v.total.Add(*p.last.Report)
	}
	v.faults = append(v.faults, p.fault())
}
