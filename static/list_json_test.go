package static

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

const likesJSON = "Accept: application/json"

// TestListJSON: a listing in JSON has what the page has, in the same order.
func TestListJSON(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"a.txt", "b c#.txt", "<img src=x>", ".env", ".well-known/x", "sub/deep"} {
		assert.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700))
		assert.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600))
		assert.NoError(t, os.Chtimes(filepath.Join(dir, name), oldDate, oldDate))
	}
	assert.NoError(t, os.Chtimes(filepath.Join(dir, "sub"), oldDate, oldDate))
	app := tako.New()
	Dir(app, "/d/", dir, Config{List: true})
	FS(app, "/f/", os.DirFS(dir), Config{List: true})
	FS(app, "/wk/", os.DirFS(dir), Config{List: true, DotFiles: DotWellKnown})
	FS(app, "/none/", fstest.MapFS{}, Config{List: true})
	FS(app, "/timeless/", fstest.MapFS{"a": {}}, Config{List: true})
	everywhere(t, app, func(t *testing.T, c client) {
		const (
			sub   = `{"name":"sub","link":"./sub/","dir":true,"modified":"`
			bytes = `,"modified":"`
		)
		date := oldDate.UTC().Format(time.RFC3339)
		want := []string{sub + date + `"}`,
			`{"name":"\u003cimg src=x\u003e","link":"./%3Cimg%20src=x%3E","dir":false,"size":11` + bytes + date + `"}`,
			`{"name":"a.txt","link":"./a.txt","dir":false,"size":5` + bytes + date + `"}`,
			`{"name":"b c#.txt","link":"./b%20c%23.txt","dir":false,"size":8` + bytes + date + `"}`}
		listing := func(order ...int) string {
			var all []string
			for _, i := range order {
				all = append(all, want[i])
			}
			return "[" + strings.Join(all, ",") + "]"
		}
		for _, mount := range []string{"/d/", "/f/"} {
			c.get(mount, likesJSON).is(t, 200, listing(0, 1, 2, 3)).
				has(t, "Content-Type: application/json", "Vary: Accept", "X-Content-Type-Options: nosniff", "Cache-Control: no-cache")
			c.get(mount+"?sort=size", likesJSON).is(t, 200, listing(0, 2, 3, 1))
			c.get(mount+"?sort=name&order=desc", likesJSON).is(t, 200, listing(0, 3, 2, 1))
			c.do("HEAD", mount, likesJSON).is(t, 200, "").has(t, "Content-Type: application/json")
			for _, page := range []string{"Accept: text/html", "Accept: */*", "Accept: text/html, application/json", "Accept: application/json;q=0.5, text/*", "X-None: 1"} {
				c.get(mount, page).has(t, "Content-Type: text/html; charset=utf-8", "Vary: Accept")
			}
		}
		c.get("/none/", likesJSON).is(t, 200, "[]")
		c.get("/timeless/", likesJSON).is(t, 200, `[{"name":"a","link":"./a","dir":false,"size":0}]`)

		var entries []listedJSON
		assert.NoError(t, json.Unmarshal([]byte(c.get("/wk/", likesJSON).body), &entries))
		assert.Equal(t, slices.ContainsFunc(entries, func(e listedJSON) bool { return e.Name == ".well-known" && e.Dir }), true)
		assert.Equal(t, slices.ContainsFunc(entries, func(e listedJSON) bool { return e.Name == ".env" }), false)
		base, err := url.Parse(c.base + "/wk/")
		assert.NoError(t, err)
		for _, e := range entries {
			to, err := base.Parse(e.Link)
			assert.NoError(t, err)
			assert.Equal(t, c.get(to.RequestURI()).status, 200, e.Link)
		}
	})
}
