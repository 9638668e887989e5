package ascii

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// charsOf lists the bytes for which f holds.
func charsOf(f func(c byte) bool) string {
	var b strings.Builder
	for c := range 256 {
		if f(byte(c)) {
			b.WriteByte(byte(c))
		}
	}
	return b.String()
}

func TestClasses(t *testing.T) {
	t.Parallel()
	const (
		digits = "0123456789"
		upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		lower  = "abcdefghijklmnopqrstuvwxyz"
	)
	one := func(f func(string) bool) func(byte) bool {
		return func(c byte) bool { return f(string([]byte{c})) }
	}
	visible, high := "", ""
	for c := 0x21; c < 0x7f; c++ {
		visible += string(rune(c))
	}
	for c := 0x80; c < 0x100; c++ {
		high += string([]byte{byte(c)})
	}
	tests := []struct{ name, got, want string }{
		{"token", charsOf(one(IsToken)), "!#$%&'*+-." + digits + upper + "^_`" + lower + "|~"},
		{"field value", charsOf(one(IsFieldValue)), "\t " + visible + high},
		{"query", charsOf(one(IsQuery)), strings.Replace(visible, "#", "", 1)},
		{"path", charsOf(IsPathByte), "!$&'()*+,-." + digits + ":;=@" + upper + "_" + lower + "~"},
		{"unreserved", charsOf(IsUnreserved), "-." + digits + upper + "_" + lower + "~"},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.got, tt.want, tt.name)
	}
	assert.Equal(t, fmt.Sprint(IsToken(""), IsFieldValue(""), IsQuery("")), "false true true")
	assert.Equal(t, fmt.Sprint(IsToken("a b"), IsFieldValue("a\nb"), IsQuery("a b"), IsToken("ab\x00")), "false false false false")
}

func TestLowerAndEqualFold(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		want := byte(c)
		if c >= 'A' && c <= 'Z' {
			want += 32
		}
		assert.Equal(t, Lower(byte(c)), want, c)
	}
	tests := []struct {
		a, b string
		want bool
	}{
		{"", "", true}, {"a", "", false}, {"abC", "ABc", true}, {"ab", "abc", false}, {"é", "É", false}, {"é", "é", true},
		{"[", "{", false}, {"@", "`", false}, {"k", "\u212a", false}, {"s", "\u017f", false}, {"\x00", " ", false},
	}
	for _, tt := range tests {
		assert.Equal(t, EqualFold(tt.a, tt.b), tt.want, tt.a, " ", tt.b)
		assert.Equal(t, EqualFold(tt.b, tt.a), tt.want, tt.b, " ", tt.a)
	}
}

func TestTrim(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{"": "", " ": "", " \t ": "", "a": "a", " a b\t": "a b", "\na\n": "\na\n", "\u00a0a": "\u00a0a", "\r a": "\r a"} {
		assert.Equal(t, Trim(s), want, s)
	}
}

func TestUnhex(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		n := strings.IndexByte("0123456789abcdef", Lower(byte(c)))
		got, ok := Unhex(byte(c))
		assert.Equal(t, ok, n >= 0, c)
		if ok {
			assert.Equal(t, int(got), n, c)
		}
	}
}
