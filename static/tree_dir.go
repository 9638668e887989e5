package static

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
)

// dirTree is a directory on disk. Links are resolved by whoever opens a file, step by
// step below the base, so what was checked is what is read.
type dirTree struct {
	root *os.Root
	fast opener
}

func newDirTree(dir string) (*dirTree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	t := &dirTree{root: root}
	if err := t.fast.init(root); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return t, nil
}

func (t *dirTree) open(name string) (*file, error) {
	if f, err := t.fast.open(name); !errors.Is(err, errors.ErrUnsupported) {
		return f, err
	}
	f, err := t.root.OpenFile(name, os.O_RDONLY|noWait, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &file{stamp: stampOf(info), regular: info.Mode().IsRegular(), dir: info.IsDir(), source: osFile{f}}, nil
}

func (t *dirTree) list(name string, limit int) ([]fs.FileInfo, error) {
	if name == "" {
		name = "."
	}
	dir, err := t.root.OpenFile(name, os.O_RDONLY|noWait, 0)
	if err != nil {
		return nil, err
	}
	names, err := dir.Readdirnames(limit) // fails for what is no directory
	if err := errors.Join(endIsNone(err), dir.Close()); err != nil {
		return nil, err
	}
	var infos []fs.FileInfo
	for _, n := range names {
		if info, err := t.root.Stat(path.Join(name, n)); err == nil {
			infos = append(infos, named{info, n})
		}
	}
	return infos, nil
}

func endIsNone(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

type osFile struct{ *os.File }

func (f osFile) content() io.ReaderAt { return f.File }

func (f osFile) stream() fs.File { return f.File }
