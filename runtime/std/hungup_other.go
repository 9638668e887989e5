//go:build !linux

package std

import "net"

// hungUp cannot tell here; the context ends once the handler has read the body.
func hungUp(net.Conn) bool { return false }
