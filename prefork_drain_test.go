//go:build unix

package tako_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// hold has n requests under way, one in each process.
func (r *running) hold(n int) (answers []io.Reader) {
	r.t.Helper()
	seen := map[int]bool{}
	for range n {
		body, pid := r.ask("/held").held()
		answers = append(answers, body)
		seen[pid] = true
	}
	assert.Equal(r.t, len(seen), n, "processes")
	return answers
}

func (r *running) done(answers []io.Reader) {
	r.t.Helper()
	for _, in := range answers {
		text, err := io.ReadAll(in)
		assert.NoError(r.t, err)
		assert.Equal(r.t, string(text), "done")
	}
}

// tryAbout asks for /about where nobody may answer any more.
func (r *running) tryAbout() (a about, err error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	res, err := client.Get("http://" + r.addr() + "/about")
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	err = json.NewDecoder(res.Body).Decode(&a)
	return a, err
}

func TestPreforkDrains(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		end  func(r *running)
	}{
		{"SIGTERM", func(r *running) { r.signal(syscall.SIGTERM) }},
		{"SIGINT", func(r *running) { r.signal(syscall.SIGINT) }},
		{"context", func(r *running) { r.signal(syscall.SIGUSR1) }},
		// A terminal signals all, and the parent passes it on: that is one signal.
		{"group", func(r *running) { assert.NoError(r.t, syscall.Kill(-r.cmd.Process.Pid, syscall.SIGINT)) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := run(t, program{Procs: 2, Conns: 1})
			r.up(2)
			answers := r.hold(2)
			tt.end(r)
			r.await(1, draining)
			r.done(answers)
			res := r.end(0)
			assert.Equal(t, res.Report.Drained, 2, "drained")
			assert.Equal(t, res.Report.Cut+res.Report.Idle, 0, "cut and idle")
			assert.Equal(t, res.Report.Elapsed >= hung, true, "elapsed")
			assert.Equal(t, res.Error, "")
		})
	}
}

// Processes that have nothing to do end before the parent tells them to.
func TestPreforkGroupSignal(t *testing.T) {
	t.Parallel()
	for range 10 {
		r := run(t, program{Procs: 2, MinBackoff: time.Minute, MaxBackoff: time.Minute})
		r.up(2)
		r.ask("/about").about()
		assert.NoError(t, syscall.Kill(-r.cmd.Process.Pid, syscall.SIGTERM))
		res := r.end(0)
		assert.Equal(t, res.Report.Idle+res.Report.Drained, 1, "connections")
		assert.Equal(t, res.Report.Cut, 0, "cut")
		assert.Equal(t, res.Error, "")
	}
}

// New clients are refused, not left in a queue, when no process accepts any more.
func TestPreforkRefusesWhileItDrains(t *testing.T) {
	t.Parallel()
	r := run(t, program{Procs: 1, Drain: time.Hour})
	r.up(1)
	stuck, _ := r.ask("/stuck").held()
	addr := r.addr()
	r.signal(syscall.SIGTERM)
	assert.Eventually(t, patience, "refusal", func() bool {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return true
		}
		_ = c.Close()
		return false
	})
	r.signal(syscall.SIGTERM)
	_, err := io.ReadAll(stuck)
	assert.Equal(t, err != nil, true, "the response ends early")
	r.end(1)
}

func TestPreforkReadyDelay(t *testing.T) {
	t.Parallel()
	r := run(t, program{Procs: 1, ReadyDelay: 3 * time.Second})
	r.up(1)
	began := time.Now()
	r.signal(syscall.SIGTERM)
	r.await(2, draining) // the parent and the child
	got, err := r.tryAbout()
	if time.Since(began) < 3*time.Second {
		assert.NoError(t, err)
		assert.Equal(t, got.Pid, r.up(1)[0], "process")
	}
	r.end(0)
	assert.Equal(t, time.Since(began) >= 3*time.Second, true, "delay")
}

func TestPreforkCuts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		p    program
		end  func(r *running)
		cut  int // as reported
		text string
	}{
		{"drain is over", program{Drain: hung}, func(*running) {}, 1, "cut connections off"},
		{"second signal", program{Drain: time.Hour}, func(r *running) { r.signal(syscall.SIGINT) }, 0, "signal: killed"},
		{"a process dies", program{Drain: time.Hour}, func(r *running) {
			assert.NoError(r.t, syscall.Kill(r.up(1)[0], syscall.SIGABRT))
		}, 0, "died in the drain"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.p.Procs = 1
			r := run(t, tt.p)
			r.up(1)
			r.ask("/stuck").held()
			r.signal(syscall.SIGTERM)
			r.await(2, draining)
			tt.end(r)
			res := r.end(1)
			assert.Equal(t, res.Report.Cut, tt.cut, "cut")
			assert.Equal(t, res.Cut, true, "matches ErrCut")
			assert.Contains(t, res.Error, tt.text)
		})
	}
}

// A process that stays though it has drained is killed.
func TestPreforkExitTimeout(t *testing.T) {
	t.Parallel()
	r := run(t, program{Procs: 2, Conns: 1, Linger: true, Drain: 5 * time.Second, ExitTimeout: time.Second})
	r.up(2)
	answers := r.hold(2)
	r.signal(syscall.SIGTERM)
	r.done(answers)
	res := r.end(1)
	assert.Equal(t, res.Report.Drained, 2, "drained")
	assert.Contains(t, res.Error, "signal: killed")
	assert.Equal(t, res.Cut, false, "matches ErrCut")
}

// The children of a parent that is killed end by themselves, not at once.
func TestPreforkParentKilled(t *testing.T) {
	t.Parallel()
	r := run(t, program{Procs: 2, Conns: 1})
	pids := r.up(2)
	answers := r.hold(2)
	r.signal(syscall.SIGKILL)
	r.done(answers)
	select {
	case <-r.gone:
	case <-time.After(patience):
		t.Fatal("children outlive their parent")
	}
	for _, l := range r.await(2, draining) {
		assert.Contains(t, l.text, "parent process is gone")
	}
	assert.Equal(t, len(pids), 2)
}

// A child that has lost its parent before it serves must not become one, nor a
// program that a child starts a child.
func TestPreforkOrphan(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	defer ln.Close()
	socket, err := ln.(*net.TCPListener).File()
	assert.NoError(t, err)
	defer socket.Close()
	life, notices, err := os.Pipe()
	assert.NoError(t, err)
	defer life.Close()
	defer notices.Close()
	for _, family := range []string{"2147483647:1", "1", "x:1", "1:0", "1:1,"} {
		r := run(t, program{Procs: 1, Family: family}, notices, life, socket)
		r.wait(1)
		assert.Equal(t, len(r.log("begin")), 1, "processes")
		assert.Equal(t, len(r.log("address")), 0, "calls of OnListen")
	}
}

func TestPreforkHangup(t *testing.T) {
	t.Parallel()
	t.Run("with a handler", func(t *testing.T) {
		t.Parallel()
		r := run(t, program{Procs: 2, Hangup: true})
		r.up(2)
		r.signal(syscall.SIGHUP)
		got := map[int]bool{}
		for _, l := range r.await(3, "hangup") {
			got[l.Self] = true
		}
		assert.Equal(t, len(got), 3, "processes that got it")
		r.ask("/about").about()
		r.signal(syscall.SIGTERM)
		assert.Equal(t, r.end(0).Error, "")
	})
	t.Run("without", func(t *testing.T) {
		t.Parallel()
		r := run(t, program{Procs: 2})
		r.up(2)
		r.signal(syscall.SIGHUP)
		assert.Contains(t, r.end(1).Error, "the program has no handler for it")
	})
}

// A signal before anything is up ends a program that is about to begin.
func TestPreforkEndsEarly(t *testing.T) {
	t.Parallel()
	r := run(t, program{Procs: 2, Crash: true, MinBackoff: time.Hour, MaxBackoff: time.Hour})
	r.await(1, another)
	r.signal(os.Interrupt.(syscall.Signal))
	assert.Equal(t, r.end(0), outcome{})
}
