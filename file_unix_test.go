//go:build unix

package tako_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// A named pipe is no file, and nobody waits for somebody to write to it.
func TestFilePipe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	assert.NoError(t, syscall.Mkfifo(pipe, 0o600))
	r := tako.New()
	r.Get("/file", func(c *tako.Context) error { return c.File(pipe) })
	r.Get("/fs", func(c *tako.Context) error { return c.FileFS(os.DirFS(dir), "pipe") })
	r.Get("/as", func(c *tako.Context) error { return c.Attachment(pipe, "a.txt") })
	s := takotest.New(t, r)
	for _, path := range []string{"/file", "/fs", "/as"} {
		s.Get(path).Problem(404)
	}
}
