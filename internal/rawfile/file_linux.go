package rawfile

import (
	"io"
	"io/fs"
	"os"
	"syscall"
)

// File is an open regular file. It is for one goroutine at a time, which closes it.
type File struct {
	fd   int
	name string
	file *os.File // owns fd if it is not nil
}

// New returns the file of a descriptor, which is its own from then on.
func New(fd int, name string) *File { return &File{fd: fd, name: name} }

// Fd returns the descriptor, which is valid until Close.
func (f *File) Fd() uintptr { return uintptr(f.fd) }

// ReadAt reads what stands at an offset.
func (f *File) ReadAt(p []byte, off int64) (total int, err error) {
	for total < len(p) {
		n, err := syscall.Pread(f.fd, p[total:], off+int64(total))
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return total, &fs.PathError{Op: "read", Path: f.name, Err: err}
		case n == 0:
			return total, io.EOF
		default:
			total += n
		}
	}
	return total, nil
}

// OS returns the same file for who needs an [os.File]. It is closed with f.
func (f *File) OS() *os.File {
	if f.file == nil {
		f.file = os.NewFile(uintptr(f.fd), f.name)
	}
	return f.file
}

// Close closes the file, once.
func (f *File) Close() error {
	switch fd := f.fd; {
	case fd < 0:
		return fs.ErrClosed
	case f.file != nil:
		f.fd = -1
		return f.file.Close()
	default:
		f.fd = -1
		return syscall.Close(fd)
	}
}
