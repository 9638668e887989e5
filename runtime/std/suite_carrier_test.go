//go:build !race

package std_test

import (
	"maps"
	"testing"

	"github.com/tako-go/tako/internal/runtimetest"
)

// What connections come over is below the protocol: each carrier is shown with all cases
// once, and with those on connections where the protocol begins differently.

func TestSuiteUnix(t *testing.T) {
	target := suiteTarget.On(runtimetest.Unix)
	target.Skip = maps.Clone(target.Skip)
	target.Skip["H1-11/never-ends"] = "net/http leaves what it has not read, which a Unix socket calls a reset, behind the answer"
	runtimetest.Run(t, target)
}

func TestSuiteProxy(t *testing.T) { runtimetest.Run(t, suiteTarget.On(runtimetest.ProxyV2)) }

func TestSuiteProxyOthers(t *testing.T) {
	if testing.Short() {
		t.Skip("the same once more")
	}
	target := suiteTarget
	target.Groups = []string{"CN", "TL", "SD"}
	t.Run("v1", func(t *testing.T) { runtimetest.Run(t, target.On(runtimetest.ProxyV1)) })
	t.Run("tls", func(t *testing.T) {
		runtimetest.Run(t, target.On(runtimetest.ProxyV2).Over(runtimetest.HTTP1TLS))
	})
	t.Run("h2c", func(t *testing.T) { runtimetest.Run(t, target.On(runtimetest.ProxyV2).Over(runtimetest.H2C)) })
	t.Run("unix-h2c", func(t *testing.T) { runtimetest.Run(t, target.On(runtimetest.Unix).Over(runtimetest.H2C)) })
}

func TestSuiteFaultsUnix(t *testing.T) { runtimetest.RunFaults(t, suiteTarget.On(runtimetest.Unix)) }

func TestSuiteFaultsProxy(t *testing.T) {
	runtimetest.RunFaults(t, suiteTarget.On(runtimetest.ProxyV2))
}
