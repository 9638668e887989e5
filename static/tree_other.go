//go:build !linux

package static

import (
	"errors"
	"os"
)

// opener is for systems with a shorter way than os.Root.
type opener struct{}

func (opener) init(*os.Root) error { return nil }

func (opener) open(string) (*file, error) { return nil, errors.ErrUnsupported }
