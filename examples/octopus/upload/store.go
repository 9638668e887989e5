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
	"strconv"
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
	ID       int64     `json:"id"`
	Name     string    `json:"name"`
	Size     int64     `json:"size"`
	By       string    `json:"by"`
	Uploaded time.Time `json:"uploaded"`
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
	s.mu.Unlock()

	err := s.copy(&f, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.bytes -= f.Size
		return File{}, errors.Join(err, ignoreAbsent(os.Remove(s.path(f.ID))))
	}
	s.files[f.ID] = f
	return f, nil
}

func (s *Store) copy(f *File, r io.Reader) error {
	out, err := os.OpenFile(s.path(f.ID), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
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

func (s *Store) path(id int64) string { return filepath.Join(s.dir, strconv.FormatInt(id, 10)) }

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
	return f, s.path(id), nil
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
	return os.Remove(s.path(id))
}

// Count returns the number of files and their bytes.
func (s *Store) Count() (files int, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.files), s.bytes
}
