// Package unixsock listens on Unix stream sockets whose files have the right mode before
// the first connection, replace nothing but what a dead server left, and are gone when the
// last process that serves them stops.
package unixsock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"sync"
)

// DefaultMode lets the owner and the group connect, which takes the right to write.
const DefaultMode fs.FileMode = 0o660

// Config says who may connect. The zero value is [DefaultMode] with the owner and group that
// the system gives a new file.
type Config struct {
	// Mode are the permission bits of the file. The umask does not matter.
	// Default: 0o660.
	Mode fs.FileMode
	// Owner and Group own the file: names, or numbers.
	// Default: those of the process, or the group of a directory that hands its own down.
	Owner, Group string
}

// Listener is a [net.UnixListener] that removes its file when it is closed, if nobody else
// serves it, no child and no successor that has the same socket, and if it is its to remove.
type Listener struct {
	*net.UnixListener
	foreign bool // the file is somebody else's

	mu     sync.Mutex
	file   *file // nil without one
	plain  bool  // the net package removes the file, or does not
	closed bool
	err    error
}

// Listen listens on a path, or, with a name that begins with "@", in the abstract namespace
// of Linux, where there is no file, and so no Config: whoever is in the same network
// namespace may connect.
//
// At a path, a socket that nobody serves is replaced. If somebody does, the error matches
// [syscall.EADDRINUSE]; a file of another kind is left alone, with an error that matches
// [fs.ErrExist]. Processes that start at once take turns by a lock on the directory, which
// must be readable; the wait ends with ctx, and after 5 s. Systems without such locks give an
// error that matches [errors.ErrUnsupported].
func Listen(ctx context.Context, name string, cfg Config) (*Listener, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("unix socket %s: %w", name, err)
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	if strings.HasPrefix(name, "@") {
		return listenAbstract(ctx, name, cfg)
	}
	if cfg.Mode&^fs.ModePerm != 0 {
		return nil, fmt.Errorf("unix socket %s: mode %#o has more than permission bits", name, uint32(cfg.Mode))
	}
	if cfg.Mode == 0 {
		cfg.Mode = DefaultMode
	}
	return listenPath(ctx, name, cfg)
}

// Adopt takes over a listener that was made elsewhere, such as by another process: it
// removes the file in the way of [Listener.Close].
func Adopt(ln *net.UnixListener) *Listener {
	return &Listener{UnixListener: ln, file: adopt(ln)}
}

// Pass takes over a listener whose file is a service manager's: it stays.
func Pass(ln *net.UnixListener) *Listener {
	ln.SetUnlinkOnClose(false)
	return &Listener{UnixListener: ln, foreign: true}
}

// Wrap leaves the file to the net package, until [Listener.Share] is called.
func Wrap(ln *net.UnixListener) *Listener {
	return &Listener{UnixListener: ln, plain: true}
}

// Share is called before other processes get the socket: from then on Close looks whether
// they serve it. It reports whether the file is nobody's to remove.
func (l *Listener) Share() (foreign bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.plain && !l.closed {
		l.plain, l.file = false, adopt(l.UnixListener)
	}
	return l.foreign
}

// Close closes the socket, and removes its file unless somebody still serves it or it has
// become another one. It may be called more than once, and returns the same then. The error
// may be that the file could not be removed.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return l.err
	}
	l.closed = true
	l.err = l.UnixListener.Close()
	if l.file != nil {
		l.err = errors.Join(l.err, l.file.remove())
	}
	return l.err
}

func checkName(name string) error {
	longest := maxName
	switch {
	case name == "":
		return errors.New("unix socket: the path is empty")
	case name == "@":
		return errors.New("unix socket @: the abstract name is empty")
	case strings.ContainsRune(name, 0):
		return fmt.Errorf("unix socket %q: a name cannot have a NUL byte", name)
	case name[0] == '@':
		longest++ // no NUL ends it
	}
	if longest > 0 && len(name) > longest {
		return fmt.Errorf("unix socket %s: the name has %d bytes, and this system allows %d", name, len(name), longest)
	}
	return nil
}
