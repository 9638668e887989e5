package tako

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// showParts writes parts so that literals and parameters can be told apart.
func showParts(parts []part) string {
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteByte(' ')
		}
		switch {
		case p.rest:
			b.WriteString("{" + p.param + "...}")
		case p.param != "":
			b.WriteString("{" + p.param + "}")
		default:
			b.WriteString(p.literal)
		}
	}
	return b.String()
}

func TestParsePattern(t *testing.T) {
	t.Parallel()
	tests := []struct{ pattern, want string }{
		{"/", "/"},
		{"/{$}", "/"},
		{"/a", "/a"},
		{"/a/", "/a/"},
		{"/a/{$}", "/a/"},
		{"/{id}", "/ {id}"},
		{"/{id}/", "/ {id} /"},
		{"/{id}/{$}", "/ {id} /"},
		{"/users/{id}/posts", "/users/ {id} /posts"},
		{"/{a}/{b}", "/ {a} / {b}"},
		{"/{rest...}", "/ {rest...}"},
		{"/a/{id}/{rest...}", "/a/ {id} / {rest...}"},
		{"/{_}", "/ {_}"},
		{"/{a1_B}", "/ {a1_B}"},
		{"/A/b", "/A/b"},
		{"/a;v=1,2:3@4!$&'()*+=~", "/a;v=1,2:3@4!$&'()*+=~"},
		{"/%61%2d", "/a-"},
		{"/a%2fb", "/a%2Fb"},
		{"/caf%c3%a9", "/caf%C3%A9"},
		{"/%7Bid%7D", "/%7Bid%7D"},
		{`/a"b<c>|^` + "`", "/a%22b%3Cc%3E%7C%5E%60"},
		{"/.well-known/x", "/.well-known/x"},
		{"/...", "/..."},
		{"/a..b/..c", "/a..b/..c"},
	}
	for _, tt := range tests {
		parts, err := parsePattern(tt.pattern)
		if err != nil {
			t.Errorf("%s: got error %v, want %s", tt.pattern, err, tt.want)
			continue
		}
		assert.Equal(t, showParts(parts), tt.want, tt.pattern)
	}
}

func TestParsePatternErrors(t *testing.T) {
	t.Parallel()
	many := ""
	for i := range maxParams + 1 {
		many += fmt.Sprintf("/{p%d}", i)
	}
	tests := []struct{ pattern, want string }{
		{"", `must begin with "/"`},
		{"a", `must begin with "/"`},
		{"{id}", `must begin with "/"`},
		{" /a", `must begin with "/"`},
		{"*", `must begin with "/"`},
		{"//", "empty segment"},
		{"/a//b", "empty segment"},
		{"//a", "empty segment"},
		{"/a//", "empty segment"},
		{"/.", "can never match"},
		{"/a/..", "can never match"},
		{"/a/../b", "can never match"},
		{"/%2e%2E/b", "can never match"},
		{"/{}", "no parameter name"},
		{"/{...}", "no parameter name"},
		{"/{1a}", "no parameter name"},
		{"/{a-b}", "no parameter name"},
		{"/{a b}", "no parameter name"},
		{"/{é}", "no parameter name"},
		{"/{a..}", "no parameter name"},
		{"/{a....}", "no parameter name"},
		{"/{id", "whole segment"},
		{"/id}", "whole segment"},
		{"/}id{", "whole segment"},
		{"/{{id}}", "whole segment"},
		{"/x{id}", "whole segment"},
		{"/{id}.json", "whole segment"},
		{"/{a}{b}", "whole segment"},
		{"/{a/b}", "whole segment"},
		{"/{$}/a", "must end"},
		{"/{$}/", "must end"},
		{"/{$}x", "whole segment"},
		{"/{rest...}/a", "must end"},
		{"/{rest...}/", "must end"},
		{"/{id}/{id}", "twice"},
		{"/{id}/a/{id...}", "twice"},
		{"/é", "not ASCII"},
		{"/a b", "cannot be in a path"},
		{"/a\tb", "cannot be in a path"},
		{"/a\x00b", "cannot be in a path"},
		{"/a\x7f", "cannot be in a path"},
		{"/a?b", "cannot be in a path"},
		{"/a#b", "cannot be in a path"},
		{`/a\b`, "cannot be in a path"},
		{"/%", "broken escape"},
		{"/%4", "broken escape"},
		{"/%zz", "broken escape"},
		{"/%00", "broken escape"},
		{"/%ff", "broken escape"},
		{many, "at most 16"},
	}
	for _, tt := range tests {
		parts, err := parsePattern(tt.pattern)
		if err == nil {
			t.Errorf("%q: got parts %s, want an error with %q", tt.pattern, showParts(parts), tt.want)
			continue
		}
		assert.Contains(t, err.Error(), tt.want, tt.pattern)
	}
	parts, err := parsePattern(strings.TrimSuffix(many, fmt.Sprintf("/{p%d}", maxParams)))
	assert.NoError(t, err, "as many parameters as can be had")
	assert.Equal(t, len(parts), 2*maxParams)
}

func TestParsePatternNonASCIISuggestion(t *testing.T) {
	t.Parallel()
	_, err := parsePattern("/café")
	if err == nil {
		t.Fatal("got no error for a pattern outside ASCII")
	}
	assert.Contains(t, err.Error(), "caf%C3%A9")
}

func TestSplitPattern(t *testing.T) {
	t.Parallel()
	tests := []struct{ pattern, method, host, path string }{
		{"/", "", "", "/"},
		{"/a", "", "", "/a"},
		{"GET /a", "GET", "", "/a"},
		{"GET \t/a", "GET", "", "/a"},
		{"GET example.com/a", "GET", "example.com", "/a"},
		{"example.com/", "", "example.com", "/"},
		{"{tenant}.example.com/a/{id}", "", "{tenant}.example.com", "/a/{id}"},
		{"[::1]/a", "", "[::1]", "/a"},
		{"example.com", "", "", "example.com"},
		{"/a b", "", "", "/a b"},
		{"", "", "", ""},
	}
	for _, tt := range tests {
		method, host, path := splitPattern(tt.pattern)
		assert.Equal(t, [3]string{method, host, path}, [3]string{tt.method, tt.host, tt.path}, tt.pattern)
	}
}

// FuzzPattern checks that a pattern which is accepted is in normal form and
// matches the path that it is filled to, with the values it was filled with.
func FuzzPattern(f *testing.F) {
	for _, seed := range []string{"/", "/{$}", "/a/{id}/b", "/{rest...}", "/a/{x}/{y...}", "/%61%2f", "/{a}{b}",
		"//", "/./a", "/é", "/{", "/}", "/{$}/a", "/\x00", "/a?b", "/{a....}", "/%2e%2e"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		parts, err := parsePattern(pattern)
		if err != nil {
			return
		}
		params := map[string]string{}
		for i, p := range parts {
			switch {
			case p.param == "" && p.literal == "":
				t.Fatalf("%q: part %d is empty: %+v", pattern, i, parts)
			case p.rest && i != len(parts)-1:
				t.Fatalf("%q: the rest does not end it", pattern)
			case i > 0 && p.param == "" && parts[i-1].param == "":
				t.Fatalf("%q: two literals in a row: %+v", pattern, parts)
			case p.param != "" && (i == 0 || !strings.HasSuffix(parts[i-1].literal, "/")):
				t.Fatalf("%q: parameter %q does not stand behind a slash", pattern, p.param)
			case p.param != "":
				params[p.param] = fmt.Sprintf("v %%2F é{%d}", i)
			}
		}
		if len(params) > maxParams {
			t.Fatalf("%q: %d parameters", pattern, len(params))
		}
		path, err := fillPattern(pattern, params)
		if err != nil {
			t.Fatalf("%q: cannot be filled: %v", pattern, err)
		}
		if normal, err := normalPath(path); err != nil || normal != path {
			t.Fatalf("%q: filled to %q, whose normal form is %q, %v", pattern, path, normal, err)
		}
		r := &route{method: "GET", parts: parts}
		routes := treeOf(t, []*route{r})
		var got [maxParams]string
		if routes.find(path, "GET", &got) != r {
			t.Fatalf("%q does not match %q", pattern, path)
		}
		k := 0
		for _, p := range parts {
			if p.param == "" {
				continue
			}
			if value, ok := unescapeSegment(got[k]); !ok || value != params[p.param] {
				t.Fatalf("%q: parameter %s: got %q, want %q", pattern, p.param, value, params[p.param])
			}
			k++
		}
	})
}
