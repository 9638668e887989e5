package schema

import (
	"encoding/json"
	"math"
	"strconv"
)

// numeric reads the keywords of numbers.
func (b *builder) numeric(s *Schema, p pair) {
	if s.quoted {
		b.wrong(p, "cannot be said of a number that is written as a string")
		return
	}
	var r rule
	var problem string
	switch s.kind {
	case kindInt:
		r, problem = intRule(p, s)
	case kindUint:
		r, problem = uintRule(p, s)
	case kindFloat:
		r, problem = floatRule(p, s)
	default:
		b.misplaced(s, p, "numbers")
		return
	}
	if problem != "" {
		b.wrong(p, problem)
		return
	}
	r.keyword, r.detail = p.key, numberDetails[p.key]+p.value
	s.add(r, json.RawMessage(p.value))
}

var numberDetails = map[string]string{
	"minimum": "must be at least ", "exclusiveMinimum": "must be more than ",
	"maximum": "must be at most ", "exclusiveMaximum": "must be less than ",
	"multipleOf": "must be a multiple of ",
}

// numberProblem says why the text of a keyword is not usable.
func numberProblem(p pair, s *Schema, err error) string {
	switch {
	case !json.Valid([]byte(p.value)) || p.value == "" || p.value[0] != '-' && (p.value[0] < '0' || p.value[0] > '9'):
		return "is not a number"
	case err != nil:
		return "is no value of " + s.typ.String() + "; write a number that it can hold"
	}
	return ""
}

func intRule(p pair, s *Schema) (rule, string) {
	n, err := strconv.ParseInt(p.value, 10, int(s.size)*8)
	if problem := numberProblem(p, s, err); problem != "" {
		return rule{}, problem
	}
	switch p.key {
	case "minimum":
		return rule{op: opMin, i: n}, ""
	case "maximum":
		return rule{op: opMax, i: n}, ""
	case "exclusiveMinimum":
		if n == math.MaxInt64 {
			return rule{}, "leaves no value"
		}
		return rule{op: opMin, i: n + 1}, ""
	case "exclusiveMaximum":
		if n == math.MinInt64 {
			return rule{}, "leaves no value"
		}
		return rule{op: opMax, i: n - 1}, ""
	}
	if n <= 0 {
		return rule{}, "must be more than 0"
	}
	return rule{op: opMultiple, i: n}, ""
}

func uintRule(p pair, s *Schema) (rule, string) {
	n, err := strconv.ParseUint(p.value, 10, int(s.size)*8)
	if problem := numberProblem(p, s, err); problem != "" {
		return rule{}, problem
	}
	switch p.key {
	case "minimum":
		return rule{op: opMin, u: n}, ""
	case "maximum":
		return rule{op: opMax, u: n}, ""
	case "exclusiveMinimum":
		if n == math.MaxUint64 {
			return rule{}, "leaves no value"
		}
		return rule{op: opMin, u: n + 1}, ""
	case "exclusiveMaximum":
		if n == 0 {
			return rule{}, "leaves no value"
		}
		return rule{op: opMax, u: n - 1}, ""
	}
	if n == 0 {
		return rule{}, "must be more than 0"
	}
	return rule{op: opMultiple, u: n}, ""
}

func floatRule(p pair, s *Schema) (rule, string) {
	bits := int(s.size) * 8
	f, err := strconv.ParseFloat(p.value, bits)
	if problem := numberProblem(p, s, err); problem != "" {
		return rule{}, problem
	}
	switch p.key {
	case "minimum":
		return rule{op: opMin, f: f}, ""
	case "maximum":
		return rule{op: opMax, f: f}, ""
	case "exclusiveMinimum":
		return rule{op: opAbove, f: f}, ""
	case "exclusiveMaximum":
		return rule{op: opBelow, f: f}, ""
	}
	if f <= 0 {
		return rule{}, "must be more than 0"
	}
	return rule{op: opMultiple, f: f, step: decimalOf(f, bits)}, ""
}
