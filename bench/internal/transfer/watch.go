package transfer

import (
	"time"

	"github.com/tako-go/tako/bench/internal/proc"
)

// every is the time between two looks at the memory.
const every = 20 * time.Millisecond

// SampleRSS looks at the memory of a process until the returned function is called,
// which returns the largest value.
func SampleRSS(pid int) (stop func() int64) {
	ended := make(chan struct{})
	most := make(chan int64)
	go func() {
		var largest int64
		again := time.NewTicker(every)
		defer again.Stop()
		for {
			if rss, err := proc.ReadRSS(pid); err == nil {
				largest = max(largest, rss)
			}
			select {
			case <-again.C:
			case <-ended:
				most <- largest
				return
			}
		}
	}()
	return func() int64 {
		close(ended)
		return <-most
	}
}
