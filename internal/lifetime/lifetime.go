// Package lifetime decides whether a Context that outlived its request is
// reused or kept apart so that every later use of it panics.
package lifetime

import "sync/atomic"

var strict atomic.Bool

// Strict keeps used Contexts out of the pool from now on. Test kits call it:
// a stale use then panics instead of reaching another request.
func Strict() { strict.Store(true) }

// IsStrict reports whether used Contexts must not be reused. It is always true
// under the race detector.
func IsStrict() bool { return raceEnabled || strict.Load() }
