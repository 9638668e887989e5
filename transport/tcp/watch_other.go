//go:build !linux

package tcp

import (
	"net"
	"time"
)

const seesSplices = false

// hungUp cannot tell without a read on this system.
func hungUp(net.Conn, bool) bool { return false }

func writable(net.Conn) bool { return false }

func silence(net.Conn) time.Duration { return -1 }

func acked(net.Conn) uint64 { return 0 }
