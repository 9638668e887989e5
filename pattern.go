package tako

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tako-go/tako/internal/ascii"
)

// A part of a pattern is a literal in normal form, slashes included, or a
// parameter.
type part struct {
	literal string
	param   string
	rest    bool
}

// maxPattern is the most bytes a pattern may have with all prefixes.
const maxPattern = 8192

// parsePattern splits a path pattern into parts: literals between parameters.
//
//	/users/{id}/posts -> "/users/" {id} "/posts"
//	/files/{path...}  -> "/files/" {path...}
//	/a/{$}            -> "/a/"
func parsePattern(pattern string) ([]part, error) {
	if pattern == "" || pattern[0] != '/' {
		return nil, errors.New(`pattern must begin with "/"`)
	}
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("pattern is longer than %d bytes", maxPattern)
	}
	var parts []part
	seen := map[string]bool{}
	literal := ""
	for segments := pattern; segments != ""; {
		segment, rest, more := strings.Cut(segments[1:], "/")
		literal += "/"
		if more {
			segments = "/" + rest
		} else {
			segments = ""
		}
		p, err := parseSegment(segment, !more)
		switch {
		case err != nil:
			return nil, err
		case segment == "" && more:
			return nil, errors.New("pattern has an empty segment")
		case p.param == "":
			literal += p.literal
			continue
		case seen[p.param]:
			return nil, fmt.Errorf("pattern has parameter %q twice", p.param)
		}
		seen[p.param] = true
		parts = append(parts, part{literal: literal}, p)
		literal = ""
	}
	if len(seen) > maxParams {
		return nil, fmt.Errorf("pattern has %d parameters, at most %d can be had", len(seen), maxParams)
	}
	if literal != "" {
		parts = append(parts, part{literal: literal})
	}
	return parts, nil
}

// paramNames returns the names of the parameters in order.
func paramNames(parts []part) []string {
	var names []string
	for _, p := range parts {
		if p.param != "" {
			names = append(names, p.param)
		}
	}
	return names
}

// parseSegment reads one segment; {$} ends a pattern as an empty segment does.
func parseSegment(s string, last bool) (part, error) {
	if !strings.ContainsAny(s, "{}") {
		return parseLiteral(s)
	}
	if s == "{$}" {
		if !last {
			return part{}, errors.New("{$} must end the pattern")
		}
		return part{}, nil
	}
	name, ok := strings.CutPrefix(s, "{")
	name, ok2 := strings.CutSuffix(name, "}")
	if !ok || !ok2 || strings.ContainsAny(name, "{}") {
		return part{}, fmt.Errorf("segment %q: a parameter is a whole segment, {name} or {name...}", s)
	}
	name, rest := strings.CutSuffix(name, "...")
	if !isIdentifier(name) {
		return part{}, fmt.Errorf("segment %q: %q is no parameter name", s, name)
	}
	if rest && !last {
		return part{}, fmt.Errorf("segment %q must end the pattern", s)
	}
	return part{param: name, rest: rest}, nil
}

func parseLiteral(s string) (part, error) {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return part{}, fmt.Errorf("segment %q is not ASCII, write it as %s", s, escapeSegment(s))
		}
	}
	normal, err := appendSegment(nil, s)
	if err != nil {
		return part{}, fmt.Errorf("segment %q has a character that cannot be in a path, or a broken escape", s)
	}
	if n := string(normal); n == "." || n == ".." {
		return part{}, fmt.Errorf("segment %q can never match: paths are resolved before", s)
	}
	return part{literal: string(normal)}, nil
}

func isIdentifier(s string) bool {
	for i := range len(s) {
		c := ascii.Lower(s[i])
		if c != '_' && (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// splitPattern splits "[METHOD ][HOST]/path" as http.ServeMux does.
func splitPattern(pattern string) (method, host, path string) {
	if m, rest, ok := strings.Cut(pattern, " "); ok && ascii.IsToken(m) {
		method, pattern = m, ascii.Trim(rest)
	}
	if i := strings.IndexByte(pattern, '/'); i > 0 {
		return method, pattern[:i], pattern[i:]
	}
	return method, "", pattern
}
