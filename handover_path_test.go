//go:build unix

package tako

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// The next program is looked for by the name of this one: a link to the current release leads
// to another one by then.
func TestProgramPath(t *testing.T) {
	called := os.Args[0]
	defer func() { os.Args[0] = called }()
	self, err := os.Executable()
	assert.NoError(t, err)
	dir := t.TempDir()
	link, other := filepath.Join(dir, "current"), filepath.Join(dir, "other")
	assert.NoError(t, os.Symlink(self, link))
	assert.NoError(t, os.WriteFile(other, []byte("#!/bin/sh\n"), 0o700))
	for name, want := range map[string]string{self: self, link: link, other: self, filepath.Join(dir, "gone"): self} {
		os.Args[0] = name
		assert.Equal(t, programPath(), want, name)
	}
}
