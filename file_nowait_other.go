//go:build !unix

package tako

// noWait has nothing to do where directories have no named pipes.
const noWait = 0
