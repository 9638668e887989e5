package compress_test

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/middleware/compress"
	"github.com/tako-go/tako/takotest"
)

// Each coding has a level, with the default that is told, and 0 is not the slowest.
func TestOutsideLevels(t *testing.T) {
	t.Parallel()
	body := varied(40 << 10)
	size := func(levels compress.Levels, coding string, flush bool) int {
		s := takotest.New(t, answering(compress.Config{Levels: levels}, func(c *tako.Context) error {
			if !flush {
				return c.Bytes(200, "text/plain", body)
			}
			c.Header().Set("Content-Type", "text/plain")
			for piece := range slices.Chunk(body, 10<<10) {
				if _, err := c.Write(piece); err != nil {
					return err
				}
			}
			return nil
		}))
		resp := s.Get("/", takotest.Header("Accept-Encoding", coding)).Expect(200).ExpectHeader("Content-Encoding", coding)
		got, err := io.ReadAll(decoding(t, coding, strings.NewReader(resp.Text)))
		assert.NoError(t, err)
		assert.Equal(t, bytes.Equal(got, body), true)
		return len(resp.Text)
	}
	all := func(level int) compress.Levels { return compress.Levels{Brotli: level, Zstd: level, Gzip: level} }
	for coding, level := range map[string]int{"br": 3, "zstd": 1, "gzip": 5, "deflate": 5} {
		assert.Equal(t, size(compress.Levels{}, coding, false), size(all(level), coding, false), coding)
		if fast, best := size(all(1), coding, false), size(all(9), coding, false); best >= fast {
			t.Errorf("%s: got %d bytes with level 9, %d with level 1", coding, best, fast)
		}
		assert.Equal(t, size(all(9), coding, false), size(all(10), coding, false), "more than 9 is 9")
	}
	for _, coding := range []string{"gzip", "deflate"} {
		assert.Equal(t, size(compress.Levels{}, coding, true), size(all(7), coding, true), coding)
	}
	// One does not set another.
	assert.Equal(t, size(compress.Levels{Zstd: 9}, "gzip", false), size(compress.Levels{}, "gzip", false))
	assert.Equal(t, size(compress.Levels{Zstd: 9, Gzip: 9}, "br", false), size(compress.Levels{}, "br", false))
	assert.Equal(t, size(compress.Levels{Brotli: 9, Gzip: 9}, "zstd", false), size(compress.Levels{}, "zstd", false))
}

// varied is text that repeats itself only now and then, so that work pays.
func varied(n int) []byte {
	var out []byte
	for state := uint32(1); len(out) < n; {
		state = state*1664525 + 1013904223
		word := words[state>>16%uint32(len(words))]
		out = append(append(out, word...), byte('a'+state>>27), ' ')
	}
	return out[:n]
}

var words = strings.Fields("reef tide coral octopus ink arm sucker current deep shell crab wave foam salt kelp eel ray squid pearl sand")

// Bodies are compressed from 1024 bytes on, in the order of the four codings, and without Secrets not
// for who is logged in.
func TestOutsideDefaults(t *testing.T) {
	t.Parallel()
	s := takotest.New(t, answering(compress.Config{}, func(c *tako.Context) error {
		return c.Bytes(200, "text/plain", lines(number(c, "n")))
	}))
	all := takotest.Header("Accept-Encoding", "deflate, gzip, zstd, br")
	s.Get("/?n=1023", all).ExpectHeader("Content-Encoding", "")
	s.Get("/?n=1024", all).ExpectHeader("Content-Encoding", "br")
	s.Get("/?n=1024", takotest.Header("Accept-Encoding", "deflate, gzip, zstd")).ExpectHeader("Content-Encoding", "zstd")
	s.Get("/?n=1024", takotest.Header("Accept-Encoding", "deflate, gzip")).ExpectHeader("Content-Encoding", "gzip")
	s.Get("/?n=1024", all, takotest.Header("Cookie", "a=b")).ExpectHeader("Content-Encoding", "")
	secret := takotest.New(t, answering(compress.Config{Secrets: true}, func(c *tako.Context) error { return c.Bytes(200, "text/plain", lines(1024)) }))
	secret.Get("/", all, takotest.Header("Cookie", "a=b")).ExpectHeader("Content-Encoding", "br")
}

// Types are those of DefaultTypes, to which others can be added.
func TestOutsideTypes(t *testing.T) {
	t.Parallel()
	kind := func(types []string) *takotest.Server {
		return takotest.New(t, answering(compress.Config{Types: types}, func(c *tako.Context) error { return c.Bytes(200, c.Query("type"), lines(5000)) }))
	}
	gzip := takotest.Header("Accept-Encoding", "gzip")
	plain, more, none := kind(nil), kind(append(compress.DefaultTypes(), "application/x-reef")), kind([]string{})
	for _, name := range compress.DefaultTypes() {
		if strings.HasPrefix(name, "+") {
			name = "application/vnd.reef%2B" + name[1:]
		}
		name = strings.ReplaceAll(name, "*", "x-any")
		plain.Get("/?type="+name, gzip).ExpectHeader("Content-Encoding", "gzip")
		more.Get("/?type="+name, gzip).ExpectHeader("Content-Encoding", "gzip")
		none.Get("/?type="+name, gzip).ExpectHeader("Content-Encoding", "")
	}
	plain.Get("/?type=application/x-reef", gzip).ExpectHeader("Content-Encoding", "")
	more.Get("/?type=application/x-reef", gzip).ExpectHeader("Content-Encoding", "gzip")
	compress.DefaultTypes()[0] = "changed"
	plain.Get("/?type=text/plain", gzip).ExpectHeader("Content-Encoding", "gzip")
	assert.Equal(t, compress.DefaultTypes()[0], "text/*")
}

// Of codings around one another a body may have two, or as many as are set, and only those that are
// set.
func TestOutsideRequests(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		cfg     compress.RequestConfig
		most    int
		refused string
	}{
		{compress.RequestConfig{}, 2, "compress"},
		{compress.RequestConfig{MaxCodings: 1}, 1, "compress"},
		{compress.RequestConfig{MaxCodings: 4, Codings: []string{"gzip"}}, 4, "br"},
	} {
		app := tako.New()
		app.Log(quiet)
		app.Use(compress.Requests(tt.cfg))
		app.Post("/", echo)
		s := takotest.New(t, app)
		post := func(names ...string) *takotest.Response {
			body := []byte("x")
			if !slices.Contains(names, "compress") {
				body = encoded(t, lines(500), names...)
			}
			return s.Post("/", takotest.Body("text/plain", string(body)), takotest.Header("Content-Encoding", strings.Join(names, ", ")))
		}
		assert.Equal(t, post(slices.Repeat([]string{"gzip"}, tt.most)...).Expect(200).Text, string(lines(500)))
		want := "gzip, deflate, br, zstd"
		if tt.cfg.Codings != nil {
			want = "gzip"
		}
		for _, names := range [][]string{slices.Repeat([]string{"gzip"}, tt.most+1), {tt.refused}} {
			resp := post(names...)
			resp.Problem(415)
			resp.ExpectHeader("Accept-Encoding", want)
		}
	}
}
