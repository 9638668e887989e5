package schema

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// A patternReader reads a pattern in the syntax of ECMAScript with the flag u, which
// documents have, and writes what means the same to package regexp. What that package
// does not know is left to it to refuse.
type patternReader struct {
	text  string
	pos   int
	out   strings.Builder
	names map[string]bool // of groups
	// assertion says that the last term was one, such as ^, which cannot be repeated.
	assertion bool
	alien     *alien
}

// alien is what package regexp takes and ECMAScript does not, or takes for something else.
type alien struct{ what, instead string }

var (
	counted   = regexp.MustCompile(`^\{(0|[1-9][0-9]*)(,(0|[1-9][0-9]*)?)?\}`)
	flagged   = regexp.MustCompile(`^\(\?([imsU-]*\)|[imsU-]+:)`)
	groupName = regexp.MustCompile(`^\(\?<([A-Za-z_][A-Za-z0-9_]*)>`)
	byDigit   = regexp.MustCompile(`^\(\?<[0-9][A-Za-z0-9_]*>`)
	posix     = regexp.MustCompile(`^\[:\^?[a-z]+:\]`)
)

const (
	// dot is what . is in ECMAScript.
	dot = `[^\n\r\x{2028}\x{2029}]`
	// spaces and others are what \s and \S are in ECMAScript.
	spaces = `\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`
	others = `\x00-\x08\x0e-\x1f!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}` +
		`\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`
)

// readPattern returns a pattern in the syntax of package regexp, or what it has that is
// not of ECMAScript.
func readPattern(text string) (string, *alien) {
	r := patternReader{text: text}
	for r.pos < len(text) && r.alien == nil {
		r.term()
	}
	return r.out.String(), r.alien
}

// rest is what was not read yet.
func (r *patternReader) rest() string { return r.text[r.pos:] }

// copy writes the next n bytes as they are.
func (r *patternReader) copy(n int) {
	r.out.WriteString(r.text[r.pos : r.pos+n])
	r.pos += n
}

// write writes text in the place of the next n bytes.
func (r *patternReader) write(n int, text string) {
	r.out.WriteString(text)
	r.pos += n
}

func (r *patternReader) refuse(what, instead string) {
	r.alien = &alien{what, instead}
}

// term reads a part of the pattern.
func (r *patternReader) term() {
	c := r.text[r.pos]
	switch c {
	case '*', '+', '?', '{':
		r.repeat(c)
		return
	}
	r.assertion = c == '^' || c == '$'
	switch c {
	case '.':
		r.write(1, dot)
	case '[':
		r.class()
	case ']', '}':
		r.refuse("a single "+string(c), `\`+string(c))
	case '(':
		r.group()
	case '\\':
		r.escape()
	default:
		_, n := utf8.DecodeRuneInString(r.rest())
		r.copy(n)
	}
}

// repeat reads how often what is before it may be there.
func (r *patternReader) repeat(c byte) {
	count := string(c)
	if c == '{' {
		if count = counted.FindString(r.rest()); count == "" {
			r.refuse("a { that begins no count", `\{, or a count without leading zeros such as {0,2}`)
			return
		}
	}
	if r.assertion {
		r.refuse(count+" behind an assertion such as ^", "it without "+count)
		return
	}
	r.copy(len(count))
	if strings.HasPrefix(r.rest(), "?") {
		r.copy(1)
	}
}

// group reads how a group begins.
func (r *patternReader) group() {
	rest := r.rest()
	switch begin := flagged.FindString(rest); {
	case begin != "":
		r.refuse(begin, "it without flags, such as [Aa] for (?i)a")
		return
	case strings.HasPrefix(rest, "(?P<"):
		r.refuse("(?P<", "(?<")
		return
	}
	if begin := byDigit.FindString(rest); begin != "" {
		r.refuse(begin, "a name that begins with a letter")
		return
	}
	if match := groupName.FindStringSubmatch(rest); match != nil {
		if r.names[match[1]] {
			r.refuse("two groups "+match[0], "different names")
			return
		}
		if r.names == nil {
			r.names = map[string]bool{}
		}
		r.names[match[1]] = true
		r.copy(len(match[0]))
		return
	}
	begin := "("
	for _, more := range []string{"(?:", "(?=", "(?!", "(?<"} {
		if strings.HasPrefix(rest, more) {
			begin = more
		}
	}
	r.copy(len(begin))
}

// escape reads what begins with a backslash, outside of a class.
func (r *patternReader) escape() {
	switch next := r.after(1); next {
	case 'b', 'B':
		r.assertion = true
		r.copy(2)
	case 's':
		r.write(2, "["+spaces+"]")
	case 'S':
		r.write(2, "[^"+spaces+"]")
	default:
		if r.set() {
			return
		}
		if c, ok := r.char(false); ok {
			r.out.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
}

// after returns the byte that is n further on, 0 behind the end.
func (r *patternReader) after(n int) byte {
	if r.pos+n < len(r.text) {
		return r.text[r.pos+n]
	}
	return 0
}

// class reads characters in brackets.
func (r *patternReader) class() {
	begin := "["
	if r.after(1) == '^' {
		begin = "[^"
	}
	r.copy(len(begin))
	if r.after(0) == ']' {
		r.refuse(begin+"]", begin+`\] for a class with a bracket`)
		return
	}
	for r.pos < len(r.text) && r.alien == nil {
		if r.text[r.pos] == ']' {
			r.copy(1)
			return
		}
		r.member()
	}
}

// member reads a character, a range or a set of a class.
func (r *patternReader) member() {
	start := r.pos
	set := r.atom()
	if r.alien != nil || r.after(0) != '-' || r.after(1) == ']' || r.after(1) == 0 {
		return
	}
	if set {
		r.refuse("a range from "+r.text[start:r.pos], `\- for the character`)
		return
	}
	r.copy(1)
	if r.after(0) == '\\' && strings.IndexByte("dDsSwWpP", r.after(1)) >= 0 {
		r.copy(len(r.rest())) // for package regexp to refuse
		return
	}
	r.atom()
}

// atom reads one part of a class, and reports whether it is a set of characters.
func (r *patternReader) atom() bool {
	rest := r.rest()
	if found := posix.FindString(rest); found != "" {
		r.refuse(found, "the characters, such as A-Za-z")
		return false
	}
	if rest[0] != '\\' {
		c, n := utf8.DecodeRuneInString(rest)
		if c == utf8.RuneError && n == 1 {
			r.copy(1) // not UTF-8
			return false
		}
		r.write(n, inClass(c))
		return false
	}
	switch r.after(1) {
	case 's':
		r.write(2, spaces)
		return true
	case 'S':
		r.write(2, others)
		return true
	}
	if r.set() {
		return true
	}
	if c, ok := r.char(true); ok {
		r.out.WriteString(inClass(c))
	}
	return false
}

// inClass writes a character so that it is nothing else in brackets.
func inClass(c rune) string {
	switch {
	case c < ' ' || c == 0x7f:
		return fmt.Sprintf(`\x%02x`, c)
	case c >= utf8.RuneSelf, '0' <= c && c <= '9', 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z':
		return string(c)
	}
	return `\` + string(c)
}
