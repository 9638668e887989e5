package schema

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// keywords are the tags that are read, in the order in which documents have them.
var keywords = []string{
	"title", "doc", "format",
	"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf",
	"minLength", "maxLength", "pattern", "const", "enum",
	"minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
	"default", "example", "deprecated", "readOnly", "writeOnly",
	"nullable", "secret", "required", "dependentRequired",
	"additionalProperties", "discriminator",
}

// prefixes lead to what is below a field: the items of a slice or an array, the values
// and the keys of a map.
var prefixes = []string{"items.", "values.", "keys."}

type pair struct{ key, value string }

func (p pair) String() string { return p.key + `:"` + p.value + `"` }

// tags are the pairs of a struct tag that are keywords, or a keyword behind prefixes.
type tags []pair

// parseTag reads the keywords of a tag; misspelt ones are mistakes.
func parseTag(tag reflect.StructTag, wrong func(p pair, text string)) tags {
	var out tags
	for _, p := range pairs(tag) {
		rest, prefixed := p.key, false
		for {
			i := slices.IndexFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(rest, prefix) })
			if i < 0 {
				break
			}
			rest, prefixed = rest[len(prefixes[i]):], true
		}
		i := slices.IndexFunc(keywords, func(k string) bool { return strings.EqualFold(k, rest) })
		switch {
		case prefixed && (rest == "required" || rest == "dependentRequired"):
			wrong(p, "is for members of structs")
		case i >= 0 && keywords[i] == rest:
			out = append(out, p)
		case i >= 0:
			wrong(p, "is spelt "+strings.TrimSuffix(p.key, rest)+keywords[i])
		case prefixed:
			wrong(p, "has no keyword of JSON Schema after the prefix")
		}
	}
	return out
}

// pairs splits a tag; it ends at what is not of the conventional form.
func pairs(tag reflect.StructTag) (out []pair) {
	text := string(tag)
	for {
		text = strings.TrimLeft(text, " ")
		key, rest, ok := strings.Cut(text, ":")
		if !ok || key == "" || rest == "" || rest[0] != '"' {
			return out
		}
		end := 1
		for end < len(rest) && rest[end] != '"' {
			if rest[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(rest) {
			return out
		}
		value, err := strconv.Unquote(rest[:end+1])
		if err != nil {
			return out
		}
		out = append(out, pair{key, value})
		text = rest[end+1:]
	}
}

// get returns the value of a keyword without prefix.
func (t tags) get(key string) (string, bool) {
	for _, p := range t {
		if p.key == key {
			return p.value, true
		}
	}
	return "", false
}

// below returns what stands behind a prefix, without it.
func (t tags) below(prefix string) (out tags) {
	for _, p := range t {
		if rest, ok := strings.CutPrefix(p.key, prefix); ok {
			out = append(out, pair{rest, p.value})
		}
	}
	return out
}

// without leaves keywords out.
func (t tags) without(keys ...string) (out tags) {
	for _, p := range t {
		if !slices.Contains(keys, p.key) {
			out = append(out, p)
		}
	}
	return out
}
