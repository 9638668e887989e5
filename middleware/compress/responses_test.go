package compress_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/middleware"
	"github.com/tako-go/tako/middleware/compress"
	"github.com/tako-go/tako/takotest"
)

// answering has one handler at "/", with 5000 bytes of text unless it writes itself.
func answering(cfg compress.Config, f func(c *tako.Context) error, more ...tako.Middleware) *tako.Router {
	r := tako.New()
	r.Log(quiet)
	r.Use(compress.Responses(cfg))
	r.Use(more...)
	h := func(c *tako.Context) error {
		if err := f(c); err != nil || c.HeadSent() {
			return err
		}
		return c.Text(200, string(lines(5000)))
	}
	r.Get("/", h)
	r.Post("/", h)
	return r
}

func plain(*tako.Context) error { return nil }

func field(name, value string) func(c *tako.Context) error {
	return func(c *tako.Context) error { c.Header().Set(name, value); return nil }
}

// TestCO02: what the client wants is what it gets.
func TestCO02(t *testing.T) {
	t.Parallel()
	s := takotest.New(t, answering(compress.Config{}, plain))
	for accept, want := range map[string]string{
		"": "", "gzip": "gzip", "gzip, br": "br", "gzip, br;q=0.5": "gzip", "br;q=0": "", "*": "br", "*;q=0": "",
		"gzip;q=": "", "identity": "", "identity;q=0": "", "identity;q=0, deflate": "deflate", "compress": "",
		"zstd, gzip, deflate": "zstd", "gzip;q=0.4, identity;q=0.5": "", "br;q=0,*": "zstd",
	} {
		resp := s.Get("/", takotest.Header("Accept-Encoding", accept)).Expect(200).ExpectHeader("Vary", "Accept-Encoding").ExpectHeader("Content-Encoding", want)
		if want != "" {
			resp.ExpectHeader("Content-Length", "")
		}
	}
	s.Get("/").Expect(200).ExpectHeader("Content-Encoding", "")
	two := func(r *http.Request) { r.Header["Accept-Encoding"] = []string{"br;q=0.1", "gzip"} }
	s.Get("/", two).ExpectHeader("Content-Encoding", "gzip")
}

func TestConfig(t *testing.T) {
	t.Parallel()
	own := takotest.New(t, answering(compress.Config{Codings: []string{"gzip", "br"}, MinSize: 6000, Types: []string{"image/*"}, Levels: compress.Levels{Brotli: 20, Gzip: 9}}, func(c *tako.Context) error {
		switch c.Query("as") {
		case "png":
			return c.Bytes(200, "image/png", lines(6000))
		case "small":
			return c.Bytes(200, "image/png", lines(5999))
		}
		return nil
	}))
	all := takotest.Header("Accept-Encoding", "br, zstd, gzip")
	own.Get("/?as=png", all).ExpectHeader("Content-Encoding", "gzip")
	own.Get("/?as=png", takotest.Header("Accept-Encoding", "br")).ExpectHeader("Content-Encoding", "br")
	own.Get("/?as=png", takotest.Header("Accept-Encoding", "zstd")).ExpectHeader("Content-Encoding", "")
	own.Get("/?as=small", all).ExpectHeader("Content-Encoding", "").ExpectHeader("Vary", "Accept-Encoding")
	own.Get("/", all).ExpectHeader("Content-Encoding", "").ExpectHeader("Vary", "")
	tiny := takotest.New(t, answering(compress.Config{MinSize: tako.NoLimit}, func(c *tako.Context) error { return c.Text(200, c.Query("text")) }))
	tiny.Get("/?text=x", all).ExpectHeader("Content-Encoding", "br")
	tiny.Get("/", all).ExpectHeader("Content-Encoding", "")
	takotest.New(t, answering(compress.Config{Codings: []string{"brotli"}}, plain)).Get("/").Expect(500)
	takotest.New(t, func() *tako.Router {
		r := tako.New()
		r.Log(quiet)
		r.Use(compress.Requests(compress.RequestConfig{Codings: []string{"GZIP"}}))
		r.Get("/", plain)
		return r
	}()).Get("/").Expect(500)
}

// TestCO04: what must not or need not be compressed is left alone.
func TestCO04(t *testing.T) {
	t.Parallel()
	bytes := func(status int, kind string, n int) func(c *tako.Context) error {
		return func(c *tako.Context) error { return c.Bytes(status, kind, lines(n)) }
	}
	for what, tt := range map[string]struct {
		f    func(c *tako.Context) error
		vary string
	}{
		"no content":   {func(c *tako.Context) error { return c.NoContent() }, ""},
		"not modified": {func(c *tako.Context) error { return c.WriteHead(304) }, "Accept-Encoding"},
		"part": {func(c *tako.Context) error {
			c.Header().Set("Content-Range", "bytes 0-4999/9000")
			return bytes(206, "text/plain", 5000)(c)
		}, "Accept-Encoding"},
		"parts": {func(c *tako.Context) error {
			return bytes(206, "multipart/byteranges; boundary=x", 5000)(c)
		}, "Accept-Encoding"},
		"fixed parts": {func(c *tako.Context) error {
			c.Header().Set("Cache-Control", "no-transform")
			return bytes(206, "multipart/byteranges; boundary=x", 5000)(c)
		}, ""},
		"image part":     {bytes(206, "image/png", 5000), ""},
		"empty":          {bytes(200, "text/plain", 0), "Accept-Encoding"},
		"tiny":           {bytes(200, "text/plain", 1023), "Accept-Encoding"},
		"coded":          {field("Content-Encoding", "gzip"), ""},
		"own identity":   {field("Content-Encoding", "identity"), ""},
		"no-transform":   {field("Cache-Control", "max-age=5, No-Transform"), ""},
		"image":          {bytes(200, "image/png", 5000), ""},
		"video":          {bytes(200, "video/mp4", 5000), ""},
		"archive":        {bytes(200, "application/zip", 5000), ""},
		"unknown type":   {bytes(200, "", 5000), ""},
		"malformed type": {bytes(200, "text", 5000), ""},
		"bytes":          {bytes(200, "application/octet-stream", 5000), ""},
		"grpc":           {bytes(200, "application/grpc+json", 5000), ""},
	} {
		s := takotest.New(t, answering(compress.Config{}, tt.f))
		resp := s.Get("/", takotest.Header("Accept-Encoding", "gzip"))
		if got := resp.Header.Get("Content-Encoding"); got != "" && what != "coded" && what != "own identity" {
			t.Errorf("%s was compressed", what)
		}
		assert.Equal(t, resp.Header.Get("Vary"), tt.vary, what)
		if n := resp.Header.Get("Content-Length"); n == "" && resp.StatusCode == 200 {
			t.Errorf("%s has lost its length", what)
		}
	}
	s := takotest.New(t, func() *tako.Router {
		r := answering(compress.Config{}, plain)
		r.Head("/head", func(c *tako.Context) error {
			c.Header().Set("Etag", `"a"`)
			return c.Text(200, string(lines(5000)))
		})
		r.Head("/small", func(c *tako.Context) error { return c.Text(200, "small") })
		return r
	}())
	for _, path := range []string{"/", "/head"} {
		s.Do("HEAD", path, takotest.Header("Accept-Encoding", "gzip")).Expect(200).ExpectText("").ExpectHeader("Content-Encoding", "").
			ExpectHeader("Content-Length", "").ExpectHeader("Vary", "Accept-Encoding")
		s.Do("HEAD", path).Expect(200).ExpectHeader("Content-Length", "5000").ExpectHeader("Vary", "Accept-Encoding")
	}
	s.Do("HEAD", "/head", takotest.Header("Accept-Encoding", "gzip")).ExpectHeader("Etag", `W/"a"`)
	s.Do("HEAD", "/small", takotest.Header("Accept-Encoding", "gzip")).ExpectHeader("Content-Length", "5")
}

func TestTypes(t *testing.T) {
	t.Parallel()
	s := takotest.New(t, answering(compress.Config{}, func(c *tako.Context) error { return c.Bytes(200, c.Query("type"), lines(5000)) }))
	for kind, want := range map[string]string{
		"text/html%3B+charset=utf-8": "gzip", "TEXT/CSS": "gzip", "application/json": "gzip", "application/problem%2Bjson": "gzip",
		"image/svg%2Bxml": "gzip", "application/wasm": "gzip", "application/cbor": "gzip", "text/event-stream": "gzip",
		"font/woff2": "", "application/jsonish": "", "application/%2Bjson": "", "textual/plain": "", "application/pdf": "",
	} {
		s.Get("/?type="+kind, takotest.Header("Accept-Encoding", "gzip")).Expect(200).ExpectHeader("Content-Encoding", want)
	}
}

// TestCO06: fields of what is compressed are those of the coded body.
func TestCO06(t *testing.T) {
	t.Parallel()
	gz := takotest.Header("Accept-Encoding", "gzip")
	f := func(c *tako.Context) error {
		c.Header().Set("Etag", c.Query("tag"))
		c.Header().Set("Accept-Ranges", "bytes")
		c.Header().Set("Content-Digest", "sha-256=:AA==:")
		c.Header().Set("Content-Length", "5000")
		c.Header().Set("Vary", c.Query("vary"))
		return nil
	}
	s := takotest.New(t, answering(compress.Config{}, f))
	coded := s.Get(`/?tag="a"&vary=Cookie`, gz).Expect(200).ExpectHeader("Etag", `W/"a"`).ExpectHeader("Accept-Ranges", "none").
		ExpectHeader("Content-Digest", "").ExpectHeader("Content-Length", "")
	assert.Equal(t, strings.Join(coded.Header.Values("Vary"), ", "), "Cookie, Accept-Encoding")
	s.Do("HEAD", `/?tag="a"&vary=Cookie`, gz).Expect(200).ExpectHeader("Etag", `W/"a"`).ExpectHeader("Accept-Ranges", "none").
		ExpectHeader("Content-Digest", "").ExpectHeader("Content-Length", "").ExpectHeader("Content-Encoding", "")
	s.Do("HEAD", `/?tag="a"`).ExpectHeader("Etag", `"a"`).ExpectHeader("Accept-Ranges", "bytes").ExpectHeader("Content-Digest", "sha-256=:AA==:")
	s.Get(`/?tag="a"&vary=*`, gz).ExpectHeader("Vary", "*")
	s.Get(`/?tag=W/"a"`, gz).ExpectHeader("Etag", `W/"a"`)
	s.Get(`/?tag="a"`).ExpectHeader("Etag", `"a"`).ExpectHeader("Accept-Ranges", "bytes").ExpectHeader("Content-Length", "5000")

	tagged := takotest.New(t, answering(compress.Config{}, plain, middleware.ETag()))
	tag := tagged.Get("/", gz).Expect(200).ExpectHeader("Content-Encoding", "gzip").Header.Get("Etag")
	assert.Equal(t, tag[:3], `W/"`)
	tagged.Get("/", gz, takotest.Header("If-None-Match", tag)).Expect(304).ExpectHeader("Etag", tag).ExpectHeader("Vary", "Accept-Encoding")
	tagged.Get("/", takotest.Header("If-None-Match", tag[2:])).Expect(304).ExpectHeader("Etag", tag[2:])

	same := takotest.New(t, answering(compress.Config{}, func(c *tako.Context) error {
		c.Header().Set("Cache-Control", "no-transform")
		_, err := c.CheckConditions(tako.Validators{ETag: `"a"`})
		return err
	}))
	for range 2 {
		same.Get("/", gz).Expect(200).ExpectHeader("Vary", "")
		same.Get("/", gz, takotest.Header("If-None-Match", `"a"`)).Expect(304).ExpectHeader("Vary", "")
	}
}

// TestCO07: what may hold a secret is not compressed, unless that was asked for.
func TestCO07(t *testing.T) {
	t.Parallel()
	gz := takotest.Header("Accept-Encoding", "gzip")
	for _, secrets := range []bool{false, true} {
		want := map[bool]string{false: "", true: "gzip"}[secrets]
		cfg := compress.Config{Secrets: secrets}
		s := takotest.New(t, answering(cfg, plain))
		s.Get("/", gz, takotest.Cookie("id", "1")).ExpectHeader("Content-Encoding", want).ExpectHeader("Vary", "Accept-Encoding")
		s.Get("/", gz, takotest.Bearer("x")).ExpectHeader("Content-Encoding", want)
		s.Get("/", gz).ExpectHeader("Content-Encoding", "gzip")
		takotest.New(t, answering(cfg, field("Set-Cookie", "id=1"))).Get("/", gz).ExpectHeader("Content-Encoding", want).ExpectHeader("Vary", "Accept-Encoding")
	}
}

// TestErrorPages: an error page is compressed as what it is.
func TestErrorPages(t *testing.T) {
	t.Parallel()
	s := takotest.New(t, answering(compress.Config{}, func(c *tako.Context) error {
		c.Header().Set("Content-Type", "text/plain")
		if _, err := c.Write(lines(900)); err != nil {
			return err
		}
		return tako.BadRequest("%s", lines(2000))
	}))
	resp := s.Open("GET", "/", takotest.Header("Accept-Encoding", "gzip"))
	assert.Equal(t, resp.StatusCode, 400)
	assert.Equal(t, resp.Header.Get("Content-Encoding"), "gzip")
	text, err := io.ReadAll(decoding(t, "gzip", resp.Body))
	assert.NoError(t, err)
	assert.Contains(t, string(text), `"status":400`)
}

// BenchmarkResponses measures 10 KB of JSON on its way through the middleware.
func BenchmarkResponses(b *testing.B) {
	for _, accept := range []string{"", "br", "zstd", "gzip", "deflate"} {
		b.Run("accept "+accept, func(b *testing.B) {
			r := tako.New()
			r.Use(compress.Responses(compress.Config{}))
			body := lines(10 << 10)
			r.Get("/", func(c *tako.Context) error { return c.Bytes(200, "application/json", body) })
			if err := r.Build(); err != nil {
				b.Fatal(err)
			}
			req, _ := http.NewRequest("GET", "/", nil)
			req.Header.Set("Accept-Encoding", accept)
			b.ReportAllocs()
			for b.Loop() {
				r.ServeHTTP(&sink{header: http.Header{}}, req)
			}
		})
	}
}

type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
