package static

import (
	"archive/zip"
	"bytes"
	"errors"
	"html"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/middleware"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
)

func serverOf(app *tako.Router) tako.Server {
	return std.New(app, std.Config{Addr: "127.0.0.1:0", Log: quiet})
}

// memFile is a file in memory without a date.
type memFile struct{ *bytes.Reader }

func (memFile) Close() error                 { return nil }
func (f memFile) Stat() (fs.FileInfo, error) { return nil, fs.ErrInvalid }

// SF-15: redirects stay on the site, names are decoded once, the fallback is for
// navigations.
func TestSF15Paths(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"index.html": "home", "sub/index.html": "sub", "evil.example/index.html": "e", "a b%20c#ü?.txt": "odd", "100%.txt": "percent", "x+y": "plus",
		"bare/x": "x", "app/index.html": "app", "app/real.js": "js"})
	app := tako.New()
	Dir(app, "/s/", dir, Config{})
	Dir(app, "/spa/", filepath.Join(dir, "app"), Config{Fallback: "index.html"})
	Dir(app.Group("/api"), "/v1", dir, Config{NoIndex: true, List: true})
	everywhere(t, app, func(t *testing.T, c client) {
		for target, want := range map[string]string{"/s/sub": "/s/sub/", "/s/sub?a=b&c=//x": "/s/sub/?a=b&c=//x", "/s//evil.example": "/s/evil.example/", "/s/%73ub": "/s/sub/", "/api/v1/sub": "/api/v1/sub/",
			"/s": "/s/", "/api/v1?a=b": "/api/v1/?a=b"} {
			got := c.get(target)
			assert.Equal(t, got.status, 308, target)
			base, err := url.Parse(c.base + strings.ReplaceAll(target, "//evil", "/evil"))
			assert.NoError(t, err)
			to, err := base.Parse(got.header.Get("Location"))
			assert.NoError(t, err)
			assert.Equal(t, to.String(), c.base+want, target)
			assert.Equal(t, to.Host, base.Host)
		}
		for _, target := range []string{"//evil.example/..", "//evil.example/%2e%2e", "/%2f/evil.example", "//evil.example", "/s//evil.example/.."} {
			to := c.get(target).header.Get("Location")
			if strings.HasPrefix(to, "//") || strings.Contains(to, "://") || strings.HasPrefix(to, `/\`) {
				t.Errorf("%s leads to %s", target, to)
			}
		}
		c.get("/s/").is(t, 200, "home")
		c.get("/s/a%20b%2520c%23%C3%BC%3F.txt").is(t, 200, "odd")
		c.get("/s/100%25.txt").is(t, 200, "percent")
		c.get("/s/x+y").is(t, 200, "plus")
		c.get("/s/100%2525.txt").refused(t, "decoded twice", 404)
		c.get("/s/bare").refused(t, "nothing to show", 404)
		c.get("/s/bare/").refused(t, "nothing to show", 404)

		const page = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"
		c.get("/spa/users/7", page).is(t, 200, "app").has(t, "Content-Type: text/html; charset=utf-8", "Vary: Accept")
		c.get("/spa/users/", page).is(t, 200, "app")
		c.do("HEAD", "/spa/users", page).is(t, 200, "")
		c.get("/spa/real.js", page).is(t, 200, "js")
		c.get("/spa/gone.js", page).refused(t, "missing asset", 404)
		c.get("/spa/users/7", "Accept: */*").refused(t, "no navigation", 404)
		c.get("/spa/users/7", "Accept: application/json").has(t, "Vary: Accept").refused(t, "no navigation", 404)
		c.get("/spa/users/7").refused(t, "no Accept", 404)
		c.get("/spa/users/7", "Accept: text/html;q=0, */*").refused(t, "pages are refused", 404)
		c.get("/spa/..%2fsub", page).refused(t, "bad name", 400, 404)
		c.do("POST", "/spa/users/7", page).refused(t, "POST", 405)
	})
}

// A prefix that somebody else has cut off does not matter to redirects.
func TestRedirectBelowPrefix(t *testing.T) {
	t.Parallel()
	app := tako.New()
	Dir(app, "/", files(t, map[string]string{"sub/index.html": "x"}), Config{})
	mounts := tako.New()
	Dir(mounts, "/mount", files(t, map[string]string{"index.html": "x"}), Config{})
	Dir(mounts, "/bare", files(t, map[string]string{"x": "x"}), Config{})
	assert.NoError(t, errors.Join(app.Build(), mounts.Build()))
	outer := tako.New()
	outer.Get("/mounts/{rest...}", tako.HTTP(http.StripPrefix("/mounts", mounts)))
	outer.Get("/outer/{rest...}", tako.HTTP(http.StripPrefix("/outer", app)))
	c := start(t, serverOf(outer), nil)
	got := c.get("/outer/sub")
	assert.Equal(t, got.status, 308)
	assert.Equal(t, got.header.Get("Location"), "./sub/")
	got = c.get("/mounts/mount?a=b")
	assert.Equal(t, got.status, 308)
	assert.Equal(t, got.header.Get("Location"), "./mount/?a=b")
	c.get("/mounts/bare").refused(t, "nothing to show", 404)
	c.get("/mounts/bare/x").is(t, 200, "x")
}

func TestListing(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"b.txt": "22", "c.txt": "1", "a.txt": "333", ".env": "", "sub/x": "", "<img src=x onerror=alert(1)>": "", "javascript:alert(1)": "", "a#?%.txt": ""})
	later := oldDate.Add(time.Hour)
	assert.NoError(t, os.Chtimes(filepath.Join(dir, "b.txt"), later, later))
	app := tako.New()
	Dir(app, "/d/", dir, Config{List: true})
	FS(app, "/f/", os.DirFS(dir), Config{List: true})
	c := start(t, serverOf(app), nil)
	order := func(target string) string {
		page := c.get(target)
		assert.Equal(t, page.status, 200)
		assert.Contains(t, page.header.Get("Content-Security-Policy"), "default-src 'none'")
		if strings.Contains(page.body, "<img") || strings.Contains(page.body, ".env") || strings.Contains(page.body, `"javascript:`) {
			t.Error("the page has what it must not have:", page.body)
		}
		at := func(name string) int { return strings.Index(page.body, ">"+name+"<") }
		all := []string{"a.txt", "b.txt", "c.txt", "sub/"}
		slices.SortFunc(all, func(a, b string) int { return at(a) - at(b) })
		assert.Equal(t, at(all[0]) >= 0, true, "a name is missing in ", page.body)
		return strings.Join(all, " ")
	}
	for _, mount := range []string{"/d/", "/f/"} {
		assert.Equal(t, order(mount), "sub/ a.txt b.txt c.txt")
		assert.Equal(t, order(mount+"?sort=size"), "sub/ c.txt b.txt a.txt")
		assert.Equal(t, order(mount+"?sort=time&order=desc"), "sub/ b.txt c.txt a.txt")
		assert.Equal(t, order(mount+"?sort=name&order=desc"), "sub/ c.txt b.txt a.txt")
		page := c.get(mount)
		for _, link := range strings.Split(page.body, `href="`)[1:] {
			link, _, _ = strings.Cut(link, `"`)
			link = html.UnescapeString(link)
			if strings.HasPrefix(link, "?") {
				continue
			}
			base, _ := url.Parse(c.base + mount)
			to, err := base.Parse(link)
			assert.NoError(t, err)
			assert.Equal(t, c.get(to.RequestURI()).status, 200, link)
		}
		if strings.Contains(page.body, "../") || !strings.Contains(c.get(mount+"sub/").body, `"../"`) {
			t.Error("the way up is missing, or there is one at the base")
		}
	}
}

// An archive has files that can only be read from their beginning.
func TestArchive(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	f, err := w.CreateHeader(&zip.FileHeader{Name: "d/a.txt", Method: zip.Deflate, Modified: oldDate})
	assert.NoError(t, err)
	_, err = io.WriteString(f, "hello")
	assert.NoError(t, err)
	assert.NoError(t, w.Close())
	archive, err := zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
	assert.NoError(t, err)
	app := tako.New()
	FS(app, "/z/", archive, Config{Precompressed: true, List: true})
	everywhere(t, app, func(t *testing.T, c client) {
		c.get("/z/d/a.txt", "Range: bytes=0-1").is(t, 200, "hello").has(t, "Accept-Ranges: ", "Content-Type: text/plain; charset=utf-8", "Last-Modified: "+oldText, "Content-Length: 5")
		c.get("/z/d/a.txt", "If-Modified-Since: "+oldText).is(t, 304, "")
		assert.Contains(t, c.get("/z/d/").body, ">a.txt<")
	})
}

// SF-14: a file that gets shorter or is written to while it is sent breaks the
// response off.
func TestSF14Changed(t *testing.T) {
	t.Parallel()
	const size = 48 << 20
	for name, change := range map[string]func(name string) error{
		"cut":     func(name string) error { return os.Truncate(name, size/2) },
		"written": func(name string) error { return overwrite(name, size-1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, "big")
			assert.NoError(t, os.WriteFile(file, nil, 0o600))
			assert.NoError(t, os.Truncate(file, size))
			assert.NoError(t, os.Chtimes(file, oldDate, oldDate))
			app := tako.New()
			app.Log(quiet)
			Dir(app, "/", dir, Config{HashBytes: 1})
			var one sync.Mutex // they change the same file
			everywhere(t, app, func(t *testing.T, c client) {
				one.Lock()
				defer one.Unlock()
				for _, fields := range [][]string{nil, {"Range: bytes=5-"}} {
					assert.NoError(t, os.Truncate(file, size))
					req, err := http.NewRequestWithContext(t.Context(), "GET", c.base+"/big", nil)
					assert.NoError(t, err)
					for _, f := range fields {
						name, value, _ := strings.Cut(f, ": ")
						req.Header.Set(name, value)
					}
					resp, err := c.http.Do(req)
					assert.NoError(t, err)
					_, err = io.ReadFull(resp.Body, make([]byte, 1000))
					assert.NoError(t, err)
					assert.NoError(t, change(file))
					n, err := io.Copy(io.Discard, resp.Body)
					assert.NoError(t, resp.Body.Close())
					if err == nil {
						t.Errorf("got %d bytes as a whole response", n+1000)
					}
				}
			})
		})
	}
}

func overwrite(name string, at int64) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte{byte(time.Now().UnixNano())}, at)
	if err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// SF-14: a file that is replaced while it is sent goes on as it was.
func TestSF14Replaced(t *testing.T) {
	t.Parallel()
	const size = 16 << 20
	dir := files(t, map[string]string{"big": strings.Repeat("a", size)})
	app := tako.New()
	Dir(app, "/", dir, Config{})
	c := start(t, serverOf(app), nil)
	resp, err := c.http.Get(c.base + "/big")
	assert.NoError(t, err)
	defer resp.Body.Close()
	_, err = io.ReadFull(resp.Body, make([]byte, 10))
	assert.NoError(t, err)
	write(t, filepath.Join(dir, "new"), strings.Repeat("b", size))
	assert.NoError(t, os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "big")))
	rest, err := io.ReadAll(resp.Body)
	assert.NoError(t, err)
	assert.Equal(t, len(rest), size-10)
	assert.Equal(t, bytes.ContainsRune(rest, 'b'), false, "two files were mixed")
}

// SF-17: tags by middleware leave files, with their own, and streams alone.
func TestSF17ETagLayer(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"a.txt": "hello", "big": strings.Repeat("x", 2<<20)})
	app := tako.New()
	app.Use(middleware.ETag())
	settledDir(t, app, "/s/", dir, Config{})
	app.Get("/stream", func(c *tako.Context) error {
		_, _ = c.WriteString("a")
		_ = c.Flush()
		_, err := c.WriteString("b")
		return err
	})
	app.Post("/made", func(c *tako.Context) error { return c.Text(201, "made") })
	app.Get("/odd", func(c *tako.Context) error { return c.Text(299, "odd") })
	bare := tako.New()
	settledDir(t, bare, "/s/", dir, Config{})
	plain := start(t, serverOf(bare), nil)
	want := plain.get("/s/a.txt").header.Get("Etag")
	everywhere(t, app, func(t *testing.T, c client) {
		c.get("/s/a.txt").is(t, 200, "hello").has(t, "Etag: "+want)
		c.get("/s/a.txt", "Range: bytes=1-2").is(t, 206, "el").has(t, "Etag: "+want)
		c.get("/s/a.txt", "If-None-Match: "+want).is(t, 304, "")
		assert.Equal(t, len(c.get("/s/big").body), 2<<20)
		c.get("/stream").is(t, 200, "ab").has(t, "Etag: ")
		c.do("POST", "/made").is(t, 201, "made").has(t, "Etag: ")
		c.get("/odd").is(t, 299, "odd").has(t, "Etag: ")
	})
}

// Embedded files have no date; what they are is known by their content.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	app := tako.New()
	FS(app, "/", fstest.MapFS{"index.html": {Data: []byte("home")}, "d/a.css": {Data: []byte("a{}")}}, Config{})
	everywhere(t, app, func(t *testing.T, c client) {
		got := c.get("/").is(t, 200, "home").has(t, "Last-Modified: ")
		c.get("/", "If-None-Match: "+got.header.Get("Etag")).is(t, 304, "")
		c.get("/d").refused(t, "directory", 404)
		c.get("/d/a.css").is(t, 200, "a{}")
	})
}

// SF-14: clients that read slowly cost little, and files are closed when they leave.
func TestSF14SlowClients(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("no way to count what is open:", err)
	}
	const clients, size = 200, 10 << 30
	dir := t.TempDir()
	name := filepath.Join(dir, "endless")
	assert.NoError(t, os.WriteFile(name, nil, 0o600))
	if err := os.Truncate(name, size); err != nil {
		t.Skip("no sparse files:", err)
	}
	app := tako.New()
	app.Log(quiet)
	Dir(app, "/", dir, Config{})
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	for name, server := range map[string]tako.Server{
		"std":  std.New(app, std.Config{Addr: "127.0.0.1:0", Log: quiet}),
		"loop": loop.New(app, loop.Config{Addr: "127.0.0.1:0", Loops: 1, Log: quiet}),
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, server, nil)
			before := heap()
			var conns []net.Conn
			for range clients {
				conn, err := net.Dial("tcp", strings.TrimPrefix(c.base, "http://"))
				assert.NoError(t, err)
				conns = append(conns, conn)
				assert.NoError(t, conn.SetDeadline(time.Now().Add(enough)))
				_, err = io.WriteString(conn, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
				assert.NoError(t, err)
			}
			for _, conn := range conns {
				_, err := io.ReadFull(conn, make([]byte, 1000))
				assert.NoError(t, err)
			}
			assert.Equal(t, opened(t, "endless"), clients)
			if after := heap(); after > before+clients*128<<10 {
				t.Errorf("%d clients take %d KiB", clients, (after-before)>>10)
			}
			for _, conn := range conns {
				assert.NoError(t, conn.Close())
			}
			assert.Eventually(t, enough, "the files are closed", func() bool { return opened(t, "endless") == 0 })
		})
	}
}

// opened counts the descriptors of files with this name.
func opened(t *testing.T, name string) (n int) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	assert.NoError(t, err)
	for _, fd := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && filepath.Base(to) == name {
			n++
		}
	}
	return n
}
