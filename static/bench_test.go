package static

import (
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// discard is a response that nobody reads.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

func benchmark(b *testing.B, size int, fields ...string) {
	dir := files(b, map[string]string{"a/b/c.js": strings.Repeat("x", size)})
	t, err := newDirTree(dir)
	assert.NoError(b, err)
	app := tako.New()
	app.Get("/{file...}", newSite(t, Config{}.withDefaults(), func() time.Time { return time.Now().Add(time.Hour) }).serve)
	assert.NoError(b, app.Build())
	req, err := http.NewRequest(http.MethodGet, "/a/b/c.js", nil)
	assert.NoError(b, err)
	for i := 0; i < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	w := &discard{http.Header{}}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		app.ServeHTTP(w, req)
	}
}

func BenchmarkServe1KiB(b *testing.B)   { benchmark(b, 1<<10) }
func BenchmarkServe100KiB(b *testing.B) { benchmark(b, 100<<10) }
func BenchmarkServeRange(b *testing.B)  { benchmark(b, 100<<10, "Range", "bytes=50000-50999") }
func BenchmarkNotModified(b *testing.B) {
	benchmark(b, 1<<10, "If-Modified-Since", "Fri, 02 Jan 2026 03:04:05 GMT")
}

// BenchmarkOpen compares the ways to a file three directories deep.
func BenchmarkOpen(b *testing.B) {
	dir := files(b, map[string]string{"a/b/c.js": "x"})
	fast, err := newDirTree(dir)
	assert.NoError(b, err)
	for name, t := range map[string]tree{"fast": fast, "os.Root": &dirTree{root: fast.root}, "net/http": httpDir{http.Dir(dir)}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f, err := t.open(filepath.FromSlash("a/b/c.js"))
				assert.NoError(b, err)
				_, _ = f.ReadAt(make([]byte, 1), 0)
				_ = f.Close()
			}
		})
	}
}

// httpDir opens as net/http does, for comparison.
type httpDir struct{ dir http.Dir }

func (h httpDir) open(name string) (*file, error) {
	f, err := h.dir.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return &file{stamp: stampOf(info), source: fsFile{f}}, nil
}

func (httpDir) list(string, int) ([]fs.FileInfo, error) { return nil, io.EOF }
