package tako_test

import (
	"context"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/middleware"
	"github.com/tako-go/tako/takotest"
)

func TestFile(t *testing.T) {
	t.Parallel()
	recordLogs()
	dir := t.TempDir()
	at := time.Date(2020, 1, 2, 3, 4, 5, 600, time.UTC)
	for name, content := range map[string]string{"a.txt": "hello", "b": "\x00\x01", "empty.html": "", "large.json": strings.Repeat("x", 1<<20)} {
		assert.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
		assert.NoError(t, os.Chtimes(filepath.Join(dir, name), at, at))
	}
	assert.NoError(t, os.Mkdir(filepath.Join(dir, "sub"), 0o700))
	for _, mw := range []tako.Middleware{around(func(*tako.Context) {}), middleware.ETag(), middleware.Timeout(time.Hour)} {
		overBoth(t, func() *tako.Router {
			r := tako.New()
			r.Use(mw)
			r.Any("/f", func(c *tako.Context) error {
				name, err := c.QueryValues()
				return errors.Join(err, c.File(dir+"/"+name.Get("n")))
			})
			r.Get("/typed", func(c *tako.Context) error {
				c.Header().Set("Content-Type", "x/y")
				return c.File(filepath.Join(dir, "a.txt"))
			})
			return r
		}, func(t *testing.T, s *takotest.Server) {
			const last = "Thu, 02 Jan 2020 03:04:05 GMT"
			s.Get("/f?n=a.txt").Expect(200).ExpectText("hello").ExpectHeader("Content-Type", "text/plain; charset=utf-8").ExpectHeader("Last-Modified", last)
			s.Get("/f?n=b").Expect(200).ExpectText("\x00\x01").ExpectHeader("Content-Type", "application/octet-stream").ExpectHeader("X-Content-Type-Options", "nosniff")
			s.Get("/f?n=empty.html").Expect(200).ExpectText("").ExpectHeader("Content-Type", "text/html; charset=utf-8")
			s.Get("/f?n=large.json").Expect(200).ExpectText(strings.Repeat("x", 1<<20))
			s.Get("/typed").Expect(200).ExpectText("hello").ExpectHeader("Content-Type", "x/y")
			head := s.Do("HEAD", "/f?n=a.txt").Expect(200).ExpectText("").ExpectHeader("Last-Modified", last)
			assert.Equal(t, head.ContentLength, int64(5))
			for _, name := range []string{"none", "sub", "", "a.txt/x", "none/x", "a%00b", strings.Repeat("x", 300)} {
				s.Get("/f?n=" + name).Problem(404).Header.Get("Last-Modified")
			}
			s.Get("/f?n=a.txt", takotest.Header("If-Modified-Since", last)).Expect(304).ExpectText("").ExpectHeader("Last-Modified", last)
			s.Get("/f?n=a.txt", takotest.Header("If-Modified-Since", "Thu, 02 Jan 2020 03:04:04 GMT")).Expect(200)
			s.Get("/f?n=a.txt", takotest.Header("If-Modified-Since", "yesterday")).Expect(200)
			s.Get("/f?n=a.txt", takotest.Header("If-Modified-Since", last), takotest.Header("If-None-Match", `"x"`)).Expect(200)
			s.Do("HEAD", "/f?n=a.txt", takotest.Header("If-Modified-Since", last)).Expect(304)
			s.Post("/f?n=a.txt", takotest.Header("If-Modified-Since", last)).Expect(200).ExpectText("hello")
		})
	}
}

func TestFileThatIsAPipe(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "pipe")
	if err := exec.Command("mkfifo", name).Run(); err != nil {
		t.Skip("mkfifo:", err)
	}
	r := tako.New()
	r.Get("/", func(c *tako.Context) error { return c.File(name) })
	s := takotest.New(t, r)
	status := make(chan int, 1)
	go func() { status <- s.Get("/").StatusCode }()
	select {
	case got := <-status:
		assert.Equal(t, got, 404)
	case <-time.After(time.Minute):
		t.Error("opening a pipe blocks the handler")
		if f, err := os.OpenFile(name, os.O_WRONLY, 0); err == nil {
			_ = f.Close()
		}
		<-status
	}
}

// lying is a file whose size is not what Stat says.
type lying struct {
	fs.File
	size int64
}

type lyingInfo struct {
	fs.FileInfo
	size int64
}

func (i lyingInfo) Size() int64 { return i.size }

func (f lying) Stat() (fs.FileInfo, error) {
	info, err := f.File.Stat()
	return lyingInfo{info, f.size}, err
}

type lyingFS struct {
	fs.FS
	size int64
}

func (l lyingFS) Open(name string) (fs.File, error) {
	f, err := l.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return lying{f, l.size}, nil
}

func TestFileFS(t *testing.T) {
	t.Parallel()
	recordLogs()
	fsys := fstest.MapFS{"d/a.css": {Data: []byte("hello")}}
	r := tako.New()
	r.Get("/f/{p...}", func(c *tako.Context) error { return c.FileFS(fsys, c.Param("p")) })
	r.Get("/grown", func(c *tako.Context) error { return c.FileFS(lyingFS{fsys, 3}, "d/a.css") })
	r.Get("/cut", func(c *tako.Context) error { return c.FileFS(lyingFS{fsys, 7}, "d/a.css") })
	r.Get("/closed", func(c *tako.Context) error { return c.FileFS(refusingFS{}, "x") })
	overBoth(t, func() *tako.Router { return r }, func(t *testing.T, s *takotest.Server) {
		s.Get("/f/d/a.css").Expect(200).ExpectText("hello").ExpectHeader("Content-Type", "text/css; charset=utf-8").ExpectHeader("Last-Modified", "")
		for _, path := range []string{"/f/d", "/f/none", "/f/%2e%2e/x", "/f/d%2F..%2Fd", "/f/a%5Cb"} {
			s.Get(path).Problem(404)
		}
		s.Get("/grown").Expect(200).ExpectText("hel")
		if _, err := s.RoundTrip(newRequest(t, s, "/cut")); err == nil {
			if resp := s.Get("/cut"); resp.Broken == nil {
				t.Errorf("got a whole %q, want it cut", resp.Text)
			}
		}
		s.Get("/closed").Problem(403)
	})
}

type refusingFS struct{}

func (refusingFS) Open(string) (fs.File, error) { return nil, fs.ErrPermission }

func TestAttachment(t *testing.T) {
	t.Parallel()
	for as, want := range map[string]string{
		"a.txt": "a.txt", "a b.txt": "a b.txt", "dir/a.txt": "a.txt", "../../a.txt": "a.txt", `C:\dir\a.txt`: "a.txt", "é.txt": "é.txt", `a"b.txt`: `a"b.txt`,
		"a\r\nX-Evil: 1": "", "a;b.txt": "a;b.txt", "100%.txt": "100%.txt", "a\x00b": "",
	} {
		r := tako.New()
		r.Get("/", func(c *tako.Context) error { return c.Attachment("go.mod", as) })
		resp := takotest.New(t, r).Get("/").Expect(200).ExpectHeader("X-Evil", "").ExpectHeader("X-Content-Type-Options", "nosniff")
		value := resp.Header.Get("Content-Disposition")
		kind, params, err := mime.ParseMediaType(value)
		if err != nil || kind != "attachment" || want != "" && params["filename"] != want || strings.ContainsAny(params["filename"], `/`) {
			t.Errorf("%q: got %q, which parses to %s %v %v, want %s", as, value, kind, params, err, want)
		}
	}
	r := tako.New()
	r.Get("/", func(c *tako.Context) error { return c.Attachment("none", "a.txt") })
	takotest.New(t, r).Get("/").Expect(404).ExpectHeader("Content-Disposition", "")
}

func TestFileInTypedHandler(t *testing.T) {
	t.Parallel()
	r := tako.New()
	tako.Get(r, "/", func(_ context.Context, in struct{ C *tako.Context }) (struct{}, error) {
		return struct{}{}, in.C.File("go.mod")
	})
	assert.Contains(t, takotest.New(t, r).Get("/").Expect(200).Text, "module github.com/tako-go/tako")
}

func newRequest(t *testing.T, s *takotest.Server, path string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
	assert.NoError(t, err)
	return req
}
