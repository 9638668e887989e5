package schema

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

var (
	octal    = regexp.MustCompile(`^\\(0[0-9]|[1-7][0-7])[0-7]?`)
	twoHex   = regexp.MustCompile(`^\\x([0-9A-Fa-f]{2})`)
	braced   = regexp.MustCompile(`^\\x\{([0-9A-Fa-f]+)\}`)
	fourHex  = regexp.MustCompile(`^\\u([0-9A-Fa-f]{4})`)
	someHex  = regexp.MustCompile(`^\\u\{([0-9A-Fa-f]+)\}`)
	control  = regexp.MustCompile(`^\\c[A-Za-z]`)
	property = regexp.MustCompile(`^\\[pP]\{([^}]*)\}`)
)

// charEscapes are the escapes of one letter that stand for a character.
var charEscapes = map[byte]rune{'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

// ownEscapes are those that ECMAScript does not have, with what it has.
var ownEscapes = map[byte]string{'a': `\x07`, 'A': "^", 'z': "$",
	'Q': `the text with \ before each of ^$\.*+?()[]{}|`, 'E': `the text with \ before each of ^$\.*+?()[]{}|`}

// set reads an escape that stands for a set of characters.
func (r *patternReader) set() bool {
	switch r.after(1) {
	case 'd', 'D', 'w', 'W':
		r.copy(2)
		return true
	case 'p', 'P':
		r.property()
		return true
	}
	return false
}

// property reads a set of characters of Unicode.
func (r *patternReader) property() {
	match := property.FindStringSubmatch(r.rest())
	if match == nil {
		if c := r.after(2); c != '{' && c != 0 {
			r.refuse(r.text[r.pos:r.pos+3], r.text[r.pos:r.pos+2]+"{"+string(c)+"}")
			return
		}
		r.copy(2)
		return
	}
	whole, name := match[0], match[1]
	p := whole[:2]
	key, value, pair := strings.Cut(name, "=")
	_, script := unicode.Scripts[value]
	_, alone := unicode.Scripts[name]
	switch {
	case isCategory(name):
		r.copy(len(whole))
	case pair && (key == "gc" || key == "General_Category") && isCategory(value),
		pair && (key == "sc" || key == "Script") && script:
		r.write(len(whole), p+"{"+value+"}")
	case strings.HasPrefix(name, "^"):
		other := map[string]string{`\p`: `\P`, `\P`: `\p`}[p]
		r.refuse(whole, other+"{"+name[1:]+"}")
	case alone && isKnown(whole):
		r.refuse(whole, p+"{Script="+name+"}")
	case isKnown(whole):
		r.refuse(whole, `a category or a script with its name in full and in its case, such as \p{Lu} or \p{Script=Greek}`)
	default:
		r.copy(len(whole))
	}
}

// isCategory reports a category of ECMAScript.
func isCategory(name string) bool {
	_, short := unicode.Categories[name]
	_, long := unicode.CategoryAliases[name]
	return short || long || name == "Any" || name == "ASCII" || name == "Assigned"
}

// isKnown reports whether package regexp takes a property.
func isKnown(property string) bool {
	_, err := syntax.Parse(property, syntax.Perl)
	return err == nil
}

// char reads an escape that stands for one character. It writes what it does not know.
func (r *patternReader) char(class bool) (rune, bool) {
	next := r.after(1)
	c, letter := charEscapes[next]
	instead, own := ownEscapes[next]
	switch {
	case letter:
		r.pos += 2
		return c, true
	case own:
		r.refuse(`\`+string(next), instead)
		return 0, false
	case next == 'b' && class:
		r.pos += 2
		return '\b', true
	case strings.IndexByte(`^$\.*+?()[]{}|/`, next) >= 0, next == '-' && class:
		r.pos += 2
		return rune(next), true
	case r.pos+1 < len(r.text) && next < 0x80 && !isAlphanumeric(next):
		r.refuse(`\`+string(next), string(next))
		return 0, false
	}
	return r.coded()
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// coded reads an escape with the number of a character.
func (r *patternReader) coded() (rune, bool) {
	rest := r.rest()
	if digits := octal.FindString(rest); digits != "" {
		c, _ := strconv.ParseUint(strings.TrimRight(digits[1:], "89"), 8, 32)
		r.refuse(digits, fmt.Sprintf(`\x%02x`, c))
		return 0, false
	}
	if match := braced.FindStringSubmatch(rest); match != nil {
		r.refuse(match[0], `\u{`+match[1]+"}")
		return 0, false
	}
	if r.after(1) == '0' {
		r.pos += 2
		return 0, true
	}
	if control.MatchString(rest) {
		r.pos += 3
		return rune(rest[2] & 0x1f), true
	}
	if c, n := codePoint(rest, twoHex); n > 0 {
		r.pos += n
		return c, true
	}
	c, n := unit(rest)
	if n == 0 {
		r.copy(len(rest)) // for package regexp to refuse
		return 0, false
	}
	r.pos += n
	return c, true
}

// unit reads \u{1F600}, \u0041 or two of these that are one character. A half of two is
// in no text that is UTF-8.
func unit(rest string) (rune, int) {
	if c, n := codePoint(rest, someHex); n > 0 && !utf16.IsSurrogate(c) {
		return c, n
	}
	c, n := codePoint(rest, fourHex)
	if n == 0 || !utf16.IsSurrogate(c) {
		return c, n
	}
	low, more := codePoint(rest[n:], fourHex)
	if c = utf16.DecodeRune(c, low); more == 0 || c == unicode.ReplacementChar {
		return 0, 0
	}
	return c, n + more
}

// codePoint reads the number of a character, and how long it is, 0 if it is none.
func codePoint(rest string, form *regexp.Regexp) (rune, int) {
	match := form.FindStringSubmatch(rest)
	if match == nil {
		return 0, 0
	}
	c, err := strconv.ParseUint(match[1], 16, 32)
	if err != nil || c > unicode.MaxRune {
		return 0, 0
	}
	return rune(c), len(match[0])
}
