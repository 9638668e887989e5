//go:build !race

package loop_test

import (
	"testing"

	"github.com/tako-go/tako/internal/runtimetest"
)

// What connections come over is below the protocol: each carrier is shown with all cases
// once, and with those on connections where the protocol begins differently.

func TestSuiteEpollUnix(t *testing.T) { runtimetest.Run(t, target("epoll").On(runtimetest.Unix)) }

func TestSuiteIOUringProxy(t *testing.T) {
	runtimetest.Run(t, target("io_uring").On(runtimetest.ProxyV2))
}

func TestSuiteCarriers(t *testing.T) {
	if testing.Short() {
		t.Skip("the same once more")
	}
	run := func(name, poller string, c runtimetest.Carrier, p runtimetest.Protocol) {
		t.Run(name, func(t *testing.T) {
			target := target(poller).On(c).Over(p)
			target.Groups = []string{"CN", "TL", "SD"}
			runtimetest.Run(t, target)
		})
	}
	run("v1", "epoll", runtimetest.ProxyV1, runtimetest.HTTP1)
	run("v2", "epoll", runtimetest.ProxyV2, runtimetest.HTTP1)
	run("tls", "epoll", runtimetest.ProxyV2, runtimetest.HTTP1TLS)
	run("h2c", "io_uring", runtimetest.ProxyV2, runtimetest.H2C)
	run("unix", "io_uring", runtimetest.Unix, runtimetest.HTTP1)
	run("unix-h2c", "epoll", runtimetest.Unix, runtimetest.H2C)
}
