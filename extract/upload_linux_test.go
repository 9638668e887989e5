package extract

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// A file without a name is kept without being copied.
func TestUploadLinksNameless(t *testing.T) {
	dir := t.TempDir()
	f := nameless(dir)
	if f == nil {
		t.Skip("the file system has no files without a name")
	}
	defer f.Close()
	info, err := f.Stat()
	assert.NoError(t, err)
	assert.Equal(t, info.Mode().Perm(), fs.FileMode(0o600))
	path := filepath.Join(dir, "kept")
	assert.NoError(t, linkNameless(f, path))
	linked, err := os.Stat(path)
	assert.NoError(t, err)
	assert.Equal(t, os.SameFile(info, linked), true)
	assert.ErrorIs(t, linkNameless(f, path), fs.ErrExist)
	if err := linkNameless(f, "a\x00b"); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("got %v for a path that cannot be", err)
	}
}
