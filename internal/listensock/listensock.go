// Package listensock passes listening sockets on: it duplicates those of listeners, and makes
// listeners of those that came from elsewhere.
package listensock

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/tako-go/tako/internal/unixsock"
)

// errNotPlain is in the errors about listeners that may be more than their socket: who takes
// that over would not do what they do besides.
var errNotPlain = fmt.Errorf("it is more than its socket: %w", errors.ErrUnsupported)

// Foreign begins the name of the file of a socket that a service manager has passed: who
// inherits it leaves the file of a Unix socket alone.
const Foreign = "passed "

// Own returns a listener that a server was given, as one that can be shared with other processes.
func Own(ln net.Listener) net.Listener {
	if plain, ok := ln.(*net.UnixListener); ok {
		return unixsock.Wrap(plain)
	}
	return ln
}

// Socket is a [net.Listener] or [net.PacketConn].
type Socket interface{ Close() error }

// Duplicate returns a duplicate of the socket of ln, closed on exec. The socket stays
// non-blocking, whatever the caller does with the file, whose name may begin with [Foreign]. The
// error matches [errors.ErrUnsupported] if ln is not one of the net package, or of ours, and on
// systems that cannot pass sockets on.
func Duplicate(ln Socket) (*os.File, error) {
	name := "socket"
	switch ln := ln.(type) {
	case *net.TCPListener, *net.UnixListener, *net.UDPConn, *net.UnixConn, *net.IPConn:
	case *unixsock.Listener:
		if ln.Share() {
			name = Foreign + name
		}
	default:
		return nil, fmt.Errorf("%T: %w", ln, errNotPlain)
	}
	return duplicate(ln.(filer), name)
}

type filer interface{ File() (*os.File, error) }

// DuplicateAll is Duplicate for several, all or none.
func DuplicateAll[S Socket](lns []S) ([]*os.File, error) {
	files := make([]*os.File, 0, len(lns))
	for _, ln := range lns {
		f, err := Duplicate(ln)
		if err != nil {
			CloseFiles(files)
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// Listeners makes a listener of each socket, all or none. The last one to close a Unix socket
// removes its file. The caller closes the files.
func Listeners(sockets []*os.File) ([]net.Listener, error) {
	lns := make([]net.Listener, 0, len(sockets))
	for _, f := range sockets {
		ln, err := net.FileListener(f)
		if err != nil {
			for _, made := range lns {
				_ = made.Close()
			}
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		if at, ok := ln.(*net.UnixListener); ok {
			ln = inherit(at, f)
		}
		lns = append(lns, ln)
	}
	return lns, nil
}

// inherit takes over a Unix socket from another process.
func inherit(ln *net.UnixListener, from *os.File) net.Listener {
	if strings.HasPrefix(from.Name(), Foreign) {
		return unixsock.Pass(ln)
	}
	return unixsock.Adopt(ln)
}

// CloseFiles closes all.
func CloseFiles(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
