package tako_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// seekOnly is content that cannot be read at offsets.
type seekOnly struct{ io.ReadSeeker }

func TestServeContent(t *testing.T) {
	t.Parallel()
	recordLogs()
	digits := strings.Repeat("0123456789", 10_000)
	name := filepath.Join(t.TempDir(), "digits.txt")
	assert.NoError(t, os.WriteFile(name, []byte(digits), 0o600))
	assert.NoError(t, os.Chtimes(name, changedAt, changedAt))
	v := tako.Validators{ETag: `"d"`, LastModified: changedAt}
	fsys := fstest.MapFS{"digits.txt": {Data: []byte(digits), ModTime: changedAt}}
	overBoth(t, func() *tako.Router {
		r := tako.New()
		r.Any("/content", func(c *tako.Context) error {
			c.Header().Set("Content-Type", "text/plain; charset=utf-8")
			return c.ServeContent(v, int64(len(digits)), strings.NewReader(digits))
		})
		r.Any("/file", func(c *tako.Context) error {
			c.Header().Set("Etag", `"d"`)
			return c.File(name)
		})
		r.Any("/fs", func(c *tako.Context) error {
			c.Header().Set("Etag", `"d"`)
			return c.FileFS(fsys, "digits.txt")
		})
		typed := func(context.Context, struct{}) (tako.File, error) {
			return tako.File{Name: "digits.txt", Body: seekOnly{strings.NewReader(digits)}, Validators: v}, nil
		}
		tako.Get(r, "/typed", typed)
		tako.Post(r, "/typed", typed)
		r.Get("/short", func(c *tako.Context) error { return c.ServeContent(v, 9, strings.NewReader("short")) })
		r.Get("/cut", func(c *tako.Context) error {
			return c.ServeContent(v, 2*int64(len(digits)), strings.NewReader(digits))
		})
		r.Get("/negative", func(c *tako.Context) error { return c.ServeContent(v, -1, strings.NewReader("x")) })
		r.Get("/begun", func(c *tako.Context) error {
			err := c.Text(200, "x")
			if late := c.ServeContent(v, 1, strings.NewReader("y")); !errors.Is(late, tako.ErrHeadSent) {
				return fmt.Errorf("got %w", late)
			}
			return err
		})
		r.Get("/empty", func(c *tako.Context) error { return c.ServeContent(v, 0, strings.NewReader("")) })
		return r
	}, func(t *testing.T, s *takotest.Server) {
		for _, path := range []string{"/content", "/file", "/fs", "/typed"} {
			get := func(fields ...string) *takotest.Response {
				var edits []takotest.Edit
				for i := 0; i < len(fields); i += 2 {
					edits = append(edits, takotest.Header(fields[i], fields[i+1]))
				}
				return s.Get(path, edits...)
			}
			get().Expect(200).ExpectText(digits).ExpectHeader("Accept-Ranges", "bytes").ExpectHeader("Etag", `"d"`).ExpectHeader("Last-Modified", changedDate)
			get("Range", "bytes=3-5").Expect(206).ExpectText("345").ExpectHeader("Content-Range", "bytes 3-5/100000").ExpectHeader("Content-Length", "3").ExpectHeader("Etag", `"d"`)
			get("Range", "bytes=50000-").Expect(206).ExpectText(digits[50000:])
			get("Range", "bytes=100000-").Expect(416).ExpectHeader("Content-Range", "bytes */100000").ExpectHeader("Accept-Ranges", "")
			get("Range", "bytes=3-5", "If-Range", `"e"`).Expect(200).ExpectText(digits)
			get("Range", "bytes=3-5", "If-Range", changedDate).Expect(206).ExpectText("345")
			get("Range", "bytes=3-5", "If-Range", olderDate).Expect(200).ExpectText(digits)
			get("Range", "bytes=3-5", "If-None-Match", `"d"`).Expect(304)
			get("Range", "bytes=3-5", "If-Match", `"e"`).Expect(412)
			get("Range", "bytes=x").Expect(200).ExpectText(digits)
			s.Post(path, takotest.Header("Range", "bytes=3-5")).Expect(200).ExpectText(digits).ExpectHeader("Accept-Ranges", "")
			head := s.Do("HEAD", path, takotest.Header("Range", "bytes=3-5")).Expect(200)
			assert.Equal(t, head.ContentLength, int64(len(digits)))

			several := get("Range", "bytes=3-5,60000-99999,-1").Expect(206).ExpectHeader("Content-Range", "")
			_, params, err := mime.ParseMediaType(several.Header.Get("Content-Type"))
			assert.NoError(t, err)
			parts := multipart.NewReader(strings.NewReader(several.Text), params["boundary"])
			for _, want := range []string{"345", digits[60000:]} {
				part, err := parts.NextRawPart()
				assert.NoError(t, err)
				text, err := io.ReadAll(part)
				assert.NoError(t, err)
				assert.Equal(t, string(text) == want && part.Header.Get("Content-Type") == "text/plain; charset=utf-8", true, "part ", part.Header)
			}
			_, err = parts.NextRawPart()
			assert.ErrorIs(t, err, io.EOF)
		}
		s.Get("/empty").Expect(200).ExpectText("").ExpectHeader("Content-Length", "0")
		s.Get("/short").Problem(500) // it is found out before the head is sent
		s.Get("/negative").Problem(500)
		s.Get("/begun").Expect(200).ExpectText("x")
		if _, err := s.RoundTrip(newRequest(t, s, "/cut")); err == nil {
			if resp := s.Get("/cut"); resp.Broken == nil {
				t.Errorf("got a whole response of %d bytes, want it cut", len(resp.Text))
			}
		}
	})
}

// kernelWriter notes what is given to it to be copied by the kernel.
type kernelWriter struct {
	*httptest.ResponseRecorder
	copied []int64
}

func (w *kernelWriter) ReadFrom(r io.Reader) (int64, error) {
	if limited, ok := r.(*io.LimitedReader); ok {
		if _, ok := limited.R.(*os.File); ok {
			w.copied = append(w.copied, limited.N)
		}
	}
	return io.Copy(w.Body, r)
}

// Files, and ranges of files, reach the runtime as what sendfile takes; small ones are
// written together with the head.
func TestContentForTheKernel(t *testing.T) {
	t.Parallel()
	text := bytes.Repeat([]byte("0123456789"), 200_000)
	name := filepath.Join(t.TempDir(), "a.txt")
	assert.NoError(t, os.WriteFile(name, text, 0o600))
	r := tako.New()
	r.Get("/file", func(c *tako.Context) error { return c.File(name) })
	tako.Get(r, "/typed", func(context.Context, struct{}) (tako.File, error) {
		f, err := os.Open(name)
		return tako.File{Body: f}, err
	})
	assert.NoError(t, r.Build())
	for _, path := range []string{"/file", "/typed"} {
		for _, tt := range []struct {
			fields []string
			want   []int64
			body   []byte
		}{
			{nil, []int64{2_000_000 - 32<<10, 32 << 10}, text},
			{[]string{"Range", "bytes=7-100006"}, []int64{100_000}, text[7:100_007]},
			{[]string{"Range", "bytes=0-9"}, nil, text[:10]},
			{[]string{"If-Match", "*", "If-Modified-Since", "Thu, 02 Jan 2020 03:04:05 GMT", "Range", "bytes=-40000"}, []int64{40_000}, text[:40_000]},
		} {
			w := &kernelWriter{ResponseRecorder: httptest.NewRecorder()}
			req := httptest.NewRequest(http.MethodGet, path, nil)
			for i := 0; i < len(tt.fields); i += 2 {
				req.Header.Set(tt.fields[i], tt.fields[i+1])
			}
			r.ServeHTTP(w, req)
			assert.Equal(t, w.copied, tt.want, path, " ", tt.fields)
			assert.Equal(t, bytes.Equal(w.Body.Bytes(), tt.body), true, path, " ", tt.fields)
		}
	}
}
