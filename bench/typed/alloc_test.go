//go:build !race

package main

import (
	"strings"
	"testing"
)

// What is allocated does not depend on the machine, so these goals are a test.
func TestAllocations(t *testing.T) {
	budget := func(name string) float64 {
		if strings.HasSuffix(name, "-simd") {
			return 4
		}
		return 2
	}
	for _, c := range contenders() {
		if !strings.HasPrefix(c.name, "tako") || strings.HasSuffix(c.name, "-raw") || strings.HasSuffix(c.name, "-std") {
			continue
		}
		caller := c.ask(new(users), good)
		if got := testing.AllocsPerRun(2000, caller.call); got > budget(c.name) {
			t.Errorf("%s: %.0f allocations per request, the goal is %.0f", c.name, got, budget(c.name))
		}
	}
}
