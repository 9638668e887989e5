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
	// Protocol is what clients speak. Default: HTTP/1.1 without TLS.
	Protocol Protocol
	// Start returns a new server that does not listen yet. It takes ln if that is
	// not nil, else the address in cfg.
	Start func(cfg ServerConfig, app tako.App, ln net.Listener) (tako.Server, error)
	// Carrier is what they come over. Default: TCP.
	Carrier Carrier
	// Groups are those whose cases are run, such as "CN". Default: all.
	Groups []string
	// DialQUIC is needed for HTTP3 alone.
	DialQUIC DialQUIC
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
	Certs  tako.Certs // nil: no TLS
	HTTP2  tako.HTTP2Config
	Proxy  tako.ProxyConfig
	Listen tako.ListenFunc // if neither Addr nor a listener is given
	Log    *slog.Logger
}

// A testCase is one row of the suite.
type testCase struct {
	id     string
	run    func(x *T)
	faults []fault
	serial bool       // it counts memory or loads the machine
	long   bool       // it waits for seconds and begins before the others
	timed  bool       // it measures time, or needs handlers to be quick: a machine that stalls spoils it
	over   []Protocol // what it is run over; nil: see speaks
	on     []Carrier  // what it is run over; nil: see rides
	skip   string     // the reason why no target runs it
}

// cases returns the whole suite.
func cases() []testCase {
	return slices.Concat(
		acceptCases(), pathFileCases(), capCases(), timeoutCases(), goneCases(), panicCases(), scaleCases(), limitCases(), infoCases(),
		framingCases(), chunkCases(), syntaxCases(), hostCases(), lineCases(), sizeCases(), bodyCases(), expectCases(),
		pipelineCases(), responseCases(), splitCases(), persistCases(), methodCases(), trailerCases(),
		pathCases(), routeMethodCases(), redirectCases(), buildCases(), routeTimeoutCases(), errorCases(), loadCases(),
		bodyLimitCases(), inputCases(), identityCases(), ruleCases(), preferenceCases(), extractorCases(),
		multipartCases(), uploadCases(), partTypeCases(),
		cookieCases(), sealedCookieCases(), credentialCases(), tokenCases(), keySetCases(), documentCases(),
		drainCases(), stopCases(), liveCases(), signalCases(), rollCases(), mixedCases(),
		proxyCases(),
		http2Cases(), tlsCases(),
	)
}

// wants reports whether the case is in one of the groups of the target. Where these are
// chosen, cases that need the machine for themselves are left to others.
func (t Target) wants(tc testCase) bool {
	return t.Groups == nil || !tc.serial && slices.Contains(t.Groups, tc.id[:2])
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
	var waiting []*plainRun
	for _, tc := range all {
		run := &plainRun{tc: tc, done: make(chan *recorder, 1)}
		switch {
		case !tc.speaks(target.Protocol) || !tc.rides(target.Carrier) || !target.wants(tc):
		case tc.skipped(target) != "":
			t.Run(tc.id, func(t *testing.T) { t.Skip(tc.skipped(target)) })
		case tc.serial:
			t.Run(tc.id, func(t *testing.T) { tc.run(target.plain(t, defaults)) })
		case wanted(t.Name() + "/" + tc.id):
			waiting = append(waiting, run)
		}
	}
	// Cases wait most of the time; far more of them at once than the machine has
	// processors are not slower each.
	gate := make(chan struct{}, 24)
	inOrder := slices.Clone(waiting)
	slices.SortStableFunc(inOrder, func(a, b *plainRun) int { return order(a.tc) - order(b.tc) })
	go func() {
		for _, run := range inOrder {
			gate <- struct{}{}
			go func() {
				defer func() { <-gate }()
				run.done <- run.do(t, target, defaults)
			}()
		}
	}()
	for _, run := range waiting {
		t.Run(run.tc.id, run.report)
	}
}

// order has what takes long begin first, so that nobody waits for it alone in the end.
func order(tc testCase) int {
	if tc.long {
		return 0
	}
	return 1
}

// plain is a case without a fault.
func (t Target) plain(tb testing.TB, defaults *logBook) *T {
	return &T{TB: tb, target: t, defaults: defaults, patience: 30 * time.Second}
}

// plainRun is one run of a case beside others.
type plainRun struct {
	tc   testCase
	done chan *recorder
}

// tries is how often a case runs that needs time to pass as it should, at most: the machine may
// stall meanwhile, on either side of the wire. What is wrong with the server shows each time.
const tries = 4

func (run *plainRun) do(t *testing.T, target Target, defaults *logBook) (r *recorder) {
	for range tries {
		r = record(t, run.tc.id, func(tb testing.TB) { run.tc.run(target.plain(tb, defaults)) })
		if !run.tc.timed || !r.Failed() {
			break
		}
	}
	return r
}

func (run *plainRun) report(t *testing.T) {
	select {
	case r := <-run.done:
		switch {
		case r.Skipped():
			t.Skip(r.text())
		case r.Failed():
			t.Error(r.text())
		}
	case <-time.After(4 * time.Minute):
		t.Error("the case hangs")
	}
}

// RunFaults runs cases once for each of their faults and fails where a case passes
// all the same. Those that run over several protocols show it over the first.
func RunFaults(t *testing.T, target Target) {
	defaults := captureDefault(t)
	var runs []*spoiltRun
	for _, tc := range cases() {
		if tc.home() != target.Protocol || tc.port() != target.Carrier {
			continue
		}
		for i := range tc.faults {
			if !tc.faults[i].shows(target.Protocol) {
				continue
			}
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
	gate := make(chan struct{}, 96)
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
	var r *recorder
	for range tries { // a busy machine may miss the moment in which a fault shows
		r = record(t, run.name, func(tb testing.TB) {
			run.tc.run(&T{TB: tb, target: target, fault: run.f, defaults: defaults, patience: 1500 * time.Millisecond})
		})
		if r.Failed() || r.Skipped() {
			break
		}
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
	case <-time.After(4 * time.Minute):
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
