//go:build !race

package loop_test

import (
	"testing"

	"github.com/tako-go/tako/internal/runtimetest"
)

// The faults are in the requests and the application, so one poller will do. The race
// detector is so slow that some cases miss the moment in which their fault shows.
func TestSuiteFaults(t *testing.T) { runtimetest.RunFaults(t, target("epoll")) }

func TestSuiteFaultsH2C(t *testing.T) {
	runtimetest.RunFaults(t, target("epoll").Over(runtimetest.H2C))
}

func TestSuiteFaultsTLS(t *testing.T) {
	runtimetest.RunFaults(t, target("epoll").Over(runtimetest.HTTP1TLS))
}
