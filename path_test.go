package tako

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/assert"
)

func TestNormalPath(t *testing.T) {
	t.Parallel()
	tests := []struct{ path, want string }{
		{"/", "/"},
		{"/a", "/a"},
		{"/a/", "/a/"},
		{"//", "/"},
		{"///", "/"},
		{"//a", "/a"},
		{"//evil.example/", "/evil.example/"},
		{"/a//b", "/a/b"},
		{"/a//", "/a/"},
		{"/a///b//", "/a/b/"},
		{"/.", "/"},
		{"/./", "/"},
		{"/./a", "/a"},
		{"/a/.", "/a/"},
		{"/a/./", "/a/"},
		{"/a/./b", "/a/b"},
		{"/..", "/"},
		{"/../", "/"},
		{"/../../a", "/a"},
		{"/x/../a", "/a"},
		{"/x/..", "/"},
		{"/x/y/..", "/x/"},
		{"/x/y/../", "/x/"},
		{"/x//../a", "/a"},
		{"/x/./../a", "/a"},
		{"/a/b/c/../../d", "/a/d"},
		{"/%2e", "/"},
		{"/%2E/a", "/a"},
		{"/x/%2e%2E/a", "/a"},
		{"/x/.%2e/a", "/a"},
		{"/a/%2e%2E/", "/"},
		{"/%2e%2e%2e", "/..."},
		{"/...", "/..."},
		{"/.a/..b/c.", "/.a/..b/c."},
		{"/..;/a", "/..;/a"},
		{"/%61", "/a"},
		{"/%41%7e%2D%5f", "/A~-_"},
		{"/a%2fb", "/a%2Fb"},
		{"/a%2Fb", "/a%2Fb"},
		{"/%2f%2f", "/%2F%2F"},
		{"/%2e%2e%2fa", "/..%2Fa"},
		{"/a%252Fb", "/a%252Fb"},
		{"/%252e%252e/a", "/%252e%252e/a"},
		{"/a%5cb", "/a%5Cb"},
		{"/A", "/A"},
		{"/a;x", "/a;x"},
		{"/a%3bx", "/a%3Bx"},
		{"/a+b", "/a+b"},
		{"/a%20b", "/a%20b"},
		{"/a%2bb", "/a%2Bb"},
		{"/a:b@c!$&'()*,=", "/a:b@c!$&'()*,="},
		{"/a{b}|^`\"<>", "/a%7Bb%7D%7C%5E%60%22%3C%3E"},
		{"/a[b]", "/a%5Bb%5D"},
		{"/caf%c3%a9", "/caf%C3%A9"},
		{"/%e2%82%ac", "/%E2%82%AC"},
		{"/a%0Ab", "/a%0Ab"},
		{"/a%7f", "/a%7F"},
		{"/%3f%23", "/%3F%23"},
	}
	for _, tt := range tests {
		got, err := normalPath(tt.path)
		if err != nil || got != tt.want {
			t.Errorf("%q: got %q, %v, want %q", tt.path, got, err, tt.want)
		}
	}
}

func TestNormalPathErrors(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "a", "*", "http://a/", "./a", "/%", "/%4", "/%zz", "/%4z", "/%z4", "/a%", "/a%2",
		"/%00", "/a%00b", "/\x00", "/a\x01", "/a\nb", "/a\rb", "/a\tb", "/a b", "/\x7f", "/é", "/\xff",
		`/a\b`, `/\evil`, "/a#b", "/a?b", "/%ff", "/%c3", "/%c3%28", "/%c0%af", "/%c0%ae%c0%ae/a", "/%e0%80%af",
		"/%ed%a0%80", "/%f4%90%80%80", "/%c3/%a9", "/x/%zz/../a", "/%ff/../a"} {
		if got, err := normalPath(path); err == nil {
			t.Errorf("%q: got %q, want an error", path, got)
		}
	}
}

func TestUnescape(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text           string
		segment, query string
		ok             bool
	}{
		{"", "", "", true},
		{"abc", "abc", "abc", true},
		{"a+b", "a+b", "a b", true},
		{"a%2Bb", "a+b", "a+b", true},
		{"a%20b", "a b", "a b", true},
		{"%2f%2F", "//", "//", true},
		{"a%252Fb", "a%2Fb", "a%2Fb", true},
		{"%25", "%", "%", true},
		{"%", "%", "%", false},
		{"+%zz", "+%zz", "+%zz", false},
		{"%c3%a9", "é", "é", true},
	}
	for _, tt := range tests {
		segment, ok := unescapeSegment(tt.text)
		query, ok2 := unescapeQuery(tt.text)
		if segment != tt.segment || query != tt.query || ok != tt.ok || ok2 != tt.ok {
			t.Errorf("%q: got %q %v, %q %v, want %q, %q, %v", tt.text, segment, ok, query, ok2, tt.segment, tt.query, tt.ok)
		}
	}
}

// referencePath is the rule of the normal form in other words: the decoded
// segments of the path, and whether a slash ends it.
func referencePath(p string) (segments []string, slash, ok bool) {
	if p == "" || p[0] != '/' {
		return nil, false, false
	}
	for i := range len(p) {
		if p[i] <= ' ' || p[i] >= 0x7f || strings.IndexByte(`\#?`, p[i]) >= 0 {
			return nil, false, false
		}
	}
	for s := range strings.SplitSeq(p[1:], "/") {
		decoded, err := url.PathUnescape(s)
		if err != nil || !utf8.ValidString(decoded) || strings.Contains(decoded, "\x00") {
			return nil, false, false
		}
		slash = true
		switch decoded {
		case "", ".":
		case "..":
			segments = segments[:max(len(segments)-1, 0)]
		default:
			segments = append(segments, decoded)
			slash = false
		}
	}
	return segments, slash || len(segments) == 0, true
}

func FuzzNormalPath(f *testing.F) {
	for _, seed := range []string{"/", "//a", "/./a", "/x/../a", "/%61", "/a%2fb", "/A", "/a/", "/a;x", "/a%00", `/a\`,
		"/a%20b", "/a+b", "/%252F", "/%c3%a9", "/%", "/%zz", "/%ff", "/..", "/a/..", "/a/.", "/%2e%2E/", "/a{", "/é",
		"/x/%2e%2e/%2e%2e/..", "/a//b/./c", "/%2e%2e%2f", "/.%2e/", "/...//....", "/%ff/.."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		got, err := normalPath(path)
		want, slash, ok := referencePath(path)
		if ok != (err == nil) {
			t.Fatalf("%q: got %q, error %v, want valid to be %v", path, got, err, ok)
		}
		if err != nil {
			return
		}
		if again, err := normalPath(got); err != nil || again != got {
			t.Fatalf("%q: normal form %q becomes %q, %v", path, got, again, err)
		}
		if got[0] != '/' || strings.Contains(got, "//") {
			t.Fatalf("%q: got %q", path, got)
		}
		if len(got) > 3*len(path) {
			t.Fatalf("%q: grew to %d bytes", path, len(got))
		}
		for i := 0; i < len(got); i++ {
			if got[i] == '/' || ascii.IsPathByte(got[i]) {
				continue
			}
			b, ok := unescapeByte(got[i:])
			if !ok || b == 0 || ascii.IsUnreserved(b) || strings.ToUpper(got[i:i+3]) != got[i:i+3] {
				t.Fatalf("%q: got %q, which is not normal at %d", path, got, i)
			}
			i += 2
		}
		var segments []string
		trimmed := strings.Trim(got, "/")
		for s := range strings.SplitSeq(trimmed, "/") {
			decoded, ok := unescapeSegment(s)
			if !ok || decoded == "." || decoded == ".." {
				t.Fatalf("%q: got %q, which has segment %q", path, got, s)
			}
			if trimmed != "" {
				segments = append(segments, decoded)
			}
		}
		if !slices.Equal(segments, want) || strings.HasSuffix(got, "/") != slash {
			t.Fatalf("%q: got %q with segments %q, want %q, slash at the end %v", path, got, segments, want, slash)
		}
		u, err := url.ParseRequestURI(got)
		if err != nil {
			t.Fatalf("%q: net/url refuses %q: %v", path, got, err)
		}
		if u.EscapedPath() != got && u.RawPath != got {
			t.Fatalf("%q: net/url has %q for %q", path, u.EscapedPath(), got)
		}
	})
}

func FuzzEscapeSegment(f *testing.F) {
	for _, seed := range []string{"", "a", "a/b", "é", "\xff", "%2F", "a b+c", "..", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		escaped := escapeSegment(value)
		if strings.ContainsAny(escaped, "/?# ") {
			t.Fatalf("%q: escaped to %q", value, escaped)
		}
		if got, ok := unescapeSegment(escaped); !ok || got != value {
			t.Fatalf("%q: escaped to %q, which is %q", value, escaped, got)
		}
	})
}

func TestNormalPathDoesNotCopy(t *testing.T) {
	t.Parallel()
	long := "/" + strings.Repeat("abc/", 15<<10) + "x"
	got, err := normalPath(long)
	assert.NoError(t, err)
	assert.Equal(t, len(got), len(long))
	dots := strings.Repeat("/..", 20<<10)
	got, err = normalPath(dots)
	assert.NoError(t, err)
	assert.Equal(t, got, "/")
}
