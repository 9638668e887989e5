package schema_test

import (
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/schema"
)

// Patterns mean what ECMAScript makes of them with the flag u. The verdicts are those of
// new RegExp(pattern, "u").
func TestPatternsOfECMAScript(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ pattern, pass, fail string }{
		{`^\s$`, "\t\n\v\f\r \u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000\ufeff", "a\x00\x1c\u0085\u180e\u200b"},
		{`^[\s]$`, "\v\u00a0\ufeff", "\u0085-"},
		{`^[^\s]$`, "a\u0085", "\v\u3000"},
		{`^\S$`, "a\u0085\u200b😀", "\v\u00a0\ufeff\u2029\u1680"},
		{`^[\Sx]$`, "a!~\u0085\u00a1\u200b\u2027\ufefe😀\U0010ffff", " \v\u00a0\ufeff\u2028\u205f\u3000\u202f"},
		{`^.$`, "a\t\v\f\u0085é😀", "\n\r\u2028\u2029"},
		{`^[.]$`, ".", "a"},
		{`^\u0041$`, "A", "a"}, {`^\u{1F600}$`, "😀", "a"}, {`^\uD83D\uDE00$`, "😀", "a"}, {`^[\u{1F600}-\u{1F602}]$`, "😀😁", "a"},
		{`^\cA$`, "\x01", "A"}, {`^[\cJ]$`, "\n", "J"}, {`^[\b]$`, "\b", "b"}, {`^\0$`, "\x00", "0"}, {`^\x41$`, "A", "B"},
		{`^\p{Script=Greek}$`, "Ω", "O"}, {`^\P{sc=Greek}$`, "O", "Ω"}, {`^[\p{gc=Lu}1]$`, "A1", "a"}, {`^\p{General_Category=Uppercase_Letter}$`, "A", "a"},
		{`^\p{Letter}$`, "aé", "1"}, {`^\p{LC}$`, "aA", "ª"},
		{`^[\-a]$`, "-a", "\\b"}, {`^[a\-c]$`, "a-c", "b"}, {`^[\w-]$`, "a-", "."}, {`^[a-b-c]$`, "ab-c", "d"}, {`^[+--]$`, "+,-", "."},
		{`^[[a]$`, "[a", "]"}, {`^[a&&b]$`, "a&b", "c"}, {`^[\]\[^$]$`, "][^$", `\`}, {`^[{}|]$`, "{}|", ","},
		{`^\^|\$|\\|\.|\*|\+|\?|\(|\)|\[|\]|\{|\}|\||\/$`, `^$\.*+?()[]{}|/`, "a"},
		{`^(?:é|[à-æ])$`, "éâ", "e"}, {`^(?<n>a)|(?<m>b)$`, "ab", "c"}, {`^a{1}?$`, "a", "b"}, {`^(?:^)*a(?:$)+$`, "a", "b"},
		{`^[^\n\r]$`, "a\u2028", "\n\r"},
	} {
		typ := structOf(member("x", reflect.TypeFor[string](), `pattern:`+strconv.Quote(tt.pattern)))
		for _, c := range tt.pass {
			assert.Equal(t, brief(check(t, typ, `{"x":`+quoteJSON(c)+`}`)), "", tt.pattern, strconv.QuoteRune(c))
		}
		for _, c := range tt.fail {
			assert.Equal(t, brief(check(t, typ, `{"x":`+quoteJSON(c)+`}`)), "/x pattern", tt.pattern, strconv.QuoteRune(c))
		}
		s, _ := new(schema.Compiler).For(typ, "")
		got := s.Document(nil).Get("properties").(*schema.Object).Get("x").(*schema.Object).Get("pattern")
		assert.Equal(t, got, any(tt.pattern))
	}
}

func quoteJSON(c rune) string {
	if c < 0x10000 {
		return `"\u` + strings.Repeat("0", 4-len(strconv.FormatInt(int64(c), 16))) + strconv.FormatInt(int64(c), 16) + `"`
	}
	return `"` + string(c) + `"`
}

// What only package regexp takes is a mistake, with what to write.
func TestPatternsOfGo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ pattern, what, instead string }{
		{`\@`, `\@`, "@"}, {`\_`, `\_`, "_"}, {`\-`, `\-`, "-"}, {`\"`, `\"`, `"`}, {`[\:]`, `\:`, ":"}, {`\ `, `\ `, " "},
		{`\x{41}`, `\x{41}`, `\u{41}`}, {`[\x{1F600}]`, `\x{1F600}`, `\u{1F600}`}, {`\101`, `\101`, `\x41`}, {`\01`, `\01`, `\x01`}, {`\08`, `\08`, `\x00`}, {`\12`, `\12`, `\x0a`},
		{`\a`, `\a`, `\x07`}, {`\Aa`, `\A`, "^"}, {`a\z`, `\z`, "$"}, {`\Qa.b\E`, `\Q`, `the text with \ before`},
		{`\pL`, `\pL`, `\p{L}`}, {`\PN`, `\PN`, `\P{N}`}, {`\p{^Lu}`, `\p{^Lu}`, `\P{Lu}`}, {`\P{^Lu}`, `\P{^Lu}`, `\p{Lu}`},
		{`\p{Greek}`, `\p{Greek}`, `\p{Script=Greek}`}, {`[\P{Han}]`, `\P{Han}`, `\P{Script=Han}`}, {`\p{lu}`, `\p{lu}`, `such as \p{Lu}`},
		{`[]a]`, `[]`, `[\]`}, {`[^]a]`, `[^]`, `[^\]`}, {`a]`, `a single ]`, `\]`}, {`a}`, `a single }`, `\}`}, {`{a}`, `a { that begins no count`, `\{`}, {`a{,2}`, `a { that`, `{0,2}`}, {`a{01}`, `a { that`, `without leading zeros`},
		{`[\w-.]`, `a range from \w`, `\-`}, {`[\d-z]`, `a range from \d`, `\-`}, {`[\s-z]`, `a range from \s`, `\-`},
		{`^*a`, `* behind an assertion`, `it without *`}, {`a$?`, `? behind`, `without ?`}, {`\b{2}a`, `{2} behind`, `without {2}`},
		{`(?<x>a)(?<x>b)`, `two groups (?<x>`, `different names`}, {`(?<1>a)`, `(?<1>`, `begins with a letter`}, {`(?P<x>a)`, `(?P<`, `(?<`},
		{`(?i)a`, `(?i)`, `[Aa]`}, {`(?s:a)`, `(?s:`, `without flags`}, {`(?)a`, `(?)`, `without flags`}, {`[[:alpha:]]`, `[:alpha:]`, `A-Za-z`},
	} {
		_, mistakes := new(schema.Compiler).For(reflect.TypeFor[string](), reflect.StructTag(`pattern:`+strconv.Quote(tt.pattern)))
		said := strings.Join(mistakes, "\n")
		assert.Contains(t, said, "has "+tt.what, tt.pattern)
		_, advice, _ := strings.Cut(said, ", which is Go's own, while documents are read by others: write ")
		assert.Contains(t, advice, tt.instead, tt.pattern)
	}
	for _, neither := range []string{`[a-\d]`, `[\0-\s]`, `\x4`, `\x4\x41`, `[\x4\u0041]`, `\uD83D`, `\u{110000}`, `\8`, `\1`, `(?=a)`, `(?<!a)`, `a**`, `[z-a]`, `\p{Lowercase}`, `\`, `[\`, `[`, `(`, `\é`, `\k<n>`, `*a`, `\p`, "\xff"} {
		_, mistakes := new(schema.Compiler).For(reflect.TypeFor[string](), reflect.StructTag(`pattern:`+strconv.Quote(neither)))
		assert.Contains(t, strings.Join(mistakes, "\n"), "is not a regular expression of Go's syntax (RE2)", neither)
	}
}
