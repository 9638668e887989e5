package transport

import (
	"context"
	"fmt"
	"io/fs"
	"net"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/unixsock"
)

// UnixConfig says who may connect to a Unix socket. The zero value lets the owner and the
// group in.
type UnixConfig struct {
	// Mode are the permission bits of the file, whatever the umask; who may write may connect.
	// They hold before the first connection.
	// Default: 0o660.
	Mode fs.FileMode
	// Owner and Group own the file: names, or numbers. Giving a file away takes a privilege.
	// Default: those of the process, or the group of a folder that hands its own down.
	Owner, Group string
}

// Unix listens on a Unix stream socket: a path, or, on Linux, a name that begins with "@"
// for the abstract namespace, which has no file, so cfg must be zero, and lets everybody of the
// same network namespace in.
//
// A socket that a dead server left at the path is replaced. If it is alive the error of the
// function matches [syscall.EADDRINUSE]; anything else that is at the path stays, and the
// error matches [fs.ErrExist]. Processes that begin at once are told apart by a lock on the
// folder, which must be readable; that takes up to 5 s. The file is removed when the listener
// is closed, unless another process serves the same socket still. The error matches
// [errors.ErrUnsupported] where a system has none of this.
//
// A socket that was passed to the process is not looked for: see [Listen].
func Unix(path string, cfg UnixConfig) tako.ListenFunc {
	return func(ctx context.Context) (net.Listener, error) {
		ln, err := unixsock.Listen(ctx, path, unixsock.Config(cfg))
		if err != nil {
			return nil, fmt.Errorf("transport: %w", err)
		}
		return ln, nil
	}
}
