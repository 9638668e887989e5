package extract

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// with calls f inside a handler that has got a request with these header lines.
func with(tb testing.TB, method, target string, lines []string, body string, f func(c *tako.Context)) {
	tb.Helper()
	app := tako.New()
	app.TrustedProxies("192.0.2.0/24")
	app.Any("/{path...}", func(c *tako.Context) error {
		f(c)
		return c.Text(200, "done")
	})
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	assert.Equal(tb, w.Code, 200, w.Body.String())
}

// rewritten sends what e encodes as the only thing of a request, and returns its fields.
func rewritten(tb testing.TB, e tako.RequestEncoder) http.Header {
	tb.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	assert.NoError(tb, e.EncodeRequest(r))
	return r.Header
}

func TestAccept(t *testing.T) {
	t.Parallel()
	tests := []struct{ accept, want string }{
		{"", "text/html"}, {"*/*", "text/html"}, {"application/*", "application/json"}, {"text/html;q=0", ""},
		{"text/html;level=1;q=0.2, text/html;q=0.1, */*;q=0.15", "application/json"}, {"q=0.5", "text/html"},
		{"text/html;q=0.1;ext=1, image/png;q=.9", "text/html"}, {"text/html ; Q=0.001", "text/html"}, {"text/html;q=1.001", "text/html"},
		{`text/x;a=",", application/json`, "application/json"}, {"*/html, application/json;q=0.1", "application/json"},
	}
	for _, tt := range tests {
		a := Accept{parseAccept([]string{tt.accept})}
		assert.Equal(t, a.Prefers("text/html", "application/json"), tt.want, tt.accept)
	}
	assert.Equal(t, Accept{}.Prefers(), "")
	a := Accept{parseAccept([]string{"Text/HTML;level=1 ; q=0.25, */*;q=0", "a/b;q=1.000"})}
	assert.Equal(t, a.Ranges, []MediaRange{{"text/html", "level=1", 250}, {"*/*", "", 0}, {"a/b", "", 1000}})
	assert.Equal(t, a.String(), "text/html;level=1;q=0.25, */*;q=0, a/b")
	assert.Equal(t, rewritten(t, &a).Get("Accept"), a.String())
	assert.Equal(t, a.Absent(), false)
}

func TestAcceptBounds(t *testing.T) {
	t.Parallel()
	many := []string{strings.Repeat("a/b,", 500), strings.Repeat("a/b,", 500)}
	assert.Equal(t, len(parseAccept(many)), maxPreferences)
	assert.Equal(t, len(parseLanguages([]string{strings.Repeat("de,", 500)})), maxPreferences)
	assert.Equal(t, len(parseCodings([]string{strings.Repeat("br,", 500)})), maxPreferences)
}

// FuzzAccept holds Prefers to what the Context says, and String to what is read.
func FuzzAccept(f *testing.F) {
	for _, seed := range []string{"", "*/*", "text/html;q=0, */*;q=0.1", "image/*;q=NaN, imagezzz;;qq=", `text/html;a="x,y";q=0.5`, "a/b;q=1.0000", "a/b;q", "text/html; q=0.5;q=0.1"} {
		f.Add(seed)
	}
	offers := []string{"text/html", "application/json", "image/png"}
	f.Fuzz(func(t *testing.T, value string) {
		a := Accept{parseAccept([]string{value})}
		assert.Equal(t, len(a.Ranges) <= maxPreferences, true)
		for _, r := range a.Ranges {
			assert.Equal(t, r.Quality >= 0 && r.Quality <= fullQuality && strings.Contains(r.Type, "/"), true)
		}
		again := Accept{parseAccept([]string{a.String()})}
		assert.Equal(t, again.Prefers(offers...), a.Prefers(offers...), a.String())
		assert.Equal(t, len(again.Ranges), len(a.Ranges), a.String())
		if len(a.Ranges) == maxPreferences || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return
		}
		with(t, "GET", "/", []string{"Accept: " + value}, "", func(c *tako.Context) {
			assert.Equal(t, a.Prefers(offers...), c.Accepts(offers...), value)
		})
	})
}

func TestAcceptEncoding(t *testing.T) {
	t.Parallel()
	tests := []struct {
		lines []string
		want  string
	}{
		{nil, "identity"}, {[]string{""}, "identity"}, {[]string{"gzip"}, "gzip"}, {[]string{"gzip, br"}, "br"}, {[]string{"gzip", "br;q=0.1"}, "gzip"},
		{[]string{"*;q=0"}, ""}, {[]string{"identity;q=0"}, ""}, {[]string{"identity;q=0, gzip;q=0.1"}, "gzip"}, {[]string{"identity, gzip;q=0.5"}, "identity"},
		{[]string{"x-gzip"}, "gzip"}, {[]string{"*"}, "br"}, {[]string{"br;q=0, *"}, "gzip"}, {[]string{"gzip;q=2"}, "identity"}, {[]string{"b r"}, "identity"},
	}
	for _, tt := range tests {
		a := AcceptEncoding{tt.lines != nil, parseCodings(tt.lines)}
		assert.Equal(t, a.Prefers("br", "gzip"), tt.want, tt.lines)
		if tt.lines != nil {
			assert.Equal(t, rewritten(t, &a).Get("Accept-Encoding"), a.String())
		}
	}
	identityFirst := AcceptEncoding{true, parseCodings([]string{"gzip;q=0.5"})}
	assert.Equal(t, identityFirst.Prefers("identity", "gzip"), "gzip", "what is asked for beats what is not refused")
	assert.Equal(t, AcceptEncoding{}.Quality("br"), fullQuality)
	assert.Equal(t, AcceptEncoding{}.Quality("identity"), 1)
}

func FuzzAcceptEncoding(f *testing.F) {
	for _, seed := range []string{"", "gzip, br;q=0.5", "*;q=0", "identity;q=0,,", "x-gzip;q=1.0001"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		a := AcceptEncoding{true, parseCodings([]string{value})}
		assert.Equal(t, len(a.Codings) <= maxPreferences, true)
		got := a.Prefers("br", "gzip")
		assert.Equal(t, slices.Contains([]string{"br", "gzip", "identity", ""}, got), true, got)
		if got != "" {
			assert.Equal(t, a.Quality(got) > 0, true, got)
		}
		assert.Equal(t, parseCodings([]string{a.String()}), a.Codings, a.String())
	})
}
