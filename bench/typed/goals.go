package main

import (
	"fmt"
	"math"
)

// goal is a ratio or a number of allocations that a contender is to keep.
type goal struct {
	of, against string // against is "" for allocations
	most        float64
}

// goals are those of both ways into Tako: with the SIMD codec, with the default one
// and with encoding/json alone. The last two may need two allocations more than
// their decoders; encoding/json alone is compared with equal work by hand.
func goals(own, std float64) (list []goal) {
	for _, way := range []string{"tako", "tako-loop"} {
		list = append(list,
			goal{way + "-simd", reference, 0.6},
			goal{way + "-simd", "fiber", 0.7},
			goal{way + "-simd", "huma", 0.35},
			goal{way + "-simd", "", 4},
			goal{way, reference, 0.85},
			goal{way, "", own + 2},
			goal{way + "-std", inFull, 0.85},
			goal{way + "-std", "", std + 2},
		)
	}
	return list
}

// judge says of each goal whether it is met; goals whose contenders were not
// measured are left out.
func judge(rows []row, list []goal) []string {
	var lines []string
	for _, g := range list {
		r, other := at(rows, g.of), at(rows, g.against)
		if r.name != g.of || other.name != g.against {
			continue
		}
		got, what := r.allocs, "allocations"
		if g.against != "" {
			got, what = r.ns.median/other.ns.median, "× "+g.against
		}
		met := got <= g.most
		if g.against == "" { // memory that many requests share makes fractions
			met = math.Round(got) <= math.Round(g.most)
		}
		lines = append(lines, fmt.Sprintf("- %s: %.2f %s, the goal is %.2f: %s", g.of, got, what, g.most, verdict(met)))
	}
	return lines
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "missed"
}
