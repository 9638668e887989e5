package rawfile

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// open makes a file with this content.
func open(t *testing.T, content string) *File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	assert.NoError(t, os.WriteFile(name, []byte(content), 0o600))
	fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	assert.NoError(t, err)
	f := New(fd, name)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestReadAt(t *testing.T) {
	t.Parallel()
	f := open(t, "octopus")
	p := make([]byte, 4)
	n, err := f.ReadAt(p, 2)
	assert.NoError(t, err)
	assert.Equal(t, string(p[:n]), "topu")
	n, err = f.ReadAt(p, 5)
	assert.Equal(t, err, io.EOF)
	assert.Equal(t, string(p[:n]), "us")
	n, err = f.ReadAt(p, 70)
	assert.Equal(t, err, io.EOF)
	assert.Equal(t, n, 0)
}

// Whoever has asked for the os.File has one descriptor with it, which is closed once.
func TestOneDescriptor(t *testing.T) {
	t.Parallel()
	f := open(t, "octopus")
	file := f.OS()
	assert.Equal(t, f.OS(), file, "asked again")
	all, err := io.ReadAll(file)
	assert.NoError(t, err)
	assert.Equal(t, string(all), "octopus")
	assert.NoError(t, f.Close())
	assert.ErrorIs(t, file.Close(), fs.ErrClosed)
	assert.ErrorIs(t, f.Close(), fs.ErrClosed)
}

// A second Close must not hit what has got the number meanwhile.
func TestCloseOnce(t *testing.T) {
	t.Parallel()
	f := open(t, "octopus")
	assert.NoError(t, f.Close())
	assert.ErrorIs(t, f.Close(), fs.ErrClosed)
	_, err := f.ReadAt(make([]byte, 1), 0)
	assert.ErrorIs(t, err, syscall.EBADF)
}
