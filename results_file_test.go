package tako_test

import (
	"bytes"
	"context"
	"html/template"
	"io"
	"io/fs"
	"mime"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// unseekable is a file that cannot seek, as one of an archive.
type unseekable struct{ f fs.File }

func (u unseekable) Stat() (fs.FileInfo, error) { return u.f.Stat() }
func (u unseekable) Read(p []byte) (int, error) { return u.f.Read(p) }
func (u unseekable) Close() error               { return u.f.Close() }

func TestFileResult(t *testing.T) {
	t.Parallel()
	recordLogs()
	dir := t.TempDir()
	assert.NoError(t, os.WriteFile(filepath.Join(dir, "a.txt"), []byte("hello"), 0o600))
	assert.NoError(t, os.Chtimes(filepath.Join(dir, "a.txt"), changedAt, changedAt))
	fsys := fstest.MapFS{"d/b.css": {Data: []byte("hello"), ModTime: changedAt}}
	open := func(file fs.File, err error) fs.File { assert.NoError(t, err); return file }
	files := map[string]func() tako.File{
		"disk":       func() tako.File { return tako.File{Body: open(os.DirFS(dir).Open("a.txt"))} },
		"fs":         func() tako.File { return tako.File{Body: open(fsys.Open("d/b.css")), Name: "x/ü.txt", Download: true} },
		"unseekable": func() tako.File { return tako.File{Body: unseekable{open(fsys.Open("d/b.css"))}} },
		"memory": func() tako.File {
			body := bytes.NewReader([]byte("hello"))
			_, _ = body.Seek(3, io.SeekStart) // it is sent from its beginning
			return tako.File{Name: "a.json", Body: body, Validators: tako.Validators{ETag: `"m"`}}
		},
		"pipe": func() tako.File {
			return tako.File{Body: io.LimitReader(strings.NewReader("hello"), 9), ContentType: "a/b"}
		},
		"directory": func() tako.File { return tako.File{Body: open(os.DirFS(dir).Open("."))} },
		"nothing":   func() tako.File { return tako.File{Name: "a"} },
		"seek":      func() tako.File { return tako.File{Body: brokenSeeker{strings.NewReader("x")}} },
		"bad tag": func() tako.File {
			return tako.File{Body: strings.NewReader("x"), Validators: tako.Validators{ETag: "m"}}
		},
	}
	overBoth(t, func() *tako.Router {
		r := tako.New()
		handle := func(_ context.Context, in struct {
			Which string `path:"which"`
		}) (tako.File, error) {
			return files[in.Which](), nil
		}
		tako.Get(r, "/{which}", handle)
		tako.Post(r, "/{which}", handle)
		return r
	}, func(t *testing.T, s *takotest.Server) {
		s.Get("/disk").Expect(200).ExpectText("hello").ExpectHeader("Content-Type", "text/plain; charset=utf-8").ExpectHeader("Last-Modified", changedDate).
			ExpectHeader("X-Content-Type-Options", "nosniff").ExpectHeader("Content-Disposition", "").ExpectHeader("Content-Length", "5")
		down := s.Get("/fs").Expect(200).ExpectText("hello").ExpectHeader("Last-Modified", changedDate)
		_, params, err := mime.ParseMediaType(down.Header.Get("Content-Disposition"))
		assert.NoError(t, err)
		assert.Equal(t, params["filename"], "ü.txt")
		s.Get("/unseekable").Expect(200).ExpectText("hello").ExpectHeader("Content-Length", "5").ExpectHeader("Content-Type", "text/css; charset=utf-8")
		s.Get("/memory").Expect(200).ExpectText("hello").ExpectHeader("ETag", `"m"`).ExpectHeader("Content-Type", "application/json").ExpectHeader("Last-Modified", "")
		s.Get("/pipe").Expect(200).ExpectText("hello").ExpectHeader("Content-Type", "a/b")
		head := s.Do("HEAD", "/memory").Expect(200).ExpectText("")
		assert.Equal(t, head.ContentLength, int64(5))
		s.Get("/memory", takotest.Header("If-None-Match", `"m"`)).Expect(304).ExpectHeader("ETag", `"m"`)
		s.Get("/memory", takotest.Header("If-Match", `"n"`)).Problem(412)
		s.Get("/disk", takotest.Header("If-Modified-Since", changedDate)).Expect(304)
		s.Post("/disk", takotest.Header("If-Modified-Since", changedDate)).Expect(200).ExpectText("hello")
		s.Get("/directory").Problem(404)
		for _, path := range []string{"/nothing", "/seek", "/bad%20tag"} {
			s.Get(path).Problem(500)
		}
	})
}

type brokenSeeker struct{ io.Reader }

func (brokenSeeker) Seek(int64, int) (int64, error) { return 0, errBoom }

func TestHTMLResult(t *testing.T) {
	t.Parallel()
	recordLogs()
	page := template.Must(template.New("").Parse("<p>{{.}}</p>"))
	for _, tt := range []struct {
		page   tako.HTML
		status int
		text   string
	}{
		{tako.HTML{Template: page, Data: "<b>"}, 200, "<p>&lt;b&gt;</p>"},
		{tako.HTML{Status: 404, Template: page, Data: 1}, 404, "<p>1</p>"},
		{tako.HTML{Text: "<p>x</p>"}, 200, "<p>x</p>"},
		{tako.HTML{}, 200, ""},
		{tako.HTML{Template: template.Must(template.New("").Parse("<p>{{.Gone}}")), Data: 1}, 500, ""},
	} {
		r := tako.New()
		result(tt.page, nil)(r)
		resp := takotest.New(t, r).Get("/").Expect(tt.status)
		if tt.status != 500 {
			resp.ExpectText(tt.text).ExpectHeader("Content-Type", "text/html; charset=utf-8")
		}
	}
}

func TestFileResultIsCutWhenItShrinks(t *testing.T) {
	t.Parallel()
	recordLogs()
	r := tako.New()
	tako.Get(r, "/", func(context.Context, struct{}) (tako.File, error) {
		f, err := fstest.MapFS{"a": {Data: []byte("hello")}}.Open("a")
		return tako.File{Body: unseekable{lying{f, 9}}}, err
	})
	s := takotest.Serve(t, r)
	resp, err := s.Client.Do(newRequest(t, s, "/"))
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		assert.NoError(t, resp.Body.Close())
	}
	if err == nil {
		t.Error("got a whole file, want it cut")
	}
}
