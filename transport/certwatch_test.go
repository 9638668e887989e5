package transport

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fsnotify/fsnotify"

	"github.com/tako-go/tako/internal/assert"
)

// A system may refuse to watch a directory: it has no more watches, or it may not be read.
func TestWatchRefused(t *testing.T) {
	notify, err := fsnotify.NewWatcher()
	assert.NoError(t, err)
	defer notify.Close()
	var refusal error = syscall.ENOSPC
	var text bytes.Buffer
	file := filepath.Join(t.TempDir(), "cert.pem")
	w := &certWatch{certs: CertFiles(file, file), notify: notify, files: []string{file}, lost: map[string]bool{},
		log: slog.New(slog.NewTextHandler(&text, nil)), add: func(string) error { return refusal }}
	for range 3 {
		assert.Equal(t, w.follow(), true)
		assert.ErrorIs(t, w.certs.Stats().WatchError, syscall.ENOSPC)
	}
	assert.Equal(t, strings.Count(text.String(), "level=WARN"), 1)
	assert.Contains(t, text.String(), "are not noticed")

	refusal = nil
	assert.Equal(t, w.follow(), true)
	assert.NoError(t, w.certs.Stats().WatchError)
	refusal = syscall.EACCES
	w.follow()
	assert.Equal(t, strings.Count(text.String(), "level=WARN"), 2, "it was well meanwhile")

	refusal = errors.Join(fs.ErrNotExist)
	assert.Equal(t, w.follow(), false, "a directory that has just gone is looked for again")
	assert.Equal(t, strings.Count(text.String(), "level=WARN"), 2)
}
