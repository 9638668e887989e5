package extract

import (
	"io"
	"os"
)

// temporary makes a file that only this user can read. Where the system can do
// without, it has no name: nobody finds it, and it is gone with the process. Else
// the name is random.
func temporary(dir string, named bool) (f *os.File, path string, err error) {
	if dir == "" {
		dir = os.TempDir()
	}
	if !named {
		if f := nameless(dir); f != nil {
			return f, "", nil
		}
	}
	f, err = os.CreateTemp(dir, "upload-*")
	if err != nil {
		return nil, "", err
	}
	return f, f.Name(), nil
}

// Keep puts the file at path, where it stays, for this user alone (mode 0600), and
// fails with [fs.ErrExist] if there is something already. On the file system of
// [MultipartLimits].Dir nothing is copied. The file can still be read.
//
// The path is the program's word: build it from names of your own, not from what
// the client says.
func (f File) Keep(path string) error {
	if f.u == nil {
		return os.ErrNotExist
	}
	if f.u.owner.Load() == ownedByNobody {
		return os.ErrClosed
	}
	if f.u.disk != nil && f.u.link(path) == nil {
		return nil
	}
	return f.copyTo(path)
}

// link gives the file on disk another name. That fails on another file system, and
// on some altogether.
func (u *upload) link(path string) error {
	if u.path != "" {
		return os.Link(u.path, path)
	}
	return linkNameless(u.disk, path)
}

func (f File) copyTo(path string) (err error) {
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if closed := to.Close(); err == nil {
			err = closed
		}
		if err != nil {
			_ = os.Remove(path)
		}
	}()
	_, err = io.Copy(to, io.NewSectionReader(f, 0, f.Size()))
	return err
}
