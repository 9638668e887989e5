//go:build !unix

package tako

import (
	"context"
	"errors"
	"os"
)

func handoverSignals() []os.Signal { return []os.Signal{} }

func (r Runner) handOver(context.Context, []Server) error {
	return errors.ErrUnsupported
}

func programPath() string { return "" }

// predecessor is the process that has started this one to take its place; there is
// none on this system.
type predecessor struct{}

func (r Runner) succeed([]Server) (*predecessor, error) { return nil, nil }

func (*predecessor) up() {}

func (*predecessor) failed(error) {}

func (*predecessor) awaitYield() {}
