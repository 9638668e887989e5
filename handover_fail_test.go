//go:build unix

package tako_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// gated is a script that writes down its process, and runs another when the gate is removed.
func (r *reigning) gated(script string) (next func() int, open func()) {
	r.t.Helper()
	gate, pid := filepath.Join(r.dir, "gate"), filepath.Join(r.dir, "pid")
	assert.NoError(r.t, os.WriteFile(gate, nil, 0o600))
	r.replace(fmt.Sprintf("echo $$ > '%s.part'\nmv '%s.part' '%s'\nwhile [ -e '%s' ]; do sleep 0.02; done\n%s", pid, pid, pid, gate, script))
	next = func() (n int) {
		assert.Eventually(r.t, patience, "start of the next process", func() bool {
			text, err := os.ReadFile(pid)
			if err == nil {
				n, err = strconv.Atoi(strings.TrimSpace(string(text)))
			}
			return err == nil
		})
		return n
	}
	return next, func() { assert.NoError(r.t, os.Remove(gate)) }
}

// err is the error that a line tells of.
func (l line) err() string {
	var about struct {
		Err string `json:"err"`
	}
	_ = json.Unmarshal([]byte(l.text), &about)
	return about.Err
}

// If the next process does not come up the old one goes on, says why, and leaves nothing; the
// next attempt works.
func TestHandoverFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		spoil   func(r *reigning)
		timeout time.Duration
		why     string
	}{
		{name: "it ends at once", spoil: func(r *reigning) { r.replace("exit 3") }, why: "ended before it was up"},
		{name: "it ends well at once", spoil: func(r *reigning) { r.replace("exit 0") }, why: "ended before it was up"},
		{name: "it runs other servers", spoil: func(r *reigning) { r.replace(r.as(dynasty{Servers: 2})) },
			why: "the process before runs 1 servers, this one 2"},
		{name: "it hangs", spoil: func(r *reigning) { r.replace("exec sleep 600") }, timeout: 5 * time.Second, why: "is not up after 5s"},
		{name: "it speaks of other things", spoil: func(r *reigning) { r.replace("echo hello >&3\nexec sleep 600") }, why: "ended before it was up"},
		{name: "it is not executable", spoil: func(r *reigning) {
			assert.NoError(r.t, os.Remove(r.path))
			assert.NoError(r.t, os.WriteFile(r.path, []byte("text"), 0o600))
		}, why: "permission denied"},
		{name: "it is gone", spoil: func(r *reigning) { assert.NoError(r.t, os.Remove(r.path)) }, why: "no such file"},
		{name: "it is no program", spoil: func(r *reigning) {
			assert.NoError(r.t, os.Remove(r.path))
			assert.NoError(r.t, os.WriteFile(r.path, []byte("text"), 0o700))
		}, why: "exec format error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := crown(t, dynasty{Timeout: tt.timeout})
			old := r.look("?files=1")
			tt.spoil(r)
			for n := range 2 {
				r.kill(old.Pid, syscall.SIGUSR2)
				failure := r.await(n+1, notHanded)[n]
				assert.Contains(t, failure.err(), tt.why)
				assert.Equal(t, r.look("").Pid, old.Pid, "who serves")
				if _, words, ok := strings.Cut(failure.err(), "new process "); ok {
					pid, _, _ := strings.Cut(words, ":")
					next, err := strconv.Atoi(pid)
					assert.NoError(t, err, "number of the new process")
					assert.Equal(t, dead(next), true, "the new process is dead")
				}
			}
			assert.Eventually(t, patience, "as few descriptors as before", func() bool {
				return r.look("?files=1").Files <= old.Files
			})
			r.restore()
			next := r.succeeds(old.Pid, 1)
			r.goesCleanly(old.Pid)
			assert.Equal(t, r.look("").Pid, next, "who serves")
			r.abdicate(next)
		})
	}
}

// It is the file of that name that is run, not the program that runs.
func TestHandoverRunsTheNewFile(t *testing.T) {
	t.Parallel()
	r := crown(t, dynasty{})
	before, err := os.Stat(r.path)
	assert.NoError(t, err)
	assert.NoError(t, duplicated(r.path, r.path+".next"))
	assert.NoError(t, os.Rename(r.path+".next", r.path))
	after, err := os.Stat(r.path)
	assert.NoError(t, err)
	assert.Equal(t, os.SameFile(before, after), false, "it is the same file")
	pid := r.succeeds(r.cmd.Process.Pid, 1)
	if running, err := os.Stat(fmt.Sprintf("/proc/%d/exe", pid)); err == nil {
		assert.Equal(t, os.SameFile(running, after), true, "the new file runs")
	}
	r.goesCleanly(r.cmd.Process.Pid)
	r.replace(r.as(dynasty{Version: "second"})) // is its executable's path the same?
	next := r.succeeds(pid, 2)
	r.goesCleanly(pid)
	assert.Equal(t, r.look(""), ruler{Version: "second", Pid: next})
	r.abdicate(next)
}

// A signal to end ends the attempt too.
func TestHandoverBrokenOff(t *testing.T) {
	t.Parallel()
	r := crown(t, dynasty{})
	old := r.cmd.Process.Pid
	next, _ := r.gated("exec sleep 600")
	r.kill(old, syscall.SIGUSR2)
	pid := next()
	r.kill(old, syscall.SIGTERM)
	r.goesCleanly(old)
	assert.Equal(t, dead(pid), true, "the new process is dead")
	r.abdicated()
}

func (r *reigning) abdicated() {
	r.t.Helper()
	select {
	case <-r.gone:
	case <-time.After(patience):
		r.t.Fatal("a process is left")
	}
}

// Signals that come while the next process starts do nothing more.
func TestHandoverOnce(t *testing.T) {
	t.Parallel()
	r := crown(t, dynasty{})
	old := r.cmd.Process.Pid
	next, open := r.gated("exec '" + thisBinary(t) + "'")
	r.kill(old, syscall.SIGUSR2)
	r.kill(old, syscall.SIGUSR2)
	pid := next()
	r.kill(old, syscall.SIGUSR2)
	r.kill(old, syscall.SIGUSR2)
	open()
	assert.Equal(t, r.await(1, handedOver)[0].Pid(), pid, "process")
	r.goesCleanly(old)
	assert.Equal(t, r.look("").Pid, pid, "who serves")
	r.abdicate(pid)
	assert.Equal(t, len(r.log("begin")), 2, "processes")
}

// A server that cannot be handed over keeps the others from it.
func TestHandoverUnsupported(t *testing.T) {
	t.Parallel()
	r := crown(t, dynasty{Foreign: true})
	pid := r.cmd.Process.Pid
	files := r.look("?files=1").Files
	r.kill(pid, syscall.SIGUSR2)
	assert.Contains(t, r.await(1, notHanded)[0].err(), "sockets of server 1: it is neither a SocketOwner nor a Yielder")
	assert.Eventually(t, patience, "as few descriptors as before", func() bool {
		return r.look("?files=1").Files <= files
	})
	r.abdicate(pid)
	assert.Equal(t, len(r.log("begin")), 1, "processes")
}

// With an empty list the signal is the program's own.
func TestHandoverOff(t *testing.T) {
	t.Parallel()
	r := crown(t, dynasty{Own: true})
	pid := r.cmd.Process.Pid
	r.kill(pid, syscall.SIGUSR2)
	r.await(1, "own handler")
	assert.Equal(t, r.look("").Pid, pid, "who serves")
	r.abdicate(pid)
	assert.Equal(t, len(r.log("begin")), 1, "processes")
}

// Until the old process has taken note of the next one, and so may yet kill it, that serves
// nobody.
func TestHandoverTakesNote(t *testing.T) {
	t.Parallel()
	r := crown(t, dynasty{})
	old := r.cmd.Process.Pid
	next, open := r.gated("exec '" + thisBinary(t) + "'")
	r.kill(old, syscall.SIGUSR2)
	pid := next()
	r.kill(old, syscall.SIGSTOP)
	open()
	r.await(2, "address")
	waiting := r.ask("/held")
	assert.Equal(t, len(r.log("listening")), 1, "processes that serve")
	r.kill(old, syscall.SIGKILL)
	_, by := waiting.held()
	assert.Equal(t, by, pid, "who serves")
	r.reap(-1)
	r.abdicate(pid)
}

// The next process does not need the old one any more.
func TestHandoverOldKilled(t *testing.T) {
	t.Parallel()
	for _, d := range []dynasty{{}, {Yields: "let go"}, {Yields: "held"}} {
		t.Run("yields "+d.Yields, func(t *testing.T) {
			t.Parallel()
			r := crown(t, d)
			old := r.cmd.Process.Pid
			stuck := r.ask("/stuck")
			_, pid := stuck.held()
			assert.Equal(t, pid, old, "who serves")
			r.kill(old, syscall.SIGUSR2)
			if d.Yields == "held" { // it is up, and its second server waits
				r.await(1, "letting go")
			} else {
				r.await(1, handedOver)
			}
			r.kill(old, syscall.SIGKILL)
			r.reap(-1)
			next := r.look("").Pid
			assert.Equal(t, next != old, true, "another one serves")
			if d.Yields != "" {
				assert.Equal(t, r.await(2, "yielding server serves")[1].Self, next, "who has the yielded socket")
			}
			r.abdicate(next)
		})
	}
}
