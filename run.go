package tako

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// Runner runs servers until a signal or its context ends them. The zero Runner is
// what [Run] uses.
type Runner struct {
	// Drain bounds the time that requests under way get to end.
	// Default: 30 s.
	Drain time.Duration
	// ReadyDelay is the time between readiness going off and the listeners closing,
	// for balancers to notice.
	// Default: 0.
	ReadyDelay time.Duration
	// Signals begin the drain; a second one cuts it short.
	// Default: SIGINT and SIGTERM. An empty, non-nil list means none.
	Signals []os.Signal
	// OnListen is called when all servers listen and none serves yet: their
	// addresses are known then.
	OnListen func()
	// Log gets what happens.
	// Default: slog.Default().
	Log *slog.Logger
}

// ErrCut is returned by Run when the drain ended before all requests did.
var ErrCut = errors.New("tako: drain cut connections off")

// Run runs the servers with a zero [Runner].
func Run(ctx context.Context, servers ...Server) (Report, error) {
	return Runner{}.Run(ctx, servers...)
}

// Run listens on all servers before it serves on any; if one cannot, none does
// and its error is returned. It serves until ctx is done, a signal comes, or a
// server fails, and then drains: readiness off, ReadyDelay, and all servers shut
// down at the same time. The error is nil after a clean drain, and matches
// [ErrCut] if connections were cut.
func (r Runner) Run(ctx context.Context, servers ...Server) (Report, error) {
	r = r.withDefaults()
	if r.Drain < 0 || r.ReadyDelay < 0 {
		return Report{}, fmt.Errorf("tako: negative Drain or ReadyDelay")
	}
	signals := make(chan os.Signal, 2)
	if len(r.Signals) > 0 {
		signal.Notify(signals, r.Signals...)
		defer signal.Stop(signals)
	}
	if err := r.listen(ctx, servers); err != nil {
		r.Log.Error("cannot start", "err", err)
		return Report{}, err
	}
	if r.OnListen != nil {
		r.OnListen()
	}
	failed := make(chan error, len(servers))
	for _, s := range servers {
		r.Log.Info("listening", "server", serverLine(s))
		go func() {
			failed <- s.Serve()
		}()
	}
	var err error
	select {
	case <-ctx.Done():
		r.Log.Info("draining", "reason", context.Cause(ctx))
	case sig := <-signals:
		r.Log.Info("draining", "reason", sig.String())
	case err = <-failed: // nil if somebody else has shut it down
		r.Log.Error("draining", "reason", "a server ended", "err", err)
	}
	report, cut := r.drain(servers, signals)
	r.Log.Info("stopped", "report", report.String())
	return report, errors.Join(err, ended(failed), cut)
}

// ended returns the errors of servers that have ended meanwhile.
func ended(failed <-chan error) error {
	var errs []error
	for {
		select {
		case err := <-failed:
			errs = append(errs, err)
		default:
			return errors.Join(errs...)
		}
	}
}

func (r Runner) withDefaults() Runner {
	if r.Drain == 0 {
		r.Drain = 30 * time.Second
	}
	if r.Signals == nil {
		r.Signals = []os.Signal{os.Interrupt, syscall.SIGTERM}
	}
	if r.Log == nil {
		r.Log = slog.Default()
	}
	return r
}

// listen binds all servers, or none.
func (r Runner) listen(ctx context.Context, servers []Server) error {
	if len(servers) == 0 {
		return errors.New("tako: nothing to run")
	}
	for i, s := range servers {
		err := s.Listen(ctx)
		if err == nil {
			continue
		}
		done, cancel := context.WithCancel(context.Background())
		cancel()
		for _, before := range servers[:i] {
			_, _ = before.Shutdown(done)
		}
		return err
	}
	return nil
}

func (r Runner) drain(servers []Server, signals <-chan os.Signal) (Report, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	finished := make(chan struct{})
	defer close(finished)
	go func() {
		select {
		case sig := <-signals:
			r.Log.Warn("cutting the drain short", "reason", sig.String())
			cancel()
		case <-finished:
		}
	}()
	for _, s := range servers {
		if d, ok := s.(Drainer); ok {
			d.BeginDrain()
		}
	}
	wait(ctx, r.ReadyDelay)
	ctx, cancelDrain := context.WithTimeout(ctx, r.Drain)
	defer cancelDrain()
	var mu sync.Mutex
	var total Report
	var errs []error
	var group sync.WaitGroup
	for _, s := range servers {
		group.Go(func() {
			report, err := s.Shutdown(ctx)
			mu.Lock()
			defer mu.Unlock()
			total.Add(report)
			if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
				errs = append(errs, err)
			}
		})
	}
	group.Wait()
	if total.Cut > 0 {
		errs = append(errs, fmt.Errorf("%w: %d", ErrCut, total.Cut))
	}
	return total, errors.Join(errs...)
}

func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
