// Package upload keeps the files that users of the octopus example upload: their
// bytes in a temporary folder, the rest in memory.
package upload

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// What callers tell apart.
var (
	ErrNoFile   = errors.New("no such file")
	ErrNotYours = errors.New("only who uploaded a file may remove it")
	ErrFull     = errors.New("no room for more files")
)

const (
	maxFiles = 1000
	maxBytes = 256 << 20 // of all files
)

// File describes an upload.
type File struct {
	ID       int64     `json:"id" required:"true"`
	Name     string    `json:"name" required:"true" example:"shells.txt"`
	Entry    string    `json:"entry" required:"true" doc:"its name in the folder /files/" example:"1-shells.txt"`
	Size     int64     `json:"size" required:"true" doc:"in bytes"`
	By       string    `json:"by" required:"true" doc:"who shares it"`
	Uploaded time.Time `json:"uploaded" required:"true"`
}

// Store holds all files. It is safe for concurrent use.
type Store struct {
	dir   string
	mu    sync.Mutex
	last  int64
	bytes int64 // of complete files and those under way
	files map[int64]File
}

// New makes a store with a folder of its own.
func New() (*Store, error) {
	dir, err := os.MkdirTemp("", "octopus-")
	if err != nil {
		return nil, fmt.Errorf("make upload folder: %w", err)
	}
	return &Store{dir: dir, files: map[int64]File{}}, nil
}

// Close removes all files.
func (s *Store) Close() error { return os.RemoveAll(s.dir) }

// Add copies a file from r, to its end. Nothing is kept if that fails.
func (s *Store) Add(name, by string, r io.Reader) (File, error) {
	s.mu.Lock()
	if len(s.files) >= maxFiles {
		s.mu.Unlock()
		return File{}, ErrFull
	}
	s.last++
	f := File{ID: s.last, Name: filepath.Base(name), By: by, Uploaded: time.Now().UTC()}
	f.Entry = entry(f.ID, f.Name)
	s.mu.Unlock()

	half := s.path("." + f.Entry) // not listed before it is complete
	err := s.copy(&f, half, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		err = os.Rename(half, s.path(f.Entry))
	}
	if err != nil {
		s.bytes -= f.Size
		return File{}, errors.Join(err, ignoreAbsent(os.Remove(half)))
	}
	s.files[f.ID] = f
	return f, nil
}

func (s *Store) copy(f *File, path string, r io.Reader) error {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("create file: %w", err)
	}
	_, err = io.Copy(&booked{s, f, out}, r)
	return errors.Join(err, out.Close())
}

// booked counts the bytes of a file into the store before they are written.
type booked struct {
	store *Store
	file  *File
	out   io.Writer
}

func (b *booked) Write(p []byte) (int, error) {
	b.store.mu.Lock()
	full := b.store.bytes+int64(len(p)) > maxBytes
	if !full {
		b.store.bytes += int64(len(p))
		b.file.Size += int64(len(p))
	}
	b.store.mu.Unlock()
	if full {
		return 0, ErrFull
	}
	return b.out.Write(p)
}

func ignoreAbsent(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func (s *Store) path(entry string) string { return filepath.Join(s.dir, entry) }

// Dir is the folder of the complete files, by their entries. Names with a dot in front are not of it.
func (s *Store) Dir() string { return s.dir }

// List returns all files, the newest first.
func (s *Store) List() []File {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]File, 0, len(s.files))
	for _, f := range s.files {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b File) int { return cmp.Compare(b.ID, a.ID) })
	return list
}

// Open returns a file and where its bytes are.
func (s *Store) Open(id int64) (f File, path string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.files[id]
	if !ok {
		return File{}, "", ErrNoFile
	}
	return f, s.path(f.Entry), nil
}

// Remove removes a file of this user. Downloads under way go on.
func (s *Store) Remove(id int64, by string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.files[id]
	switch {
	case !ok:
		return ErrNoFile
	case f.By != by:
		return ErrNotYours
	}
	delete(s.files, id)
	s.bytes -= f.Size
	return os.Remove(s.path(f.Entry))
}

// Count returns the number of files and their bytes.
func (s *Store) Count() (files int, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.files), s.bytes
}
