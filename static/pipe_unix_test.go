//go:build unix

package static

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// SF-03: nobody waits for somebody to write to a named pipe.
func TestSF03Pipes(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"sub/a.txt": "a"})
	for _, name := range []string{"pipe", "sub/pipe", "sub/pipe.br", "sub/index.html"} {
		assert.NoError(t, syscall.Mkfifo(filepath.Join(dir, name), 0o600))
	}
	assert.NoError(t, os.Symlink("pipe", filepath.Join(dir, "link")))
	root, err := os.OpenRoot(dir)
	assert.NoError(t, err)
	t.Cleanup(func() { _ = root.Close() })
	sub, err := fs.Sub(os.DirFS(dir), "sub")
	assert.NoError(t, err)
	app := tako.New()
	cfg := Config{List: true, Precompressed: true, Fallback: "pipe"}
	Dir(app, "/dir/", dir, cfg)
	FS(app, "/fs/", os.DirFS(dir), cfg)
	FS(app, "/root/", root.FS(), cfg)
	FS(app, "/part/", sub, cfg)
	c := start(t, serverOf(app), nil)
	t.Cleanup(func() { release(t, dir) })
	for _, base := range []string{"/dir/", "/fs/", "/root/"} {
		for _, name := range []string{"pipe", "pipe/", "sub/pipe", "sub/pipe/", "link", "link/", "nothing"} {
			c.get(base+name, "Accept: text/html").refused(t, base+name, 404)
		}
	}
	for _, name := range []string{"pipe", "pipe/"} {
		c.get("/part/"+name).refused(t, name, 404)
	}
	for _, base := range []string{"/dir/sub/", "/fs/sub/", "/root/sub/", "/part/"} {
		c.get(base+"a.txt").is(t, 200, "a")
		assert.Contains(t, c.get(base).body, ">a.txt<")
	}
}

// release lets those go who wait all the same, so that the test ends.
func release(t *testing.T, dir string) {
	_ = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type() == fs.ModeNamedPipe {
			if fd, failed := syscall.Open(name, syscall.O_WRONLY|syscall.O_NONBLOCK, 0); failed == nil {
				t.Errorf("somebody waits for %s", d.Name())
				_ = syscall.Close(fd)
			}
		}
		return err
	})
}
