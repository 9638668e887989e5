//go:build unix

package tako_test

import (
	"syscall"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// Several processes cannot be handed over: the signal is logged, and all go on.
func TestPreforkHandover(t *testing.T) {
	t.Parallel()
	r := run(t, program{Procs: 2, Conns: 1})
	pids := r.up(2)
	const cannot = "several processes cannot be handed over, going on"
	for n, send := range []func(){
		func() { r.signal(syscall.SIGUSR2) },
		func() { assert.NoError(t, syscall.Kill(-r.cmd.Process.Pid, syscall.SIGUSR2)) }, // to all of them
	} {
		send()
		assert.Equal(t, r.await(n+1, cannot)[n].Self, r.cmd.Process.Pid, "who says so")
	}
	var served []int
	for range 2 { // each takes one connection only
		served = append(served, r.ask("/about").about().Pid)
	}
	assert.Equal(t, sorted(served), sorted(pids), "processes that serve")
	r.signal(syscall.SIGTERM)
	assert.Equal(t, r.end(0).Error, "")
	assert.Equal(t, len(r.log("begin")), 3, "processes")
	assert.Equal(t, len(r.log(cannot)), 2, "lines")
}
