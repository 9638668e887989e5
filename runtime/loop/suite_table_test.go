package loop_test

import (
	"testing"

	"github.com/tako-go/tako/internal/runtimetest"
)

// TestFeatureTable looks at the columns of this runtime in the documentation.
func TestFeatureTable(t *testing.T) {
	for _, poller := range []string{"epoll", "io_uring"} {
		for _, p := range []runtimetest.Protocol{runtimetest.HTTP1, runtimetest.HTTP1TLS, runtimetest.HTTP2, runtimetest.H2C} {
			t.Run(poller+"/"+p.String(), func(t *testing.T) {
				runtimetest.CheckTable(t, "../../docs/features/transports-table.md", "loop "+p.String(), target(poller).Over(p))
			})
		}
	}
}
