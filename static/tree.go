package static

import (
	"errors"
	"io"
	"io/fs"
	"syscall"
	"time"
)

// A tree opens what is below its base. Its methods may be called concurrently.
type tree interface {
	// open opens the file or directory of this name, without waiting for anybody.
	open(name string) (*file, error)
	// list returns what is in a directory, "" for the base; at most limit entries.
	// Links are followed as long as they stay below the base.
	list(name string, limit int) ([]fs.FileInfo, error)
}

// stamp tells one state of a file from another.
type stamp struct {
	size     int64
	modified int64 // in nanoseconds since the epoch; 0 if unknown
	changed  int64 // likewise, of anything about the file; 0 if unknown
	inode    uint64
	device   uint64
}

// time returns when the file was modified, the zero time if that is unknown.
func (s stamp) time() time.Time {
	if s.modified == 0 {
		return time.Time{}
	}
	return time.Unix(0, s.modified)
}

// file is what a tree has opened.
type file struct {
	stamp
	regular bool
	dir     bool
	source
}

// source is an open file. ReadAt and content are for one goroutine.
type source interface {
	io.ReaderAt
	// content returns what [tako.Context.ServeContent] sends: an *os.File or *rawfile.File
	// where the kernel shall copy. nil if the file can only be read from its beginning.
	content() io.ReaderAt
	// stream reads the file from its beginning, where content is nil.
	stream() fs.File
	// Close closes the file.
	Close() error
}

// stampOf makes a stamp of what all systems tell.
func stampOf(info fs.FileInfo) stamp {
	s := stamp{size: info.Size()}
	if t := info.ModTime(); t.Unix() >= firstDate {
		s.modified = t.UnixNano()
	}
	return s
}

// firstDate is the end of 1970: dates in it stand for one that nobody knows. Archives and package
// managers set the epoch, or the second behind it.
const firstDate = 365 * 24 * 60 * 60

// failed reports whether err is a failure of the system. All other errors mean that
// there is nothing to be served under the name: it does not exist, is not to be read,
// leads out of the base, or is too long.
func failed(err error) bool {
	for _, bad := range []error{syscall.EMFILE, syscall.ENFILE, syscall.EIO, syscall.ENOMEM} {
		if errors.Is(err, bad) {
			return true
		}
	}
	return false
}
