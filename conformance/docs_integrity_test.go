package conformance_test

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/openapi"
)

// TestDocsIntegrity compares the hashes that pages from a CDN demand with the files of
// the npm packages, which the CDN serves as they are.
func TestDocsIntegrity(t *testing.T) {
	if !*long {
		t.Skip("it downloads four packages")
	}
	t.Parallel()
	for _, ui := range []openapi.UI{openapi.SwaggerUI, openapi.Redoc, openapi.Scalar, openapi.RapiDoc} {
		page := ui()
		t.Run(page.Name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{} // of a package, and their hashes
			from := ""
			for _, asset := range append(page.Styles, page.Scripts...) {
				rest, ok := strings.CutPrefix(asset.URL, "https://cdn.jsdelivr.net/npm/")
				if !ok {
					assert.Equal(t, strings.Contains(asset.URL, ":"), false, asset.URL)
					continue
				}
				// @scope/name@version/file or name@version/file
				at := 1 + strings.Index(rest[1:], "@")
				slash := at + strings.Index(rest[at:], "/")
				assert.Equal(t, from == "" || from == rest[:slash], true, "one package")
				from, files[rest[slash+1:]] = rest[:slash], asset.Integrity
			}
			packed := npmFiles(t, from)
			for file, hash := range files {
				assert.Equal(t, hash, packed[file], from, file)
			}
		})
	}
}

// npmFiles returns the SHA-384 of each file of a package, as browsers write it.
func npmFiles(t *testing.T, name string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	pack := exec.CommandContext(t.Context(), tool(t, "npm"), "pack", "--silent", "--ignore-scripts", name)
	pack.Dir = dir
	if out, err := pack.CombinedOutput(); err != nil {
		t.Fatalf("npm pack %s: %v\n%s", name, err, out)
	}
	packages, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	assert.NoError(t, err)
	assert.Equal(t, len(packages), 1, "packages of", name)
	f, err := os.Open(packages[0])
	assert.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	assert.NoError(t, err)
	files := map[string]string{}
	for r := tar.NewReader(z); ; {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		assert.NoError(t, err)
		h := sha512.New384()
		_, err = io.Copy(h, r)
		assert.NoError(t, err)
		files[strings.TrimPrefix(head.Name, "package/")] = "sha384-" + base64.StdEncoding.EncodeToString(h.Sum(nil))
	}
}
