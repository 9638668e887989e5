//go:build unix && !linux

package static

import "syscall"

// noWait opens named pipes without a writer at once.
const noWait = syscall.O_NONBLOCK
