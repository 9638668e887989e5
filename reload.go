package tako

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// reloads has the servers reload on signals, until the function that it returns is
// called.
func (r Runner) reloads(servers []Server) (stop func()) {
	signals := r.Reload
	if signals == nil && !signal.Ignored(syscall.SIGHUP) {
		signals = []os.Signal{syscall.SIGHUP}
	}
	var all []Reloader
	for _, s := range servers {
		if reloader, ok := s.(Reloader); ok && reloader.Reloads() {
			all = append(all, reloader)
		}
	}
	if len(signals) == 0 || len(all) == 0 {
		return func() {}
	}
	came := make(chan os.Signal, 1)
	signal.Notify(came, signals...)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-came:
				r.reload(ctx, all)
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		signal.Stop(came)
		cancel()
		<-done
	}
}

func (r Runner) reload(ctx context.Context, all []Reloader) {
	r.notify(reloading())
	defer r.notify("READY=1")
	failed := 0
	for _, s := range all {
		if err := s.Reload(ctx); err != nil {
			failed++
			r.Log.Error("reload failed, the old certificates stay", "err", err)
		}
	}
	if failed == 0 {
		r.Log.Info("reloaded")
	}
}
