package runtimetest

import (
	"flag"
	"log"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
)

// Target is what the suite runs against.
type Target struct {
	// Name is used in reports.
	Name string
	// Start returns a new server that does not listen yet. It takes ln if that is
	// not nil, else the address in cfg.
	Start func(cfg ServerConfig, app tako.App, ln net.Listener) (tako.Server, error)
	// Dial connects to a server, from the given address if that is not nil.
	// Default: plain TCP.
	Dial func(from, to *net.TCPAddr) (net.Conn, error)
	// OpenConns returns the number of connections a server has, where it tells.
	OpenConns func(tako.Server) int64
	// Skip maps ids to the reason why they cannot pass. An id without a slash
	// stands for all cases below it.
	Skip map[string]string
	// Harmless maps faults, as case/fault, to the reason why they change nothing here.
	Harmless map[string]string
}

// ServerConfig is what a case wants of its server.
type ServerConfig struct {
	Addr   string
	Limits tako.Limits
	Log    *slog.Logger
}

// A testCase is one row of the suite.
type testCase struct {
	id     string
	run    func(x *T)
	faults []fault
	serial bool   // it counts memory or loads the machine
	skip   string // the reason why no target runs it
}

// cases returns the whole suite.
func cases() []testCase {
	return slices.Concat(
		acceptCases(), capCases(), timeoutCases(), goneCases(), panicCases(), scaleCases(), limitCases(), infoCases(),
		framingCases(), chunkCases(), syntaxCases(), hostCases(), lineCases(), sizeCases(), bodyCases(), expectCases(),
		pipelineCases(), responseCases(), splitCases(), persistCases(), methodCases(), trailerCases(),
		pathCases(), routeMethodCases(), redirectCases(), buildCases(), routeTimeoutCases(), errorCases(), loadCases(),
		bodyLimitCases(), inputCases(), identityCases(),
		drainCases(), stopCases(), liveCases(), signalCases(), rollCases(),
	)
}

// skipped returns the reason why a target does not run the case.
func (tc testCase) skipped(target Target) string {
	group, _, _ := strings.Cut(tc.id, "/")
	for _, reason := range []string{tc.skip, target.Skip[tc.id], target.Skip[group]} {
		if reason != "" {
			return reason
		}
	}
	return ""
}

// Run runs all cases against the target.
func Run(t *testing.T, target Target) {
	all := cases()
	checkSkips(t, target, all)
	defaults := captureDefault(t)
	signal.Notify(make(chan os.Signal, 1), os.Interrupt) // starts a goroutine that never ends
	signal.Reset(os.Interrupt)
	before := runtime.NumGoroutine()
	t.Cleanup(func() { checkGoroutines(t, before) })
	for _, tc := range all {
		t.Run(tc.id, func(t *testing.T) {
			if reason := tc.skipped(target); reason != "" {
				t.Skip(reason)
			}
			if !tc.serial {
				t.Parallel()
			}
			tc.run(&T{TB: t, target: target, defaults: defaults, patience: 10 * time.Second})
		})
	}
}

// RunFaults runs every case once for each of its faults and fails where the case
// passes all the same.
func RunFaults(t *testing.T, target Target) {
	defaults := captureDefault(t)
	var runs []*spoiltRun
	for _, tc := range cases() {
		for i := range tc.faults {
			run := &spoiltRun{tc: tc, f: &tc.faults[i], name: tc.id + "/" + tc.faults[i].name, done: make(chan *recorder, 1)}
			if tc.skipped(target) == "" && target.Harmless[run.name] == "" && wanted(t.Name()+"/"+run.name) {
				runs = append(runs, run)
			}
		}
	}
	// What counts goroutines or memory needs the machine for itself. The others
	// wait for deadlines most of the time and would take long one by one.
	for _, run := range runs {
		if run.tc.serial {
			run.do(t, target, defaults)
		}
	}
	gate := make(chan struct{}, 32)
	for _, run := range runs {
		if !run.tc.serial {
			go func() {
				gate <- struct{}{}
				defer func() { <-gate }()
				run.do(t, target, defaults)
			}()
		}
	}
	for _, run := range runs {
		t.Run(run.name, run.report)
	}
}

// spoiltRun is one run of a case with a fault.
type spoiltRun struct {
	tc   testCase
	f    *fault
	name string
	done chan *recorder
}

func (run *spoiltRun) do(t *testing.T, target Target, defaults *logBook) {
	once := func() *recorder {
		return record(t, run.name, func(tb testing.TB) {
			run.tc.run(&T{TB: tb, target: target, fault: run.f, defaults: defaults, patience: 1500 * time.Millisecond})
		})
	}
	r := once()
	if !r.Failed() && !r.Skipped() {
		r = once() // a busy machine may miss the moment in which a fault shows
	}
	run.done <- r
}

func (run *spoiltRun) report(t *testing.T) {
	select {
	case r := <-run.done:
		switch {
		case r.Skipped():
			t.Skip(r.text())
		case !r.Failed():
			t.Errorf("the case passes with this fault\n%s", r.text())
		default:
			t.Logf("noticed: %s", firstLine(r.text()))
		}
	case <-time.After(2 * time.Minute):
		t.Error("the case hangs with this fault")
	}
}

// wanted reports whether the -run flag selects the test of this name.
func wanted(name string) bool {
	run := flag.Lookup("test.run")
	if run == nil {
		return true
	}
	parts := strings.Split(name, "/")
	for i, pattern := range strings.Split(run.Value.String(), "/") {
		if i >= len(parts) {
			return true
		}
		if ok, err := regexp.MatchString(pattern, parts[i]); err == nil && !ok {
			return false
		}
	}
	return true
}

// checkSkips keeps skip lists from growing stale.
func checkSkips(t *testing.T, target Target, all []testCase) {
	for id, reason := range target.Skip {
		known := slices.ContainsFunc(all, func(tc testCase) bool {
			group, _, _ := strings.Cut(tc.id, "/")
			return tc.id == id || group == id
		})
		if !known || reason == "" {
			t.Errorf("skip list of %s: %q needs a case and a reason", target.Name, id)
		}
	}
}

// checkGoroutines waits for what the cases have started to end.
func checkGoroutines(t *testing.T, before int) {
	ok := eventually(10*time.Second, func() bool { return runtime.NumGoroutine() <= before })
	if !ok {
		t.Errorf("%d goroutines before the suite, %d after it", before, runtime.NumGoroutine())
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
	}
}

// captureDefault keeps what the framework logs by itself out of the test's output.
func captureDefault(t *testing.T) *logBook {
	book := new(logBook)
	logger, writer, flags := slog.Default(), log.Writer(), log.Flags()
	slog.SetDefault(slog.New(book))
	t.Cleanup(func() {
		slog.SetDefault(logger)
		log.SetOutput(writer)
		log.SetFlags(flags)
	})
	return book
}

// eventually waits until cond holds, and reports whether it did in time.
func eventually(within time.Duration, cond func() bool) bool {
	limit := time.NewTimer(within)
	defer limit.Stop()
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for !cond() {
		select {
		case <-again.C:
		case <-limit.C:
			return cond()
		}
	}
	return true
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
