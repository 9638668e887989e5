package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/tako-go/tako/bench/internal/launch"
	"github.com/tako-go/tako/bench/internal/load"
)

// Classes of the requests beside.
const (
	quick = iota
	sleeping
)

const (
	nap     = 50 * time.Millisecond
	turn    = 5 * time.Millisecond
	learned = 10_000 // quick calls that come before the first that sleeps
	oneIn   = 100    // calls that sleep after those
)

// beside is what other connections do while GET / is measured.
type beside struct {
	name string
	// pick is nil for nothing.
	pick func(n int64) load.Request
	// lead calls are made before the window opens.
	lead int64
	// ideal is the rate when no call waits for another one, 0 for unknown. Quick is
	// the rate of the same connections in the case "quick", 0 if it was not measured.
	ideal func(conns, workers int, quick float64) float64
}

func besides() []beside {
	none := load.Get("/sleep?ms=0", quick)
	naps := load.Get(fmt.Sprintf("/sleep?ms=%d", nap.Milliseconds()), sleeping)
	spins := load.Get(fmt.Sprintf("/spin?us=%d", turn.Microseconds()), quick)
	unknown := func(int, int, float64) float64 { return 0 }
	return []beside{
		{name: "alone", ideal: unknown},
		{name: "quick", pick: func(int64) load.Request { return none }, ideal: unknown},
		{
			name: "sleep", pick: func(int64) load.Request { return naps },
			ideal: func(conns, _ int, _ float64) float64 { return float64(conns) / nap.Seconds() },
		},
		{
			name: "late", lead: learned,
			pick: func(n int64) load.Request {
				if n >= learned && n%oneIn == oneIn-1 {
					return naps
				}
				return none
			},
			ideal: idealLate,
		},
		{
			name: "spin", pick: func(int64) load.Request { return spins },
			ideal: func(conns, workers int, _ float64) float64 { return float64(min(conns, workers)) / turn.Seconds() },
		},
	}
}

// idealLate adds the naps to the time that a call takes in the case "quick": a
// connection that naps makes no other calls meanwhile.
func idealLate(conns, _ int, quick float64) float64 {
	if quick == 0 {
		return 0
	}
	return float64(conns) / (float64(conns)/quick + nap.Seconds()/oneIn)
}

func besideNames() string {
	var names []string
	for _, b := range besides() {
		names = append(names, b.name)
	}
	return strings.Join(names, ",")
}

// selectBesides keeps the order of the table, so that those which others refer
// to come first.
func selectBesides(list string) (selected []beside, err error) {
	wanted := map[string]bool{}
	for _, name := range launch.Split(list) {
		wanted[name] = true
	}
	for _, b := range besides() {
		if wanted[b.name] {
			selected = append(selected, b)
		}
		delete(wanted, b.name)
	}
	for name := range wanted {
		return nil, fmt.Errorf("nothing called %q can run beside; there are %s", name, besideNames())
	}
	if len(selected) == 0 {
		return nil, fmt.Errorf("nothing selected; there are %s", besideNames())
	}
	return selected, nil
}
