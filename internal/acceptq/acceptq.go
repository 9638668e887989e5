// Package acceptq empties the accept queue of a listening socket, so that closing
// it resets nobody.
package acceptq

import (
	"errors"
	"net"
	"time"

	"github.com/tako-go/tako/internal/unixsock"
)

// ErrEmpty is returned by Next when no connection waits, or the listener does not
// show its socket.
var ErrEmpty = errors.New("acceptq: no connection waits")

// emptyAfter is how long a listener must give nothing to count as empty.
const emptyAfter = 5 * time.Millisecond

// Next returns a connection that waits in the accept queue of ln, whatever its deadline. It
// never blocks for long. One that is not the net package's own, or ours, may do something in
// Accept, which is not passed by.
func Next(ln net.Listener) (net.Conn, error) {
	switch ln := ln.(type) {
	case *net.TCPListener, *net.UnixListener, *unixsock.Listener:
		return next(ln)
	case interface{ SetDeadline(time.Time) error }:
		if err := ln.SetDeadline(time.Now().Add(emptyAfter)); err != nil {
			return nil, err
		}
		return ln.(net.Listener).Accept()
	}
	return nil, ErrEmpty
}
