//go:build !linux

package transport

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
)

func listenVSock(uint32, uint32) (net.Listener, error) {
	return nil, fmt.Errorf("with %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

func newVSockListener(file *os.File) (net.Listener, error) {
	_ = file.Close()
	return listenVSock(0, 0)
}

func vsockName(any) (string, bool) { return "", false }
