package tako

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tako-go/tako/internal/succession"
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
	// Reload are signals on which servers that are a [Reloader] read their certificates
	// again. What goes wrong is logged, and the old ones stay.
	// Default: SIGHUP, if there is such a server and the process does not ignore it. An
	// empty, non-nil list means none.
	Reload []os.Signal
	// Handover are signals on which the program is started anew, from the file that it was
	// started from and with the same arguments, and takes the sockets over: the new process
	// serves before this one drains and Run returns. If it does not come up, this one goes on.
	// The sockets are those of this one, whatever addresses the new one is configured with.
	// Default: SIGUSR2 on Unix systems. An empty, non-nil list means none.
	Handover []os.Signal
	// HandoverTimeout bounds the time until the new process listens.
	// Default: 1 min.
	HandoverTimeout time.Duration
	// OnListen is called when all servers listen and none serves yet: their
	// addresses are known then.
	OnListen func()
	// Log gets what happens.
	// Default: slog.Default().
	Log *slog.Logger

	child   bool   // of a Prefork, whose parent speaks with the service manager
	program string // the file that a hand-over starts
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
//
// The service manager is told by NOTIFY_SOCKET that the servers serve, reload, hand over
// and drain, and that the process lives where WATCHDOG_USEC asks for it (sd_notify). Run is
// called once at a time: the process that a hand-over has started gets the sockets of
// the servers in their order, and refuses to start with others.
func (r Runner) Run(ctx context.Context, servers ...Server) (Report, error) {
	r = r.withDefaults()
	if r.Drain < 0 || r.ReadyDelay < 0 || r.HandoverTimeout < 0 {
		return Report{}, fmt.Errorf("tako: negative Drain, ReadyDelay or HandoverTimeout")
	}
	signals := make(chan os.Signal, 2)
	if len(r.Signals) > 0 {
		signal.Notify(signals, r.Signals...)
		defer signal.Stop(signals)
	}
	handovers := make(chan os.Signal, 1)
	if len(r.Handover) > 0 {
		signal.Notify(handovers, r.Handover...)
		defer signal.Stop(handovers)
	}
	defer r.reloads(servers)()
	before, err := r.succeed(servers)
	if err == nil {
		err = r.listen(ctx, servers)
	}
	if err != nil {
		r.Log.Error("cannot start", "err", err)
		before.failed(err)
		if before != nil {
			abandon(servers) // some have inherited sockets
		}
		return Report{}, err
	}
	if r.OnListen != nil {
		r.OnListen()
	}
	failed := r.serve(servers, before)
	defer r.watchdog()()
	err, after := r.await(ctx, servers, signals, handovers, failed)
	if after { // the next process speaks with the service manager
		r.ReadyDelay = 0
		_ = os.Unsetenv("NOTIFY_SOCKET")
	} else {
		r.notify("STOPPING=1")
	}
	report, cut := r.drain(servers, signals, after)
	r.Log.Info("stopped", "report", report.String())
	return report, errors.Join(err, failed.rest(), cut)
}

// serves are the calls of Serve.
type serves struct {
	ended chan error
	under atomic.Int64 // begun, and not seen to have ended
}

func (f *serves) begin(s Server) {
	f.under.Add(1)
	go func() { f.ended <- s.Serve() }()
}

// endGrace is how long Serve may take to return behind Shutdown.
const endGrace = time.Second

// rest returns the errors of servers that have ended meanwhile, or do so now.
func (f *serves) rest() error {
	timer := time.NewTimer(endGrace)
	defer timer.Stop()
	var errs []error
	for ; f.under.Load() > 0; f.under.Add(-1) {
		select {
		case err := <-f.ended:
			errs = append(errs, err)
		case <-timer.C:
			return errors.Join(errs...)
		}
	}
	return errors.Join(errs...)
}

// serve begins to serve on all servers, and tells who waits for that. Those whose sockets
// another process still reads begin when it has let go of them.
func (r Runner) serve(servers []Server, before *predecessor) (failed *serves) {
	failed = &serves{ended: make(chan error, len(servers))}
	var late []Server
	if before != nil {
		before.up()
	}
	for _, s := range servers {
		r.Log.Info("listening", "server", serverLine(s))
		if _, yields := s.(Yielder); yields && before != nil {
			late = append(late, s)
			continue
		}
		failed.begin(s)
	}
	r.notify("READY=1")
	if before == nil {
		return failed
	}
	go func() {
		before.awaitYield()
		for _, s := range late {
			failed.begin(s)
		}
	}()
	return failed
}

// await returns when it is time to drain; handedOver says that a successor serves.
func (r Runner) await(ctx context.Context, servers []Server, signals, handovers <-chan os.Signal, failed *serves) (err error, handedOver bool) {
	trying, stop := context.WithCancel(ctx)
	var tried chan error
	defer func() {
		stop()
		if tried != nil { // it may have come up all the same
			handedOver = <-tried == nil
		}
	}()
	for {
		select {
		case <-ctx.Done():
			r.Log.Info("draining", "reason", context.Cause(ctx))
			return nil, false
		case sig := <-signals:
			r.Log.Info("draining", "reason", sig.String())
			return nil, false
		case err = <-failed.ended: // nil if somebody else has shut it down
			failed.under.Add(-1)
			r.Log.Error("draining", "reason", "a server ended", "err", err)
			return err, false
		case <-handovers:
			if tried != nil {
				continue // one is under way
			}
			result := make(chan error, 1)
			tried = result
			go func() { result <- r.handOver(trying, servers) }()
		case err := <-tried:
			tried = nil
			if err == nil {
				r.Log.Info("draining", "reason", "handed over")
				return nil, true
			}
			r.Log.Error("hand-over failed, going on", "err", err)
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
	if r.Handover == nil {
		r.Handover = handoverSignals()
	}
	if len(r.Handover) > 0 {
		r.program = programPath()
	}
	if r.HandoverTimeout == 0 {
		r.HandoverTimeout = time.Minute
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
		abandon(servers[:i])
		return err
	}
	if err := checkNeeds(servers, r.Log); err != nil {
		abandon(servers)
		return err
	}
	return nil
}

// abandon ends servers that do not serve.
func abandon(servers []Server) {
	done, cancel := context.WithCancel(context.Background())
	cancel()
	for _, s := range servers {
		_, _ = s.Shutdown(done)
	}
}

// successionGrace is how long connections without a request stay where a successor serves: what
// their clients send when they are closed would be lost.
const successionGrace = 5 * time.Second

func (r Runner) drain(servers []Server, signals <-chan os.Signal, handedOver bool) (Report, error) {
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
	if handedOver {
		ctx = succession.With(ctx, successionGrace)
	}
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
