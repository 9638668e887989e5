package static

import (
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

const canary = "outside of the base"

// fortress is a base with a canary beside it, and links that lead there.
func fortress(t testing.TB) string {
	t.Helper()
	outer := files(t, map[string]string{
		"canary": canary, "private/canary": canary, "private/index.html": canary,
		"base/in.txt": "inside", "base/index.html": "home", "base/sub/index.html": "sub", "base/sub/x.txt": "x",
		"base/linked.txt": "original", "base/a b%#ü.txt": "odd", "base/.env": "secret", "base/.git/config": "secret",
		"base/.well-known/security.txt": "contact", "base/sub/.hidden": "secret", "base/sub/.well-known/x": "secret",
	})
	for link, to := range map[string]string{
		"base/file": "../canary", "base/dir": "../private", "base/linked.txt.br": "../canary", "base/linked.txt.gz": "../canary",
		"base/abs": filepath.Join(outer, "canary"), "base/loop": "loop", "base/up": "..", "base/ok": "in.txt",
		"base/okdir": "sub", "base/deep": "sub/../../base/in.txt", "base/proc": "/proc/self/root" + outer + "/canary",
	} {
		assert.NoError(t, os.Symlink(to, filepath.Join(outer, link)))
	}
	assert.NoError(t, os.Mkdir(filepath.Join(outer, "base/outindex"), 0o700))
	assert.NoError(t, os.Symlink("../../canary", filepath.Join(outer, "base/outindex/index.html")))
	return filepath.Join(outer, "base")
}

// SF-01: no spelling of a path leads outside.
func TestSF01NamesOutside(t *testing.T) {
	t.Parallel()
	app := tako.New()
	Dir(app, "/s/", fortress(t), Config{DotFiles: DotServe, List: true})
	everywhere(t, app, func(t *testing.T, c client) {
		c.get("/s/in.txt").is(t, 200, "inside")
		for _, target := range []string{
			"/s/../canary", "/s/%2e%2e/canary", "/s/..%2fcanary", "/s/..%2Fcanary", "/s/..%5ccanary", "/s/%2e%2e%5ccanary", "/s/%252e%252e/canary",
			"/s/....//canary", "/s/..../canary", "/s/sub/../../canary", "/s/sub%2f..%2f..%2fcanary", "/s/%00", "/s/in.txt%00.png",
			"/s//etc/passwd", "/s/%2fetc%2fpasswd", "/s/C:/canary", "/s/c:%5ccanary", "/s/C:canary", "/s/CON", "/s/nul", "/s/aux.txt", "/s/in.txt::$DATA",
			"/s/in.txt/", "/s/in.txt/..%2f..%2fcanary", "/s/.%2e/canary", "/s/%c0%ae%c0%ae/canary", "/s/sub%2Fx.txt", "/s/" + strings.Repeat("x/", 3000),
			"/s/" + strings.Repeat("x", 300), "/s/..;/canary", "/s/%0acanary",
		} {
			got := c.get(target)
			got.refused(t, target, 400, 404)
			if strings.Contains(got.body, canary) {
				t.Errorf("%s: the canary was sent", target)
			}
		}
	})
}

// SF-02: links are followed below the base only, wherever they stand.
func TestSF02Links(t *testing.T) {
	t.Parallel()
	base := fortress(t)
	app := tako.New()
	Dir(app, "/s/", base, Config{Precompressed: true, Fallback: "file"})
	Dir(app, "/i/", base, Config{Index: "file", List: true})
	everywhere(t, app, func(t *testing.T, c client) {
		c.get("/s/ok").is(t, 200, "inside")
		c.get("/s/okdir/x.txt").is(t, 200, "x")
		for _, target := range []string{"/s/file", "/s/dir/canary", "/s/dir/", "/s/dir", "/s/abs", "/s/loop", "/s/up/canary", "/s/up", "/s/deep", "/s/proc", "/s/outindex/", "/s/outindex"} {
			c.get(target).refused(t, target, 404)
			c.get(target, "Accept: text/html").refused(t, target, 404) // the fallback is a link too
		}
		c.get("/s/linked.txt", "Accept-Encoding: br, gzip").is(t, 200, "original").has(t, "Content-Encoding: ")
		list := c.get("/i/")
		assert.Equal(t, list.status, 200)
		for _, name := range []string{"file", "dir", "abs", "up", "deep"} {
			if strings.Contains(list.body, `>`+name) {
				t.Errorf("the listing has %q, which leads outside", name)
			}
		}
		assert.Contains(t, list.body, ">ok<")
	})
}

// SF-02: a link that is changed all the time never yields what it must not.
func TestSF02Swapped(t *testing.T) {
	t.Parallel()
	base := fortress(t)
	tr, err := newDirTree(base)
	assert.NoError(t, err)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			to := []string{"../private", "sub"}[i%2]
			_ = os.Remove(filepath.Join(base, "new"))
			_ = os.Symlink(to, filepath.Join(base, "new"))
			_ = os.Rename(filepath.Join(base, "new"), filepath.Join(base, "swapped"))
		}
	}()
	inside := 0
	begun := time.Now()
	for took := time.Duration(0); took < 300*time.Millisecond || inside == 0 && took < 20*time.Second; took = time.Since(begun) {
		f, err := tr.open("swapped/index.html")
		if err != nil {
			continue
		}
		text := make([]byte, f.size)
		_, err = f.ReadAt(text, 0)
		assert.NoError(t, f.Close())
		if err == nil && string(text) != "sub" {
			t.Fatalf("got %q", text)
		}
		inside++
	}
	close(stop)
	<-done
	assert.Equal(t, inside > 0, true, "the link was never seen inside")
}

// SF-03: what is hidden or no regular file is 404, at once.
func TestSF03Hidden(t *testing.T) {
	t.Parallel()
	base := fortress(t)
	if err := exec.Command("mkfifo", filepath.Join(base, "pipe")).Run(); err != nil {
		t.Log("mkfifo:", err)
	}
	short, err := os.MkdirTemp("", "s")
	assert.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(short) })
	write(t, filepath.Join(short, "x"), "x")
	ln, err := net.Listen("unix", filepath.Join(short, "sock"))
	assert.NoError(t, err)
	defer ln.Close()
	assert.NoError(t, os.Mkdir(filepath.Join(base, "empty"), 0o700))
	app := tako.New()
	Dir(app, "/no/", base, Config{})
	Dir(app, "/wk/", base, Config{DotFiles: DotWellKnown, List: true})
	Dir(app, "/all/", base, Config{DotFiles: DotServe, List: true})
	Dir(app, "/dev/", "/dev", Config{List: true})
	Dir(app, "/sock/", short, Config{})
	everywhere(t, app, func(t *testing.T, c client) {
		for _, target := range []string{"/no/.env", "/no/%2eenv", "/no/.git/config", "/no/.git/", "/no/.git", "/no/sub/.hidden", "/no/.well-known/security.txt",
			"/wk/.env", "/wk/sub/.well-known/x", "/wk/sub/.hidden", "/no/empty", "/no/empty/", "/no/pipe", "/no/pipe/", "/sock/sock", "/dev/null", "/dev/zero", "/dev/tty"} {
			c.get(target).refused(t, target, 404)
		}
		c.get("/wk/.well-known/security.txt").is(t, 200, "contact")
		c.get("/all/.env").is(t, 200, "secret")
		if body := c.get("/wk/sub/?x").body; strings.Contains(body, "hidden") || strings.Contains(body, "well-known") {
			t.Error("the listing has hidden names")
		}
	})
}

func TestRegistration(t *testing.T) {
	t.Parallel()
	app := tako.New()
	Dir(app, "/a/", filepath.Join(t.TempDir(), "none"), Config{})
	FS(app, "/b/", nil, Config{})
	FS(app, "/c/", fstest.MapFS{}, Config{Index: "a/b", Fallback: "../x", DotFiles: 7, Types: map[string]string{"JS": "x"}})
	err := app.Build()
	if err == nil {
		t.Fatal("no mistake was found")
	}
	for _, want := range []string{"none", "is nil", "Index", "Fallback", "DotPolicy", "Types", "names_test.go"} {
		assert.Contains(t, err.Error(), want)
	}
}

// FuzzPath asks for whatever name: nothing outside the base is opened, and no name
// means anything but what it says.
func FuzzPath(f *testing.F) {
	base := fortress(f)
	tr, err := newDirTree(base)
	assert.NoError(f, err)
	portable := &dirTree{root: tr.root} // without what Linux does by itself
	for _, seed := range []string{"in.txt", "../canary", "..%2fcanary", "%2e%2e/canary", "sub/x.txt", "file", "dir/canary", "up/canary", "deep", "C:/x", "a\x00b", "sub/", "",
		"%252e%252e/canary", ".env", "okdir/../in.txt", "proc", "a%20b%25%23%C3%BC.txt", "//canary", "sub//x.txt", "./in.txt", "%5c..%5ccanary"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		name, _, ok := fileName(raw, DotServe)
		if !ok || name == "" {
			return
		}
		if !fs.ValidPath(name) && strings.ToValidUTF8(name, "") == name {
			t.Errorf("%q became %q", raw, name)
		}
		for _, tree := range []tree{tr, portable, fsTree{os.DirFS(filepath.Join(base, "sub"))}} {
			f, err := tree.open(name)
			if err != nil {
				continue
			}
			if f.regular {
				text := make([]byte, f.size)
				_, _ = f.ReadAt(text, 0)
				if string(text) == canary {
					t.Errorf("%q opened the canary", name)
				}
			}
			assert.NoError(t, f.Close())
		}
	})
}

// refusing is a tree whose files cannot be opened, each for the reason in its name.
type refusing map[string]error

func (r refusing) open(name string) (*file, error) {
	if err := r[name]; err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return fsTree{fstest.MapFS{"a.js": {Data: []byte("original")}}}.open(name)
}

func (r refusing) list(string, int) ([]fs.FileInfo, error) { return nil, fs.ErrPermission }

// What is not to be read is not there; a failure of the system is a 500. A sibling
// that cannot be opened, for whatever reason, does not matter.
func TestFailures(t *testing.T) {
	t.Parallel()
	app := tako.New()
	app.Log(quiet)
	cfg := Config{Precompressed: true, List: true}
	s := newSite(refusing{"a.js.br": syscall.EACCES, "a.js.gz": syscall.EIO, "locked": syscall.EACCES, "gone": syscall.ESTALE, "full": syscall.EMFILE, "broken": syscall.EIO,
		"link": syscall.EXDEV, "circle": syscall.ELOOP, "socket": syscall.ENXIO, "d/index.html": syscall.ENOENT}, cfg.withDefaults(), time.Now)
	app.Get("/{file...}", s.serve)
	c := start(t, serverOf(app), nil)
	for name, status := range map[string]int{"locked": 404, "gone": 404, "full": 500, "broken": 500, "link": 404, "circle": 404, "socket": 404, "d/": 404, "none": 404} {
		c.get("/"+name).refused(t, name, status)
	}
	c.get("/a.js", "Accept-Encoding: br, gzip, zstd").is(t, 200, "original").has(t, "Content-Encoding: ", "Vary: Accept-Encoding")
}
