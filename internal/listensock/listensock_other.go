//go:build !unix

package listensock

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

func duplicate(filer, string) (*os.File, error) {
	return nil, fmt.Errorf("sockets cannot be passed on with %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
