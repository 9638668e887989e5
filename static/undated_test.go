package static

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// SF-12: dates in 1970 are none: a large file gets another tag when it is replaced by one of the
// same size and date.
func TestSF12Undated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	app := tako.New()
	settledDir(t, app, "/", dir, Config{HashBytes: 10, List: true})
	FS(app, "/fs/", fstest.MapFS{"a": {Data: []byte("some text"), ModTime: time.Unix(1, 0)}}, Config{HashBytes: 1})
	c := start(t, serverOf(app), nil)
	for _, date := range []time.Time{time.Unix(0, 0), time.Unix(0, 5e8), time.Unix(1, 0), time.Unix(-5, 0), time.Unix(firstDate-1, 0)} {
		replace(t, filepath.Join(dir, "big"), strings.Repeat("a", 100), date)
		old := c.get("/big").has(t, "Last-Modified: ").header.Get("Etag")
		if runtime.GOOS != "linux" {
			assert.Equal(t, old, "")
			continue
		}
		assert.Equal(t, strings.HasPrefix(old, `"64-`), true, "the tag of a large file")
		assert.Eventually(t, enough, "another tag", func() bool {
			replace(t, filepath.Join(dir, "big"), strings.Repeat("b", 100), date)
			return c.get("/big", "If-None-Match: "+old).status == 200
		})
		c.get("/big", "Range: bytes=0-9", "If-Range: "+old).is(t, 200, strings.Repeat("b", 100))
		c.get("/big", "If-Modified-Since: Thu, 02 Jan 2020 03:04:05 GMT").is(t, 200, strings.Repeat("b", 100))
		c.get("/", likesJSON).is(t, 200, `[{"name":"big","link":"./big","dir":false,"size":100}]`)
	}
	c.get("/fs/a").is(t, 200, "some text").has(t, "Etag: ", "Last-Modified: ")
	first := time.Unix(firstDate, 0)
	replace(t, filepath.Join(dir, "big"), strings.Repeat("a", 100), first)
	c.get("/big").is(t, 200, strings.Repeat("a", 100)).has(t, "Last-Modified: "+first.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))
}

// SF-12: the weak tag of a file that was changed just now tells its content from what was there
// before with the same size and date.
func TestSF12JustChanged(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only the date that is set is known")
	}
	dir := t.TempDir()
	tr, err := newDirTree(dir)
	assert.NoError(t, err)
	app := tako.New()
	s := newSite(tr, Config{}.withDefaults(), func() time.Time { return oldDate }) // nothing settles
	app.Get("/{file...}", s.serve)
	c := start(t, serverOf(app), nil)
	replace(t, filepath.Join(dir, "w.txt"), "version A", oldDate)
	old := c.get("/w.txt").is(t, 200, "version A").header.Get("Etag")
	assert.Equal(t, strings.HasPrefix(old, "W/"), true, "a weak tag")
	c.get("/w.txt", "If-None-Match: "+old).is(t, 304, "")
	assert.Eventually(t, enough, "another tag", func() bool {
		replace(t, filepath.Join(dir, "w.txt"), "version B", oldDate)
		return c.get("/w.txt", "If-None-Match: "+old).status == 200
	})
}

// replace puts a file in the place of another by renaming.
func replace(t testing.TB, name, content string, date time.Time) {
	t.Helper()
	assert.NoError(t, os.WriteFile(name+".new", []byte(content), 0o600))
	assert.NoError(t, os.Chtimes(name+".new", date, date))
	assert.NoError(t, os.Rename(name+".new", name))
}

// A name that no path can ask for is not listed.
func TestListUTF8(t *testing.T) {
	t.Parallel()
	info, err := fs.Stat(fstest.MapFS{"x": {}}, "x")
	assert.NoError(t, err)
	entries := (&site{}).entries([]fs.FileInfo{named{info, "\xe9x.txt"}, named{info, "éx.txt"}}, true)
	assert.Equal(t, len(entries), 1)
	assert.Equal(t, entries[0].Name, "éx.txt")
}
