// Package acceptq empties the accept queue of a listening socket, so that closing
// it resets nobody.
package acceptq

import (
	"errors"
	"net"
)

// ErrEmpty is returned by Next when no connection waits, or the listener does not
// show its socket.
var ErrEmpty = errors.New("acceptq: no connection waits")

// Next returns a connection that waits in the accept queue of ln, whatever its
// deadline. It never blocks.
func Next(ln net.Listener) (net.Conn, error) { return next(ln) }
