package tako

import (
	"fmt"
	"iter"
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxPairs is the most parameters a query or form may have.
const maxPairs = 1000

// queryPairs yields the escaped keys and values of a query or form in order. An
// empty pair is skipped; a key without "=" has an empty value.
func queryPairs(query string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for query != "" {
			pair := query
			if i := strings.IndexByte(query, '&'); i >= 0 {
				pair, query = query[:i], query[i+1:]
			} else {
				query = ""
			}
			if pair == "" {
				continue
			}
			key, value, _ := strings.Cut(pair, "=")
			if !yield(key, value) {
				return
			}
		}
	}
}

// tooManyPairs reports whether a query has more pairs than allowed, without
// looking further than needed.
func tooManyPairs(query string) bool {
	return len(query) > maxPairs && strings.Count(query, "&") >= maxPairs
}

func errTooManyPairs(in string) error {
	return &Error{Status: 400, Detail: fmt.Sprintf("the %s has more than %d parameters", in, maxPairs)}
}

// decodePair decodes a key or value and refuses broken escapes and text that is
// not UTF-8.
func decodePair(s, in string) (string, error) {
	decoded, ok := unescapeQuery(s)
	if !ok || !utf8.ValidString(decoded) {
		return "", &Error{Status: 400, Detail: "the " + in + " has a broken escape"}
	}
	return decoded, nil
}

// parseValues parses a whole query or form.
func parseValues(query, in string) (url.Values, error) {
	if tooManyPairs(query) {
		return nil, errTooManyPairs(in)
	}
	values := make(url.Values)
	for k, v := range queryPairs(query) {
		key, err := decodePair(k, in)
		if err != nil {
			return nil, err
		}
		value, err := decodePair(v, in)
		if err != nil {
			return nil, err
		}
		values[key] = append(values[key], value)
	}
	return values, nil
}
