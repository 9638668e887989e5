//go:build !unix

package std

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
)

func duplicate(net.Listener) (*os.File, error) {
	return nil, fmt.Errorf("std: sockets cannot be passed on with %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
