//go:build race

package lifetime

const raceEnabled = true
