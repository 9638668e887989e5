//go:build !linux

package hangup

import "net"

// Seen cannot tell here; the context ends once the handler has read the body.
func Seen(net.Conn) bool { return false }
