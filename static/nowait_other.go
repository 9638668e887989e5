//go:build !unix

package static

// noWait has nothing to do where directories have no named pipes.
const noWait = 0
