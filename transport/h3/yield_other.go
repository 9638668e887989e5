//go:build !linux

package h3

import (
	"errors"
	"log/slog"
	"net"
	"os"
)

func shareable(pc net.PacketConn) net.PacketConn { return pc }

func logTo(net.PacketConn, *slog.Logger) {}

func yield(net.PacketConn, keys) ([]*os.File, func() error, error) {
	return nil, nil, errors.ErrUnsupported
}

func succeed([]*os.File) (*heir, int, error) { return nil, 0, errors.ErrUnsupported }
