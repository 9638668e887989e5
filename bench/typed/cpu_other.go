//go:build !unix

package main

import "time"

var begun = time.Now()

// cpuTime is the time that has passed, which is more where others use the
// processor as well.
func cpuTime() time.Duration { return time.Since(begun) }
