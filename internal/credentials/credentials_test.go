package credentials

import (
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

func header(lines ...string) func(func(string, string) bool) {
	return func(yield func(string, string) bool) {
		for _, line := range lines {
			if !yield("X-Other", "Basic x") || !yield("authorization", line) {
				return
			}
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		lines []string
		want  string
		err   error
	}{
		{"none", nil, "", ErrAbsent},
		{"empty", []string{""}, "", ErrAbsent},
		{"other scheme", []string{"Digest x"}, "", ErrAbsent},
		{"longer scheme", []string{"Basics x"}, "", ErrAbsent},
		{"plain", []string{"Basic x"}, "x", nil},
		{"case", []string{"bAsIc x"}, "x", nil},
		{"spaces", []string{" Basic   x "}, "x", nil},
		{"scheme only", []string{"Basic"}, "", nil},
		{"twice", []string{"Basic x", "Basic x"}, "", ErrTwice},
		{"two schemes", []string{"Digest x", "Basic x"}, "", ErrTwice},
	}
	for _, tt := range tests {
		got, err := Find(header(tt.lines...), "Basic")
		assert.Equal(t, got, tt.want, tt.name)
		assert.Equal(t, err, tt.err, tt.name)
	}
}

func TestIsToken68(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"a", "a.b.c", "A-Z_~+/09", "YQ==", "YWE="} {
		assert.Equal(t, IsToken68(s), true, s)
	}
	for _, s := range []string{"", "=", "a b", "a=b", "a,b", "a\r", "é", `"a"`, "a:b"} {
		assert.Equal(t, IsToken68(s), false, s)
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"", `""`}, {"api", `"api"`}, {`a "b" \c`, `"a \"b\" \\c"`}, {"a\r\nb", `"a  b"`}, {"é", `"  "`},
	}
	for _, tt := range tests {
		assert.Equal(t, Quote(tt.in), tt.want)
		assert.Equal(t, CanQuote(tt.in), tt.in != "a\r\nb" && tt.in != "é", tt.in)
	}
}
