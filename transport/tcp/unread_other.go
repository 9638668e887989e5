//go:build !unix

package tcp

import "net"

// unread cannot tell on this system.
func unread(net.Conn) bool { return false }
