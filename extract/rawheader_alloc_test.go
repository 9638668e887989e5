//go:build !race

package extract

import (
	"strings"
	"testing"

	"github.com/tako-go/tako"
)

func TestRawAllocations(t *testing.T) {
	with(t, "POST", "/", []string{"X-Amount: 7"}, strings.Repeat("x", 100), func(c *tako.Context) {
		var h RawHeader[amount]
		if n := testing.AllocsPerRun(100, func() { _ = h.Extract(c) }); n != 0 {
			t.Errorf("RawHeader: %v allocations, want none", n)
		}
		var r Range
		if n := testing.AllocsPerRun(100, func() { _ = r.Extract(c) }); n != 0 {
			t.Errorf("Range without the field: %v allocations, want none", n)
		}
	})
}
