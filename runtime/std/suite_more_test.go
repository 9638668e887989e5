//go:build !race

package std_test

import (
	"testing"

	"github.com/tako-go/tako/internal/runtimetest"
)

// What the other suites show under the race detector these would show again; planted faults
// miss their moment there.

func TestSuiteTLS(t *testing.T) {
	target := suiteTarget.Over(runtimetest.HTTP1TLS)
	target.Groups = []string{"CN", "TL", "PP", "H1", "EX", "SD"} // the others are shown over TLS with HTTP/2
	runtimetest.Run(t, target)
}

func TestSuiteFaults(t *testing.T) { runtimetest.RunFaults(t, suiteTarget) }

func TestSuiteFaultsTLS(t *testing.T) {
	runtimetest.RunFaults(t, suiteTarget.Over(runtimetest.HTTP1TLS))
}

func TestSuiteFaultsHTTP2(t *testing.T) {
	runtimetest.RunFaults(t, suiteTarget.Over(runtimetest.HTTP2))
}

func TestSuiteFaultsH2C(t *testing.T) {
	runtimetest.RunFaults(t, suiteTarget.Over(runtimetest.H2C))
}
