package extract

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"sync/atomic"
)

// File is a file of a form: a field of type File, *File or []File with a file tag,
// see [MultipartForm]. A small one is in memory, another one on disk. It can be
// read until the request ends, and is then deleted, however that comes about,
// unless it was kept or taken over.
//
// Copies are the same file and share its position. It is used by one goroutine at a
// time, except for ReadAt. The zero File is absent and has no bytes.
type File struct{ u *upload }

// upload is what the copies of a File share.
type upload struct {
	src         io.ReaderAt
	size        int64
	at          int64
	name        string // as the client sent it
	contentType string
	disk        *os.File // nil in memory
	path        string   // of disk, "" if it has no name
	owner       atomic.Uint32
}

const (
	ownedByRequest uint32 = iota
	ownedByProgram
	ownedByNobody // closed and deleted
)

// NewFile returns a file to be sent by [tako.Route.Do] or to call a handler with:
// size bytes of r, under a name. An empty contentType means
// application/octet-stream. Closing it does not close r.
func NewFile(name, contentType string, r io.ReaderAt, size int64) File {
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	return File{&upload{src: r, size: size, name: name, contentType: contentType}}
}

// Present reports whether there is a file. An empty file is present.
func (f File) Present() bool { return f.u != nil }

// Size returns the number of bytes.
func (f File) Size() int64 {
	if f.u == nil {
		return 0
	}
	return f.u.size
}

// Name returns the base name that the client gave, made harmless: without folders,
// drive and control characters, with at most 255 bytes, "" if nothing is left. It
// is for showing; files are better kept under names of your own.
func (f File) Name() string { return cleanFileName(f.UnsafeName()) }

// UnsafeName returns what the client sent as file name: any text at all, such as
// ../../etc/passwd. It must never be part of a path.
func (f File) UnsafeName() string {
	if f.u == nil {
		return ""
	}
	return f.u.name
}

// ContentType returns the media type that the client claims, as it was sent,
// application/octet-stream if it claims none. Nobody has looked whether it is true;
// see DetectContentType.
func (f File) ContentType() string {
	if f.u == nil {
		return ""
	}
	return f.u.contentType
}

// DetectContentType returns the media type that the first 512 bytes suggest, by
// [http.DetectContentType]. It does not move the position.
func (f File) DetectContentType() (string, error) {
	var head [512]byte
	n, err := f.ReadAt(head[:], 0)
	if err != nil && err != io.EOF {
		return "", err
	}
	return http.DetectContentType(head[:n]), nil
}

// Read reads on from the position.
func (f File) Read(p []byte) (int, error) {
	if f.u == nil {
		return 0, io.EOF
	}
	n, err := f.ReadAt(p, f.u.at)
	f.u.at += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

// ReadAt reads len(p) bytes from an offset. It may be called by several goroutines.
func (f File) ReadAt(p []byte, off int64) (int, error) {
	switch {
	case f.u == nil:
		return 0, io.EOF
	case f.u.owner.Load() == ownedByNobody:
		return 0, fs.ErrClosed
	case len(p) == 0:
		return 0, nil
	case off < 0:
		return 0, errors.New("extract: read before the beginning of a file")
	case off >= f.u.size:
		return 0, io.EOF
	}
	short := int64(len(p)) > f.u.size-off
	if short {
		p = p[:f.u.size-off]
	}
	n, err := f.u.src.ReadAt(p, off)
	if n == len(p) && (err == nil || err == io.EOF) {
		err = nil
		if short {
			err = io.EOF
		}
	}
	return n, err
}

// Seek moves the position.
func (f File) Seek(offset int64, whence int) (int64, error) {
	if f.u == nil {
		return 0, fs.ErrInvalid
	}
	switch whence {
	case io.SeekCurrent:
		offset += f.u.at
	case io.SeekEnd:
		offset += f.u.size
	}
	if offset < 0 || whence < io.SeekStart || whence > io.SeekEnd {
		return 0, fmt.Errorf("extract: seek to %d from %d", offset, whence)
	}
	f.u.at = offset
	return offset, nil
}

// TakeOver keeps the file from being deleted when the request ends: it is the
// program's from then on, which must call Close. It fails if the request has ended.
func (f File) TakeOver() error {
	if f.u == nil {
		return fs.ErrNotExist
	}
	if f.u.owner.CompareAndSwap(ownedByRequest, ownedByProgram) || f.u.owner.Load() == ownedByProgram {
		return nil
	}
	return fs.ErrClosed
}

// Close deletes the file and gives its memory back. Nobody has to call it, except
// after TakeOver. What [File.Keep] has kept stays.
func (f File) Close() error {
	if f.u == nil || f.u.owner.Swap(ownedByNobody) == ownedByNobody {
		return nil
	}
	return f.u.discard()
}

// JSONSchema describes the type in documents.
func (File) JSONSchema() string { return `{"type":"string","format":"binary"}` }

// endOfRequest deletes the file unless somebody took it over.
func (u *upload) endOfRequest() {
	if u.owner.CompareAndSwap(ownedByRequest, ownedByNobody) {
		_ = u.discard() // nobody is left to be told
	}
}

func (u *upload) discard() error {
	if u.disk == nil {
		return nil
	}
	err := u.disk.Close()
	if u.path != "" {
		err = errors.Join(err, os.Remove(u.path))
	}
	return err
}
