package tako_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

func TestAccepts(t *testing.T) {
	t.Parallel()
	var offers []string
	r := tako.New()
	r.Get("/", func(c *tako.Context) error { return c.Text(200, c.Accepts(offers...)) })
	srv := takotest.New(t, r)
	tests := []struct{ accept, offers, want string }{
		{"-", "a/a b/b", "a/a"},
		{"", "a/a b/b", "a/a"},
		{"*/*", "a/a b/b", "a/a"},
		{"b/b", "a/a b/b", "b/b"},
		{"B/B", "a/a b/b", "b/b"},
		{"b/b", "a/a B/b", "B/b"},
		{"c/c", "a/a b/b", ""},
		{"a/*", "b/b a/x", "a/x"},
		{"image/*", "imagezzz/a", ""},
		{"image/*", "x/image", ""},
		{"image/p", "image/png", ""},
		{"a/a;q=0.5, b/b", "a/a b/b", "b/b"},
		{"a/a;q=0.5, b/b;q=0.5", "b/b a/a", "b/b"},
		{"a/a;q=0.501, b/b;q=0.5", "b/b a/a", "a/a"},
		{"a/a;q=0", "a/a", ""},
		{"a/a;q=0.000", "a/a b/b", ""},
		{"a/a;q=0, */*", "a/a b/b", "b/b"},
		{"a/a;q=0, */*", "a/a", ""},
		{"*/*, a/a;q=0", "a/a b/b", "b/b"},
		{"a/*;q=0, */*;q=0.1", "a/a a/b c/c", "c/c"},
		{"a/*, a/b;q=0", "a/b a/c", "a/c"},
		{"*/*;q=0", "a/a", ""},
		{"*/*;q=0, a/a;q=0.1", "b/b a/a", "a/a"},
		{"a/a ; q=0.2 , b/b\t;\tq=0.3", "a/a b/b", "b/b"},
		{"a/a;Q=0.2, b/b;q=0.3", "a/a b/b", "b/b"},
		{"a/a;q=1., b/b;q=0.9", "b/b a/a", "a/a"},
		{"a/a;q=1.000, b/b;q=0.999", "b/b a/a", "a/a"},
		{"a/a;q=999", "a/a b/b", "a/a"},
		{"a/a;q=999, b/b", "a/a b/b", "b/b"},
		{"a/a;q=NaN, b/b", "a/a b/b", "b/b"},
		{"a/a;q=-1, b/b", "a/a b/b", "b/b"},
		{"a/a;q=1.001, b/b;q=0.1", "a/a b/b", "b/b"},
		{"a/a;q=0.1234, b/b;q=0.1", "a/a b/b", "b/b"},
		{"a/a;q=, b/b;q=0.1", "a/a b/b", "b/b"},
		{"a/a;q=.5, b/b;q=0.1", "a/a b/b", "b/b"},
		{"a/a;q=1e0, b/b;q=0.1", "a/a b/b", "b/b"},
		{"a/a;qq=0.1, b/b;q=0.9", "a/a b/b", "a/a"},
		{"a/a;qq=1", "a/a", "a/a"},
		{";qq=", "a/a", "a/a"},
		{"garbage", "a/a b/b", "a/a"},
		{"a/, /b, */b, a/b/c", "a/a a/b", "a/a"},
		{",,,", "a/a", "a/a"},
		{"a/a,,b/b", "c/c b/b", "b/b"},
		{`a/a;x=",b/b", c/c;q=0.5`, "b/b c/c a/a", "a/a"},
		{`a/a;x="\",b/b", c/c;q=0.5`, "b/b c/c a/a", "a/a"},
		{"a/a;level=1;q=0.4, b/b;q=0.5", "a/a b/b", "b/b"},
		{"text/html;level=1, text/html;q=0.3, text/plain;q=0.5", "text/html text/plain", "text/plain"},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/problem+json text/plain", "application/problem+json"},
		{strings.Repeat("x/y,", 5000) + "b/b", "a/a b/b", "b/b"},
	}
	for _, tt := range tests {
		offers = strings.Fields(tt.offers)
		got := srv.Get("/", func(req *http.Request) {
			if tt.accept != "-" {
				req.Header.Set("Accept", tt.accept)
			}
		})
		assert.Equal(t, got.Text, tt.want, fmt.Sprintf("%.60q of %s", tt.accept, tt.offers))
	}
}

func TestAcceptsSeveralLines(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/", func(c *tako.Context) error { return c.Text(200, c.Accepts("a/a", "b/b")) })
	srv := takotest.New(t, r)
	tests := []struct {
		lines []string
		want  string
	}{
		{[]string{"c/c", "b/b"}, "b/b"},
		{[]string{"a/a;q=0.1", "b/b;q=0.2"}, "b/b"},
		{[]string{"", "b/b"}, "b/b"},
		{[]string{"*/*", "a/a;q=0"}, "b/b"},
		{[]string{"", ""}, "a/a"},
	}
	for _, tt := range tests {
		got := srv.Get("/", func(req *http.Request) { req.Header["Accept"] = tt.lines })
		assert.Equal(t, got.Text, tt.want, fmt.Sprintf("%q", tt.lines))
	}
}
