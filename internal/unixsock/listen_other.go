//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package unixsock

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
)

const maxName = 0 // not known

func listenPath(_ context.Context, name string, _ Config) (*Listener, error) {
	return nil, fmt.Errorf("unix socket %s: with %s: %w", name, runtime.GOOS, errors.ErrUnsupported)
}

func listenAbstract(ctx context.Context, name string, cfg Config) (*Listener, error) {
	return listenPath(ctx, name, cfg)
}

// A file is never made here.
type file struct{}

func (*file) remove() error { return nil }

// adopt leaves the file to the net package.
func adopt(*net.UnixListener) *file { return nil }
