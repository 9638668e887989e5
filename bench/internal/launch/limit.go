package launch

import (
	"fmt"
	"syscall"
)

// manyDescriptors is enough for the largest scenario, ten thousand connections.
const manyDescriptors = 65536

// RaiseDescriptors raises the limit of open descriptors for this process and for
// those it starts, as far as it may, and fails when fewer than need are left.
func RaiseDescriptors(need int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("read the descriptor limit: %w", err)
	}
	more := syscall.Rlimit{Cur: max(manyDescriptors, limit.Max), Max: max(manyDescriptors, limit.Max)}
	err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &more)
	if err != nil { // only root may raise the hard limit
		more = syscall.Rlimit{Cur: limit.Max, Max: limit.Max}
		err = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &more)
	}
	if err != nil {
		return fmt.Errorf("raise the descriptor limit: %w", err)
	}
	if more.Cur < uint64(need) {
		return fmt.Errorf("%d descriptors are allowed, %d are needed; raise the limit with ulimit -Hn", more.Cur, need)
	}
	return nil
}
