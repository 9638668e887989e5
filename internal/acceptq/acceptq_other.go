//go:build !unix

package acceptq

import "net"

func next(net.Listener) (net.Conn, error) { return nil, ErrEmpty }
