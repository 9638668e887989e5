//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package transport

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

func readEnvironment() *passed {
	return &passed{taken: map[int]bool{}, note: "no sockets are passed with " + runtime.GOOS}
}

func inspect(fd int) (SocketInfo, error) {
	return SocketInfo{FD: fd}, fmt.Errorf("sockets cannot be passed with %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

func take(fd int, _ string) (*os.File, error) {
	_, err := inspect(fd)
	return nil, err
}
