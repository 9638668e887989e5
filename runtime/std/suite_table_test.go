package std_test

import (
	"testing"

	"github.com/tako-go/tako/internal/runtimetest"
)

// TestFeatureTable looks at the columns of this runtime in the documentation.
func TestFeatureTable(t *testing.T) {
	for _, p := range []runtimetest.Protocol{runtimetest.HTTP1, runtimetest.HTTP1TLS, runtimetest.HTTP2, runtimetest.H2C} {
		t.Run(p.String(), func(t *testing.T) {
			runtimetest.CheckTable(t, "../../docs/features/transports-table.md", "std "+p.String(), suiteTarget.Over(p))
		})
	}
}
