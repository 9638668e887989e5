package tako_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// diary notes what happened to several servers, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.lines, ", ")
}

// fakeServer does what a test tells it.
type fakeServer struct {
	name      string
	diary     *diary
	listenErr error
	serveErr  error         // returned at once
	needs     time.Duration // how long requests take to end
	served    func()        // called once it serves
	report    tako.Report
	shutErr   error
	once      sync.Once
	stopped   chan struct{}
}

func newFake(d *diary, name string) *fakeServer {
	return &fakeServer{name: name, diary: d, stopped: make(chan struct{})}
}

var _ tako.Server = (*fakeServer)(nil)

func (s *fakeServer) Listen(context.Context) error {
	s.diary.note("%s listens", s.name)
	return s.listenErr
}

func (s *fakeServer) Serve() error {
	s.diary.note("%s serves", s.name)
	if s.served != nil {
		s.served()
	}
	if s.serveErr != nil {
		return s.serveErr
	}
	<-s.stopped
	return nil
}

func (s *fakeServer) Addr() net.Addr { return nil }

func (s *fakeServer) Shutdown(ctx context.Context) (tako.Report, error) {
	s.once.Do(func() { close(s.stopped) })
	s.diary.note("%s shuts down", s.name)
	if s.needs == 0 {
		return s.report, s.shutErr
	}
	timer := time.NewTimer(s.needs)
	defer timer.Stop()
	select {
	case <-timer.C:
		return s.report, s.shutErr
	case <-ctx.Done():
		return tako.Report{Cut: 1}, ctx.Err()
	}
}

// drainingServer can tell its handlers.
type drainingServer struct{ *fakeServer }

func (s drainingServer) BeginDrain() { s.diary.note("%s begins to drain", s.name) }

var (
	quiet      = slog.New(slog.NewTextHandler(io.Discard, nil))
	errBroken  = errors.New("broken")
	quietly    = tako.Runner{Log: quiet, Signals: []os.Signal{}, Handover: []os.Signal{}}
	fakeReport = tako.Report{Idle: 1, Drained: 2, Elapsed: time.Second}
)

func TestRunListensOnAllBeforeItServes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := new(diary)
		ctx, cancel := context.WithCancel(t.Context())
		a, b := newFake(d, "a"), newFake(d, "b")
		a.report, b.report = fakeReport, tako.Report{Idle: 10, Drained: 20, Elapsed: time.Minute}
		go func() {
			synctest.Wait()
			cancel()
		}()
		report, err := quietly.Run(ctx, a, b)
		assert.NoError(t, err)
		assert.Equal(t, report, tako.Report{Idle: 11, Drained: 22, Elapsed: time.Minute})
		got := d.String()
		assert.Equal(t, strings.HasPrefix(got, "a listens, b listens, "), true, got)
		assert.Equal(t, strings.Count(got, "serves"), 2, got)
		assert.Equal(t, strings.Count(got, "shuts down"), 2, got)
	})
}

func TestRunWithAFailingListen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := new(diary)
		a, b, c := newFake(d, "a"), newFake(d, "b"), newFake(d, "c")
		a.needs = time.Hour
		b.listenErr = errBroken
		start := time.Now()
		report, err := quietly.Run(t.Context(), a, b, c)
		assert.ErrorIs(t, err, errBroken)
		assert.Equal(t, report, tako.Report{})
		assert.Equal(t, d.String(), "a listens, b listens, a shuts down")
		assert.Equal(t, time.Since(start), 0)
	})
}

func TestRunWithAServerThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := new(diary)
		a, b := newFake(d, "a"), newFake(d, "b")
		a.serveErr = errBroken
		b.report = fakeReport
		report, err := quietly.Run(t.Context(), a, b)
		assert.ErrorIs(t, err, errBroken)
		assert.Equal(t, report, fakeReport)
		assert.Contains(t, d.String(), "b shuts down")
	})
}

// A server that somebody else shut down ends the run, without an error.
func TestRunWithAServerThatEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := new(diary)
		a, b := newFake(d, "a"), newFake(d, "b")
		go func() {
			synctest.Wait()
			_, _ = a.Shutdown(context.Background())
		}()
		_, err := quietly.Run(t.Context(), a, b)
		assert.NoError(t, err)
		assert.Contains(t, d.String(), "b shuts down")
	})
}

func TestRunTellsHandlersBeforeItShutsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := new(diary)
		ctx, cancel := context.WithCancel(t.Context())
		runner := quietly
		runner.ReadyDelay = 5 * time.Second
		a, b := drainingServer{newFake(d, "a")}, newFake(d, "b")
		begun := time.Now()
		go func() {
			synctest.Wait()
			cancel()
			time.Sleep(5*time.Second - 1)
			d.note("almost")
		}()
		_, err := runner.Run(ctx, a, b)
		assert.NoError(t, err)
		assert.Equal(t, time.Since(begun), 5*time.Second)
		got := d.String()
		at := strings.Index
		if begin, almost, down := at(got, "a begins to drain"), at(got, "almost"), at(got, "shuts down"); begin < 0 || almost < begin || down < almost {
			t.Errorf("got order %s", got)
		}
	})
}

func TestRunDrainLimit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		drain, needs time.Duration
		took         time.Duration
		cut          int
	}{
		{"in time", time.Minute, 59 * time.Second, 59 * time.Second, 0},
		{"too late", time.Minute, time.Hour, time.Minute, 1},
		{"default, in time", 0, 29 * time.Second, 29 * time.Second, 0},
		{"default, too late", 0, time.Hour, 30 * time.Second, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := new(diary)
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				runner := quietly
				runner.Drain = tt.drain
				slow, fast := newFake(d, "slow"), newFake(d, "fast")
				slow.needs, slow.report, fast.report = tt.needs, fakeReport, fakeReport
				start := time.Now()
				report, err := runner.Run(ctx, slow, fast)
				assert.Equal(t, time.Since(start), tt.took)
				assert.Equal(t, report.Cut, tt.cut)
				assert.Equal(t, errors.Is(err, tako.ErrCut), tt.cut > 0)
				if tt.cut == 0 {
					assert.NoError(t, err)
					assert.Equal(t, report, tako.Report{Idle: 2, Drained: 4, Elapsed: time.Second})
				}
			})
		})
	}
}

// The context ends the serving, not the drain.
func TestRunDrainsAfterItsContextIsDone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		a := newFake(new(diary), "a")
		a.needs, a.report = 10*time.Second, fakeReport
		start := time.Now()
		report, err := quietly.Run(ctx, a)
		assert.NoError(t, err)
		assert.Equal(t, report, fakeReport)
		assert.Equal(t, time.Since(start), 11*time.Second)
	})
}

func TestRunReportsErrorsOfShutdown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		a, b := newFake(new(diary), "a"), newFake(new(diary), "b")
		a.shutErr, a.report = errBroken, fakeReport
		b.report = tako.Report{Cut: 3}
		report, err := quietly.Run(ctx, a, b)
		assert.ErrorIs(t, err, errBroken)
		assert.ErrorIs(t, err, tako.ErrCut)
		assert.Equal(t, report, tako.Report{Idle: 1, Drained: 2, Cut: 3, Elapsed: time.Second})
	})
}

// An error of a server that fails while the others drain is not lost.
func TestRunReportsAServerThatFailsDuringTheDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := newFake(new(diary), "a"), newFake(new(diary), "b")
		first, second := errors.New("first"), errors.New("second")
		a.serveErr, b.serveErr = first, second
		_, err := quietly.Run(t.Context(), a, b)
		assert.ErrorIs(t, err, first)
		assert.ErrorIs(t, err, second)
	})
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	d := new(diary)
	tests := []struct {
		name    string
		runner  tako.Runner
		servers []tako.Server
	}{
		{"no servers", quietly, nil},
		{"negative drain", tako.Runner{Drain: -1}, []tako.Server{newFake(d, "a")}},
		{"negative delay", tako.Runner{ReadyDelay: -1}, []tako.Server{newFake(d, "a")}},
	}
	for _, tt := range tests {
		if _, err := tt.runner.Run(t.Context(), tt.servers...); err == nil {
			t.Errorf("%s: got no error", tt.name)
		}
	}
	assert.Equal(t, d.String(), "", "what happened to the servers")
}

func TestReport(t *testing.T) {
	t.Parallel()
	r := tako.Report{Idle: 1, Drained: 2, Cut: 3, Elapsed: 1500 * time.Microsecond}
	r.Add(tako.Report{Idle: 10, Drained: 20, Cut: 30, Elapsed: time.Microsecond})
	assert.Equal(t, r, tako.Report{Idle: 11, Drained: 22, Cut: 33, Elapsed: 1500 * time.Microsecond})
	assert.Equal(t, r.String(), "drained 22, closed 11 idle, cut 33 in 2ms")
}

// windowChange is SIGWINCH, which nothing else minds.
const windowChange = syscall.Signal(28)

// signaller sends the signal to this process when it is told to drain.
type signaller struct {
	drainingServer
	send func()
}

func (s signaller) BeginDrain() {
	s.drainingServer.BeginDrain()
	s.send()
}

func TestRunSignals(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot signal itself there")
	}
	send := func() {
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Signal(windowChange)
		}
		if err != nil {
			t.Error(err)
		}
	}
	t.Run("the first drains", func(t *testing.T) {
		d := new(diary)
		a := newFake(d, "a")
		a.report = fakeReport
		runner := tako.Runner{Log: quiet, Signals: []os.Signal{windowChange}}
		report, err := runner.Run(t.Context(), signalsWhenServed{a, send})
		assert.NoError(t, err)
		assert.Equal(t, report, fakeReport)
		assert.Equal(t, d.String(), "a listens, a serves, a shuts down")
	})
	for _, delay := range []time.Duration{0, time.Hour} {
		t.Run(fmt.Sprint("the second cuts after ", delay), func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			a := newFake(new(diary), "a")
			a.needs = time.Hour
			runner := tako.Runner{Log: quiet, Signals: []os.Signal{windowChange}, Drain: 2 * time.Hour, ReadyDelay: delay}
			report, err := runner.Run(ctx, signaller{drainingServer{a}, send}, signalsWhenServed{newFake(new(diary), "b"), send})
			assert.ErrorIs(t, err, tako.ErrCut)
			assert.Equal(t, report.Cut, 1)
		})
	}
	t.Run("none", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		a := newFake(new(diary), "a")
		runner := tako.Runner{Log: quiet, Signals: []os.Signal{}, Handover: []os.Signal{}}
		arrived := make(chan os.Signal, 1)
		signal.Notify(arrived, windowChange)
		defer signal.Stop(arrived)
		go func() {
			send()
			<-arrived // else the next test gets it
			cancel()
		}()
		_, err := runner.Run(ctx, a)
		assert.NoError(t, err)
	})
}

// signalsWhenServed sends the signal as soon as it serves.
type signalsWhenServed struct {
	*fakeServer
	send func()
}

func (s signalsWhenServed) Serve() error {
	s.served = s.send
	return s.fakeServer.Serve()
}
