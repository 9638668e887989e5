package schema

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"unsafe"
)

// maxCompared is how many times the size of the JSON uniqueItems compares at most, beside
// a megabyte.
const maxCompared = 8

func (in *inspector) unique(s *Schema, p unsafe.Pointer, at *place, start int, r *rule) {
	var a, b int
	if s.elem.comparable() && (in.raw == nil || s.elem.kind != kindFloat) {
		a, b = s.equalScalars(p, in.nulls(s.elem, start))
	} else {
		var raws [][]byte
		if in.raw != nil {
			sc := scanner{in.raw, start}
			for ok := sc.enter('[') && sc.item(); ok; ok = sc.item() {
				raws = append(raws, sc.value())
			}
			in.compared += sc.pos - start
		}
		if in.compared > maxCompared*len(in.raw)+1<<20 {
			in.fail(at, Failure{Rule: r.keyword, Detail: "is nested too deeply to compare its items"})
			return
		}
		a, b = s.equalItems(p, raws)
	}
	if a >= 0 {
		in.fail(at, Failure{Rule: r.keyword, Detail: r.detail + ": those at " + strconv.Itoa(a) + " and " + strconv.Itoa(b) + " are equal"})
	}
}

// comparable reports that equal values are equal in memory. So are some floats that JSON
// tells apart.
func (s *Schema) comparable() bool {
	switch s.kind {
	case kindString, kindInt, kindUint, kindFloat, kindBool:
		return true
	}
	return false
}

// nulls tells which items of the list at start are null, which memory does not. It
// returns nil where none can be.
func (in *inspector) nulls(elem *Schema, start int) (null []bool) {
	if in.raw == nil || !elem.null {
		return nil
	}
	sc := scanner{in.raw, start}
	for ok := sc.enter('[') && sc.item(); ok; ok = sc.item() {
		is := sc.null()
		if !is {
			sc.value()
		}
		null = append(null, is)
	}
	return null
}

// fewItems is how many items are compared one by one.
const fewItems = 16

// distinctItems reports that no two items are equal, where that is quick to see.
func (s *Schema) distinctItems(p unsafe.Pointer) bool {
	first, n := s.items(p)
	if n > fewItems {
		return false
	}
	for i := range n {
		a := unsafe.Add(first, uintptr(i)*s.elem.size)
		for j := range i {
			b := unsafe.Add(first, uintptr(j)*s.elem.size)
			switch s.elem.kind {
			case kindString:
				if *(*string)(a) == *(*string)(b) {
					return false
				}
			case kindInt, kindUint, kindBool:
				if loadUint(a, s.elem.size) == loadUint(b, s.elem.size) {
					return false
				}
			default:
				return false
			}
		}
	}
	return true
}

// equalScalars returns the indices of two items that are equal, -1 if there are none.
func (s *Schema) equalScalars(p unsafe.Pointer, null []bool) (int, int) {
	first, n := s.items(p)
	at := func(i int) unsafe.Pointer { return unsafe.Add(first, uintptr(i)*s.elem.size) }
	switch s.elem.kind {
	case kindString:
		return twice(n, null, func(i int) string { return *(*string)(at(i)) })
	case kindFloat:
		return twice(n, null, func(i int) float64 { return loadFloat(at(i), s.elem.size) })
	}
	return twice(n, null, func(i int) uint64 { return loadUint(at(i), s.elem.size) })
}

// twice returns the first two of n items that have the same key or are both null.
func twice[K comparable](n int, null []bool, key func(i int) K) (int, int) {
	seen := make(map[K]int, min(n, 1024)) // many items with few values need few
	firstNull := -1
	for i := range n {
		if i < len(null) && null[i] {
			if firstNull >= 0 {
				return firstNull, i
			}
			firstNull = i
			continue
		}
		k := key(i)
		if j, has := seen[k]; has {
			return j, i
		}
		seen[k] = i
	}
	return -1, -1
}

// equalItems returns the indices of two items that are equal, -1 if there are none. It
// compares the JSON of the items, as that has members which memory has not.
func (s *Schema) equalItems(p unsafe.Pointer, raws [][]byte) (int, int) {
	first, n := s.items(p)
	seen := make(map[string]int, min(n, 1024))
	var buf []byte
	for i := range n {
		if i < len(raws) {
			buf = canonical(buf[:0], raws[i])
		} else {
			raw, err := json.Marshal(reflect.NewAt(s.elem.typ, unsafe.Add(first, uintptr(i)*s.elem.size)).Interface())
			if err != nil {
				return -1, -1
			}
			buf = canonical(buf[:0], raw)
		}
		if j, has := seen[string(buf)]; has {
			return j, i
		}
		seen[string(buf)] = i
	}
	return -1, -1
}

// canonical appends JSON such that equal values are equal bytes: members are sorted, and
// numbers and strings have one form. A string is written without its last quote and
// escapes: no other value begins with a quote.
func canonical(b, raw []byte) []byte {
	switch {
	case len(raw) == 0:
		return b
	case raw[0] == '"':
		return append(append(b, '"'), unquote(raw)...)
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		return append(b, canonicalNumber(string(raw))...)
	case raw[0] != '{' && raw[0] != '[':
		return append(b, raw...)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return append(b, raw...)
	}
	text, err := json.Marshal(canonicalNumbers(v))
	if err != nil {
		return append(b, raw...)
	}
	return append(b, text...)
}

func canonicalNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		return json.Number(canonicalNumber(string(v)))
	case []any:
		for i := range v {
			v[i] = canonicalNumbers(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = canonicalNumbers(v[name])
		}
	}
	return v
}

// canonicalNumber returns a number in JSON as digits that neither begin nor end with 0,
// and an exponent. It is exact: numbers that a float cannot tell apart stay different.
func canonicalNumber(text string) string {
	mantissa, exponent := text, int64(0)
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		n, err := strconv.ParseInt(text[i+1:], 10, 62)
		if err != nil {
			return text
		}
		mantissa, exponent = text[:i], n
	}
	sign := ""
	if strings.HasPrefix(mantissa, "-") {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	exponent -= int64(len(fraction))
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "0"
	}
	short := strings.TrimRight(digits, "0")
	exponent += int64(len(digits) - len(short))
	return sign + short + "e" + strconv.FormatInt(exponent, 10)
}
