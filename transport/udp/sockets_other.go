//go:build !unix

package udp

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"syscall"
)

func sharePort(string, string, syscall.RawConn) error {
	return fmt.Errorf("sockets cannot share an address with %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

func readBuffer(_ net.PacketConn, size int) int { return size }
