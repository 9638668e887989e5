//go:build !linux

package netpoll

import (
	"errors"
	"fmt"
)

// Open returns an error that matches [errors.ErrUnsupported].
func Open(string) (Poller, error) {
	return nil, fmt.Errorf("netpoll: only Linux has it: %w", errors.ErrUnsupported)
}

// Probe returns an error that wraps [ErrNoIOUring].
func Probe() error {
	return fmt.Errorf("%w: only Linux has it: %w", ErrNoIOUring, errors.ErrUnsupported)
}
