package runtimetest

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// recorder is a testing.TB that keeps what it is told, so that a case can fail
// without failing the test.
type recorder struct {
	testing.TB // the test around it, for what is not recorded
	name       string
	ctx        context.Context

	mu       sync.Mutex
	said     []string
	failed   bool
	skipped  bool
	cleanups []func()
}

// record runs f as a test of its own, clean-up included.
func record(around testing.TB, name string, f func(tb testing.TB)) *recorder {
	ctx, cancel := context.WithCancel(context.Background())
	r := &recorder{TB: around, name: name, ctx: ctx}
	r.do(func() { f(r) })
	cancel()
	for {
		r.mu.Lock()
		n := len(r.cleanups)
		if n == 0 {
			r.mu.Unlock()
			return r
		}
		last := r.cleanups[n-1]
		r.cleanups = slices.Delete(r.cleanups, n-1, n)
		r.mu.Unlock()
		r.do(last)
	}
}

// do calls f on a goroutine of its own, because Fatal ends it.
func (r *recorder) do(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				r.Errorf("panic: %v", v)
			}
		}()
		f()
	}()
	<-done
}

func (r *recorder) say(text string, failed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if failed {
		text = where() + text
	}
	r.said = append(r.said, strings.TrimSuffix(text, "\n"))
	r.failed = r.failed || failed
}

// helpers are the files whose lines do not tell what a case wanted.
var helpers = []string{"recorder.go", "harness.go", "client.go", "frames.go", "frames_expect.go"}

// where returns file and line of the case that says something.
func where() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		name := filepath.Base(f.File)
		if !slices.Contains(helpers, name) && strings.Contains(f.Function, "/runtimetest.") {
			return fmt.Sprintf("%s:%d: ", name, f.Line)
		}
		if !more {
			return ""
		}
	}
}

func (r *recorder) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.said, "\n")
}

func (r *recorder) Helper()                   {}
func (r *recorder) Name() string              { return r.name }
func (r *recorder) Context() context.Context  { return r.ctx }
func (r *recorder) Log(args ...any)           { r.say(fmt.Sprintln(args...), false) }
func (r *recorder) Logf(f string, a ...any)   { r.say(fmt.Sprintf(f, a...), false) }
func (r *recorder) Error(args ...any)         { r.say(fmt.Sprintln(args...), true) }
func (r *recorder) Errorf(f string, a ...any) { r.say(fmt.Sprintf(f, a...), true) }
func (r *recorder) Fail()                     { r.say("failed", true) }
func (r *recorder) Skip(args ...any)          { r.Log(args...); r.SkipNow() }
func (r *recorder) Skipf(f string, a ...any)  { r.Logf(f, a...); r.SkipNow() }
func (r *recorder) Fatal(args ...any)         { r.Error(args...); runtime.Goexit() }
func (r *recorder) Fatalf(f string, a ...any) { r.Errorf(f, a...); runtime.Goexit() }
func (r *recorder) FailNow()                  { r.Fail(); runtime.Goexit() }

func (r *recorder) SkipNow() {
	r.mu.Lock()
	r.skipped = true
	r.mu.Unlock()
	runtime.Goexit()
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *recorder) Skipped() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.skipped
}

func (r *recorder) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}
