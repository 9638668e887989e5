package static_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/static"
	"github.com/tako-go/tako/takotest"
)

// folder makes a directory of files that were changed long ago.
func folder(t testing.TB, contents map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range contents {
		name = filepath.Join(dir, name)
		assert.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
		assert.NoError(t, os.WriteFile(name, []byte(content), 0o600))
		long := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
		assert.NoError(t, os.Chtimes(name, long, long))
	}
	return dir
}

// site serves files as Dir does.
func site(t testing.TB, contents map[string]string, cfg static.Config) *takotest.Server {
	t.Helper()
	app := tako.New()
	static.Dir(app, "/s/", folder(t, contents), cfg)
	return takotest.New(t, app)
}

var page = takotest.Header("Accept", "text/html,*/*;q=0.8")

// A directory has index.html, another index, none, or a page of what is in it.
func TestOutsideIndex(t *testing.T) {
	contents := map[string]string{"d/index.html": "the index", "d/home.htm": "home", "d/other": "x", "e/file": "x"}
	site(t, contents, static.Config{}).Get("/s/d/").Expect(200).ExpectText("the index")
	site(t, contents, static.Config{Index: "home.htm"}).Get("/s/d/").Expect(200).ExpectText("home")
	none := site(t, contents, static.Config{NoIndex: true})
	none.Get("/s/d/").Problem(404)
	none.Get("/s/d").Problem(404)
	none.Get("/s/d/index.html").Expect(200)
	site(t, contents, static.Config{}).Get("/s/e/").Problem(404)
	site(t, contents, static.Config{}).Get("/s/e").Problem(404)
	list := site(t, contents, static.Config{List: true})
	list.Get("/s/e?x=1").Expect(308).ExpectHeader("Location", "./e/?x=1")
	assert.Contains(t, list.Get("/s/e/").Expect(200).Text, `href="./file"`)
	list.Get("/s/d/").ExpectText("the index")
	both := site(t, contents, static.Config{List: true, NoIndex: true})
	assert.Contains(t, both.Get("/s/d/").Expect(200).Text, `href="./home.htm"`)
}

// Fallback answers navigations alone.
func TestOutsideFallback(t *testing.T) {
	contents := map[string]string{"app.html": "the app", "real": "a file", ".secret": "x"}
	s := site(t, contents, static.Config{Fallback: "app.html"})
	s.Get("/s/some/route", page).Expect(200).ExpectText("the app").ExpectHeader("Content-Type", "text/html; charset=utf-8")
	s.Get("/s/", page).Expect(200).ExpectText("the app")
	s.Get("/s/real", page).ExpectText("a file")
	s.Get("/s/some/route").Problem(404)
	s.Get("/s/some/route", takotest.Header("Accept", "*/*")).Problem(404)
	s.Get("/s/missing.js", page).Problem(404)
	s.Get("/s/.secret", page).Problem(404)
	s.Post("/s/some/route", page).Problem(405)
	site(t, contents, static.Config{}).Get("/s/some/route", page).Problem(404)
}

// DotFiles says which names with dots are there.
func TestOutsideDotFiles(t *testing.T) {
	contents := map[string]string{".env": "x", ".well-known/acme": "x", "sub/.well-known/acme": "x", "sub/.git/config": "x"}
	for _, tt := range []struct {
		policy static.DotPolicy
		there  []string
	}{
		{static.DotRefuse, nil},
		{static.DotWellKnown, []string{".well-known/acme"}},
		{static.DotServe, []string{".env", ".well-known/acme", "sub/.well-known/acme", "sub/.git/config"}},
	} {
		s := site(t, contents, static.Config{DotFiles: tt.policy, List: true})
		list := s.Get("/s/").Expect(200).Text
		assert.Equal(t, strings.Contains(list, ".env"), tt.policy == static.DotServe)
		assert.Equal(t, strings.Contains(list, ".well-known"), tt.policy != static.DotRefuse)
		for name := range contents {
			want := 404
			for _, there := range tt.there {
				if name == there {
					want = 200
				}
			}
			s.Get("/s/" + name).Expect(want)
		}
	}
}

// What is sent with a file: its type, how long it is kept, under which name it is saved, and what
// browsers may do with it.
func TestOutsideFields(t *testing.T) {
	contents := map[string]string{"a.js": "x", "a.reef": "x", "b.unknown-type": "x", "page.html": "<script>", "pic.png": "x"}
	plain := site(t, contents, static.Config{})
	for name, want := range map[string]string{"a.js": "text/javascript; charset=utf-8", "a.reef": "application/octet-stream", "b.unknown-type": "application/octet-stream"} {
		plain.Get("/s/"+name).ExpectHeader("Content-Type", want).ExpectHeader("X-Content-Type-Options", "nosniff").
			ExpectHeader("Cache-Control", "").ExpectHeader("Content-Disposition", "").ExpectHeader("Content-Security-Policy", "")
	}
	set := site(t, contents, static.Config{
		Types:    map[string]string{".reef": "application/x-reef", ".js": "text/plain"},
		Cache:    func(name string) string { return "max-age=" + strconv.Itoa(len(name)) },
		Download: func(name string) string { return map[string]string{"a.reef": "Riff ü.reef"}[name] },
	})
	set.Get("/s/a.js").ExpectHeader("Content-Type", "text/plain; charset=utf-8").ExpectHeader("Cache-Control", "max-age=4").ExpectHeader("Content-Disposition", "")
	set.Get("/s/a.reef").ExpectHeader("Content-Type", "application/x-reef").ExpectHeader("Content-Disposition", tako.ContentDisposition("Riff ü.reef"))
	users := site(t, contents, static.Config{Untrusted: true})
	assert.Contains(t, users.Get("/s/page.html").Header.Get("Content-Security-Policy"), "sandbox")
	users.Get("/s/page.html").ExpectHeader("Content-Disposition", tako.ContentDisposition("page.html"))
	users.Get("/s/pic.png").ExpectHeader("Content-Disposition", "")
}

// Siblings that are coded are sent if that is wanted.
func TestOutsidePrecompressed(t *testing.T) {
	contents := map[string]string{"a.js": "original", "a.js.br": "br", "a.js.zst": "zstd", "a.js.gz": "gzip"}
	all := takotest.Header("Accept-Encoding", "gzip, br, zstd")
	site(t, contents, static.Config{}).Get("/s/a.js", all).ExpectText("original").ExpectHeader("Vary", "").ExpectHeader("Content-Encoding", "")
	s := site(t, contents, static.Config{Precompressed: true})
	for accept, coding := range map[string]string{"gzip, br, zstd": "br", "gzip, zstd": "zstd", "gzip": "gzip"} {
		s.Get("/s/a.js", takotest.Header("Accept-Encoding", accept)).ExpectText(coding).ExpectHeader("Content-Encoding", coding).ExpectHeader("Vary", "Accept-Encoding")
	}
	s.Get("/s/a.js").ExpectText("original").ExpectHeader("Vary", "Accept-Encoding")
}

// Up to HashBytes a tag is made from the content, whatever the date; beyond it from the date.
func TestOutsideHashBytes(t *testing.T) {
	for _, tt := range []struct {
		set  int64
		size int
	}{{0, 8 << 20}, {10, 10}} {
		for _, more := range []int{0, 1} {
			tag := func(content string, at time.Time) string {
				app := tako.New()
				static.FS(app, "/", fstest.MapFS{"f": {Data: []byte(content), ModTime: at}}, static.Config{HashBytes: tt.set})
				return takotest.New(t, app).Do(http.MethodHead, "/f").Expect(200).Header.Get("Etag")
			}
			one, other := strings.Repeat("x", tt.size+more), strings.Repeat("y", tt.size+more)
			long := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
			assert.Equal(t, tag(one, long) == tag(one, long.Add(time.Hour)), more == 0, "the date")
			assert.Equal(t, tag(one, long) == tag(other, long), more == 1, "the content")
		}
	}
}

// A list has 10 000 names at most, a request 16 ranges.
func TestOutsideLimits(t *testing.T) {
	many := fstest.MapFS{}
	for i := range 10_003 {
		many[strconv.Itoa(i)] = &fstest.MapFile{Data: []byte("x")}
	}
	app := tako.New()
	static.FS(app, "/", many, static.Config{List: true})
	text := takotest.New(t, app).Get("/").Expect(200).Text
	assert.Equal(t, strings.Count(text, `<td><a href="./`), 10_000)

	s := site(t, map[string]string{"f": strings.Repeat("x", 100_000)}, static.Config{})
	ranges := func(n int) takotest.Edit {
		var all []string
		for i := range n {
			all = append(all, strconv.Itoa(10*i)+"-"+strconv.Itoa(10*i))
		}
		return takotest.Header("Range", "bytes="+strings.Join(all, ","))
	}
	s.Get("/s/f", ranges(16)).Expect(206)
	s.Get("/s/f", ranges(17)).Expect(200)
	s.Get("/s/" + strings.Repeat("x", 4097)).Expect(404)
}

// Wrong settings, and what is not there, are mistakes that Build reports with their place.
func TestOutsideMistakes(t *testing.T) {
	for want, cfg := range map[string]static.Config{
		"Index":     {Index: "a/b"},
		"Fallback":  {Fallback: "../x"},
		"DotPolicy": {DotFiles: 9},
		"Types":     {Types: map[string]string{"js": "text/javascript"}},
	} {
		app := tako.New()
		static.FS(app, "/", fstest.MapFS{}, cfg)
		err := app.Build()
		assert.Contains(t, err.Error(), want)
		assert.Contains(t, err.Error(), "config_outside_test.go:")
	}
	app := tako.New()
	static.Dir(app, "/", filepath.Join(t.TempDir(), "none"), static.Config{})
	static.FS(app, "/fs/", nil, static.Config{})
	err := app.Build()
	assert.Contains(t, err.Error(), "no such file")
	assert.Contains(t, err.Error(), "the file system is nil")
	assert.Equal(t, errors.Is(err, os.ErrPermission), false)
}
