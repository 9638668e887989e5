package extract_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

type anyForm struct {
	A     []string       `form:"a"`
	Files []extract.File `file:"f" accept:"image/png"`
}

// bothApps serves the streamed form at /parts and the typed one at /form.
func bothApps(limits extract.MultipartLimits, options ...tako.Option) *tako.Router {
	app := multipartApp(limits)
	app.Post("/parts", echoParts, options...)
	tako.Post(app, "/form", func(_ context.Context, in extract.MultipartForm[anyForm]) (string, error) {
		return fmt.Sprint(len(in.Value.A), len(in.Value.Files)), nil
	}, options...)
	return app
}

// countedReader counts what is read of an endless body.
type countedReader struct {
	io.Reader
	n int
}

func (r *countedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.n += n
	return n, err
}

// endlessText repeats a text without end.
type endlessText struct {
	text string
	at   int
}

func (r *endlessText) Read(p []byte) (n int, err error) {
	for n < len(p) {
		k := copy(p[n:], r.text[r.at:])
		n += k
		r.at = (r.at + k) % len(r.text)
	}
	return n, nil
}

func TestEX08Limits(t *testing.T) {
	limits := extract.MultipartLimits{MaxField: 1000, MaxFile: 2000, MaxParts: 3, MaxHeaderBytes: 500, MaxHeaders: 4}
	a, f := "name=a", "name=f; filename=x"
	within := map[string]string{
		"parts":   formOf(formPart(a, "", "1"), formPart(a, "", "2"), formPart(f, "image/png", "3")),
		"field":   formOf(formPart(a, "", strings.Repeat("x", 1000))),
		"unknown": formOf(formPart("name=u", "", strings.Repeat("x", 1000))),
		"file":    formOf(formPart(f, "image/png", strings.Repeat("x", 2000))),
		"header":  formOf(formPart(a, "", "1\r\n--b\r\nX: "+strings.Repeat("x", 440)+"\r\nContent-Disposition: form-data; name=a\r\n\r\n")),
		"headers": formOf(formPart(a, "text/plain\r\nX: 1\r\nX: 2", "1")),
		"total":   formOf(formPart(f, "image/png", "1")) + strings.Repeat("x", 3800),
	}
	text := func(body string) func() io.Reader { return func() io.Reader { return strings.NewReader(body) } }
	flood := func(begin, rest string) func() io.Reader {
		return func() io.Reader { return io.MultiReader(strings.NewReader(begin), &endlessText{text: rest}) }
	}
	over := map[string]func() io.Reader{
		"parts":         text(formOf(strings.Repeat(formPart(a, "", "1"), 4))),
		"endless parts": flood("", formPart(a, "", "1")),
		"field":         text(formOf(formPart(a, "", strings.Repeat("x", 1001)))),
		"unknown":       text(formOf(formPart("name=u", "", strings.Repeat("x", 1001)))),
		"file":          text(formOf(formPart(f, "image/png", strings.Repeat("x", 2001)))),
		"endless file":  flood(formPart(f, "image/png", ""), "\r\n--"),
		"header":        flood("--b\r\nX: ", "x"),
		"headers":       text(formOf(formPart(a, "text/plain\r\nX: 1\r\nX: 2\r\nX: 3", "1"))),
		"preamble":      flood("", "no boundary\r\n"),
		"padding":       flood("--b", " "),
		"epilogue":      flood(formOf(), "--b\r\n"),
	}
	for _, target := range []string{"/parts", "/form"} {
		s := takotest.New(t, bothApps(limits, tako.BodyLimit(4000)))
		for name, body := range within {
			if got := postForm(s, target, body).StatusCode; got != 200 {
				t.Errorf("%s: %s within its limit: got status %d, want 200", target, name, got)
			}
		}
	}
	for _, target := range []string{"/parts", "/form"} {
		s := takotest.New(t, bothApps(limits, tako.BodyLimit(100_000)))
		for name, body := range over {
			count := &countedReader{Reader: body()}
			s.Post(target, takotest.Reader(formType, count)).Problem(413)
			if count.n > 200_000 {
				t.Errorf("%s: %s: %d bytes were read, want reading to stop at the limit", target, name, count.n)
			}
		}
	}
}

// The whole body is held to the limit of its route, unless the form has its own.
func TestEX08TotalSize(t *testing.T) {
	f := "name=f; filename=x"
	ofSize := func(n int) string { // a form of n bytes
		empty := formOf(formPart(f, "image/png", ""))
		return formOf(formPart(f, "image/png", strings.Repeat("x", n-len(empty))))
	}
	for _, tt := range []struct {
		limits  extract.MultipartLimits
		options []tako.Option
		total   int
	}{
		{extract.MultipartLimits{}, nil, tako.DefaultBodyLimit},
		{extract.MultipartLimits{}, []tako.Option{tako.BodyLimit(5000)}, 5000},
		{extract.MultipartLimits{MaxTotal: 3 << 20}, nil, 3 << 20},
		{extract.MultipartLimits{MaxTotal: 3000}, nil, 3000},
	} {
		for _, target := range []string{"/parts", "/form"} {
			s := takotest.New(t, bothApps(tt.limits, tt.options...))
			postForm(s, target, ofSize(tt.total)).Expect(200)
			postForm(s, target, ofSize(tt.total+1)).Problem(413)
			s.Post(target, takotest.Reader(formType, io.MultiReader(strings.NewReader(ofSize(tt.total))))).Expect(200)
			s.Post(target, takotest.Reader(formType, io.MultiReader(strings.NewReader(ofSize(tt.total+1))))).Problem(413)
		}
	}
	unlimited := takotest.New(t, bothApps(extract.MultipartLimits{MaxTotal: tako.NoLimit, MaxFile: tako.NoLimit, MaxParts: tako.NoLimit, MaxHeaders: tako.NoLimit, MaxHeaderBytes: tako.NoLimit, MaxField: tako.NoLimit}))
	postForm(unlimited, "/form", ofSize(5<<20)).Expect(200)

	// Somebody has begun to read: the limit of the route is in force already.
	app := tako.New()
	tako.Supply(app, extract.MultipartLimits{MaxTotal: 1000})
	app.Use(func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error { _ = c.Body(); return next(c) }
	})
	app.Post("/", echoParts)
	s := takotest.New(t, app)
	postForm(s, "/", ofSize(1000)).Expect(200)
	postForm(s, "/", ofSize(1001)).Problem(413)
}

func TestEX08NearBoundaryFlood(t *testing.T) {
	for _, target := range []string{"/parts", "/form"} {
		s := takotest.New(t, bothApps(extract.MultipartLimits{MaxTotal: 1 << 30, SpillAt: tako.NoLimit}))
		took := map[int]time.Duration{}
		for _, size := range []int{1 << 20, 10 << 20} {
			start := time.Now()
			postForm(s, target, formOf(formPart("name=f; filename=x", "image/png", strings.Repeat("\r\n--bb\r\n--", size/10)))).Expect(200)
			took[size] = time.Since(start)
		}
		if took[10<<20] > 100*took[1<<20]+time.Second {
			t.Errorf("%s: 1 MiB takes %v, 10 MiB %v", target, took[1<<20], took[10<<20])
		}
	}
}

func TestEX09Malformed(t *testing.T) {
	a := formPart("name=a", "", "1")
	tests := []struct {
		name, contentType, body string
		parts, form             int
	}{
		{"no boundary", "multipart/form-data", formOf(a), 400, 400},
		{"long boundary", "multipart/form-data; boundary=" + strings.Repeat("b", 71), formOf(a), 400, 400},
		{"other boundary", "multipart/form-data; boundary=c", formOf(a), 400, 400},
		{"never closed", formType, a, 400, 400},
		{"cut in a header", formType, a + "--b\r\nContent-Dispo", 400, 400},
		{"empty", formType, "", 400, 400},
		{"no header", formType, formOf("--b\r\n\r\n1\r\n"), 400, 400},
		{"no name", formType, formOf(formPart("filename=x", "", "1")), 400, 400},
		{"no disposition", formType, formOf("--b\r\nContent-Type: text/plain\r\n\r\n1\r\n"), 400, 400},
		{"LF only", formType, strings.ReplaceAll(formOf(a), "\r\n", "\n"), 400, 400},
		{"same names", formType, formOf(a, a), 200, 200},
		{"nested", formType, formOf(formPart("name=a", "multipart/mixed; boundary=c", "--c\r\n\r\n1\r\n--c--")), 200, 200},
	}
	app := func(*testing.T) *tako.Router { return bothApps(extract.MultipartLimits{}) }
	onRuntimes(t, tako.Limits{}, app, func(t *testing.T, s *takotest.Server) {
		for _, tt := range tests {
			for target, want := range map[string]int{"/parts": tt.parts, "/form": tt.form} {
				if got := s.Post(target, takotest.Body(tt.contentType, tt.body)).StatusCode; got != want {
					t.Errorf("%s: %s: got status %d, want %d", tt.name, target, got, want)
				}
			}
		}
		postForm(s, "/form", formOf(a, a, formPart("name=f; filename=1", "image/png", "1"), formPart("name=f; filename=2", "image/png", "2"))).
			Expect(200).ExpectText("\"2 2\"")
	})
}

func TestEX12MediaTypes(t *testing.T) {
	app := func(*testing.T) *tako.Router { return bothApps(extract.MultipartLimits{Accept: []string{"image/PNG"}}) }
	onRuntimes(t, tako.Limits{}, app, func(t *testing.T, s *takotest.Server) {
		for contentType, want := range map[string]int{
			"image/png": 200, "image/png; a=b": 200, "Image/PNG ;a=b": 200, "image/pngx": 415, "image/png/x": 415, "image": 415, "image/": 415,
			"/png": 415, "ximage/png": 415, "image/*": 415, "*/*": 415, "text/plain": 415, "": 415, "image/jpeg, image/png": 415,
		} {
			for _, target := range []string{"/parts", "/form"} {
				resp := postForm(s, target, formOf(formPart("name=f; filename=x", contentType, "x")))
				if resp.StatusCode != want {
					t.Errorf("%s: %q: got status %d, want %d", target, contentType, resp.StatusCode, want)
				}
			}
		}
	})
}

type wildForm struct {
	Image extract.File `file:"f" accept:"text/plain, image/*"`
	Any   extract.File `file:"any" accept:"*/*"`
}

func TestEX12WildMediaTypes(t *testing.T) {
	s := takotest.New(t, formApp(extract.MultipartLimits{Accept: []string{"video/mp4"}}, func(wildForm) string { return "" }))
	for contentType, want := range map[string]int{"image/png": 200, "IMAGE/x; y": 200, "text/plain": 200, "text/html": 415, "imagezzz/png": 415, "image": 415, "video/mp4": 415} {
		postForm(s, "/", formOf(formPart("name=f; filename=x", contentType, "x"))).Expect(want)
	}
	postForm(s, "/", formOf(formPart("name=any; filename=x", "a/b", "x"))).Expect(200)
}

// drip sends the beginning of a form and then a byte now and then, until it is
// answered, and returns the answer.
func drip(t *testing.T, s *takotest.Server, target string, pause time.Duration) *http.Response {
	t.Helper()
	body, w := io.Pipe()
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(pause)
		defer tick.Stop()
		_, err := io.WriteString(w, "--b\r\nContent-Disposition: form-data; name=f; filename=x\r\nContent-Type: image/png\r\n\r\n")
		for err == nil {
			select {
			case <-done:
				return
			case <-tick.C:
				_, err = w.Write([]byte("x"))
			}
		}
	}()
	resp := s.Open("POST", target, takotest.Reader(formType, body))
	close(done)
	_ = body.Close()
	<-stopped
	return resp
}

func TestEX12DrippingPart(t *testing.T) {
	for _, target := range []string{"/parts", "/form"} {
		s := takotest.Serve(t, bothApps(extract.MultipartLimits{PartTimeout: 300 * time.Millisecond}))
		resp := drip(t, s, target, 50*time.Millisecond)
		assert.Equal(t, resp.StatusCode, 408)
		_ = resp.Body.Close()
	}
}

// The runtimes give a body a grace of five seconds.
func TestEX12MinimumRate(t *testing.T) {
	if testing.Short() {
		t.Skip("takes the grace that bodies have")
	}
	app := func(*testing.T) *tako.Router { return bothApps(extract.MultipartLimits{}) }
	onRuntimes(t, tako.Limits{MinBodyRate: 1000}, app, func(t *testing.T, s *takotest.Server) {
		t.Parallel()
		resp := drip(t, s, "/form", time.Second)
		if resp.StatusCode != 408 && resp.StatusCode != 400 {
			t.Errorf("got status %d, want 408 or 400", resp.StatusCode)
		}
		_ = resp.Body.Close()
	})
}
