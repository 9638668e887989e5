package static

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/tako-go/tako/internal/rawfile"
)

// noWait opens named pipes without a writer at once.
const noWait = unix.O_NONBLOCK

// opener opens files with one system call, in which the kernel resolves the whole name
// below the base, where os.Root needs one for each segment.
type opener struct {
	base *os.File // nil if the kernel cannot do it, or must not
	fd   int
}

func (o *opener) init(root *os.Root) error {
	base, err := root.Open(".")
	if err != nil {
		return err
	}
	o.base, o.fd = base, int(base.Fd())
	if f, err := o.open("."); err == nil {
		return f.Close()
	}
	o.base = nil
	return base.Close()
}

// open returns [errors.ErrUnsupported] for what is left to os.Root.
func (o *opener) open(name string) (*file, error) {
	if o.base == nil {
		return nil, errors.ErrUnsupported
	}
	how := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS}
	fd, err := unix.Openat2(o.fd, name, &how)
	for err == unix.EINTR {
		fd, err = unix.Openat2(o.fd, name, &how)
	}
	switch err {
	case nil:
	case unix.EAGAIN: // somebody renames what a link leads through
		return nil, errors.ErrUnsupported
	default:
		return nil, &fs.PathError{Op: "openat2", Path: name, Err: err}
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		_ = unix.Close(fd)
		return nil, &fs.PathError{Op: "fstat", Path: name, Err: err}
	}
	kind := st.Mode & unix.S_IFMT
	modified := st.Mtim.Nano()
	if st.Mtim.Sec < firstDate {
		modified = 0
	}
	return &file{regular: kind == unix.S_IFREG, dir: kind == unix.S_IFDIR,
		stamp:  stamp{size: st.Size, modified: modified, changed: st.Ctim.Nano(), inode: st.Ino, device: uint64(st.Dev)},
		source: descriptor{rawfile.New(fd, name)}}, nil
}

// descriptor is a file that becomes an *os.File only where that is of use.
type descriptor struct{ *rawfile.File }

func (d descriptor) content() io.ReaderAt { return d.File }

func (d descriptor) stream() fs.File { return nil }
