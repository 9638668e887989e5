package static

import (
	"errors"
	"io"
	"io/fs"
	"path"
)

// fsTree is a file system of the program.
type fsTree struct{ fsys fs.FS }

func (t fsTree) open(name string) (*file, error) {
	if !fs.ValidPath(name) {
		return nil, fs.ErrInvalid
	}
	if err := t.look(name); err != nil {
		return nil, err
	}
	f, err := t.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &file{stamp: stampOf(info), regular: info.Mode().IsRegular(), dir: info.IsDir(), source: fsFile{f}}, nil
}

// look keeps named pipes and devices from being opened, where the file system can tell
// them without that: opening a pipe waits for somebody to write to it.
func (t fsTree) look(name string) error {
	var info fs.FileInfo
	var err error
	switch fsys := t.fsys.(type) {
	case fs.StatFS:
		info, err = fsys.Stat(name)
	case fs.ReadLinkFS: // as those of fs.Sub are
		info, err = fsys.Lstat(name)
	default:
		return nil
	}
	if err == nil && info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket|fs.ModeDevice|fs.ModeIrregular) != 0 {
		err = &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return err
}

func (t fsTree) list(name string, limit int) ([]fs.FileInfo, error) {
	if name == "" {
		name = "."
	}
	if err := t.look(name); err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(t.fsys, name)
	if err != nil {
		return nil, err
	}
	var infos []fs.FileInfo
	for _, e := range entries[:min(limit, len(entries))] {
		if info, err := t.info(name, e); err == nil {
			infos = append(infos, named{info, e.Name()})
		}
	}
	return infos, nil
}

// info opens nothing but what a link leads to, where the file system has no Stat.
func (t fsTree) info(dir string, e fs.DirEntry) (fs.FileInfo, error) {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.Info()
	}
	return fs.Stat(t.fsys, path.Join(dir, e.Name()))
}

// named is the FileInfo of a link's target under the name of the link.
type named struct {
	fs.FileInfo
	name string
}

func (n named) Name() string { return n.name }

type fsFile struct{ fs.File }

func (f fsFile) content() io.ReaderAt {
	switch r := f.File.(type) {
	case io.ReaderAt:
		return r
	case io.Seeker:
		return f
	}
	return nil
}

func (f fsFile) stream() fs.File { return f.File }

func (f fsFile) ReadAt(p []byte, off int64) (int, error) {
	if r, ok := f.File.(io.ReaderAt); ok {
		return r.ReadAt(p, off)
	}
	s, ok := f.File.(io.Seeker)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	if _, err := s.Seek(off, io.SeekStart); err != nil {
		return 0, err
	}
	return io.ReadFull(f.File, p)
}
