//go:build !race

package loop_test

import (
	"testing"

	"github.com/tako-go/tako/internal/runtimetest"
)

// The other suites show each protocol and each poller with all cases. These have what is
// nearest to the wire on the other poller; what they show under the race detector the others do.

func TestSuiteIOUring(t *testing.T) { runtimetest.Run(t, onTheWire(target("io_uring"))) }

func TestSuiteEpollTLS(t *testing.T) {
	runtimetest.Run(t, onTheWire(target("epoll").Over(runtimetest.HTTP1TLS)))
}

func TestSuiteEpollH2C(t *testing.T) {
	runtimetest.Run(t, onTheWire(target("epoll").Over(runtimetest.H2C)))
}

func TestSuiteIOUringHTTP2(t *testing.T) {
	runtimetest.Run(t, onTheWire(target("io_uring").Over(runtimetest.HTTP2)))
}

// onTheWire leaves out routing, credentials and documents, which see no poller.
func onTheWire(target runtimetest.Target) runtimetest.Target {
	target.Groups = []string{"CN", "TL", "PP", "H1", "H2", "EX", "SD"}
	return target
}
