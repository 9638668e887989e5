package schema

import (
	"encoding/base64"
	"regexp"
	"slices"
	"unicode/utf8"
	"unsafe"
)

// op is what a rule compares.
type op uint8

const (
	opMin      op = iota // at least
	opMax                // at most
	opAbove              // more than; floats only
	opBelow              // less than; floats only
	opMultiple           // a multiple of
	opEnum               // one of
	opMinLen             // at least so long
	opMaxLen             // at most so long
	opPattern
	opFormat
	opUnique
)

// rule is one keyword made ready. Which of the operands counts is for op and the kind of
// the value to say.
type rule struct {
	op      op
	keyword string
	detail  string

	i       int64 // also lengths
	u       uint64
	f       float64
	step    decimal // of opMultiple on floats
	ints    []int64
	uints   []uint64
	floats  []float64
	texts   []string
	set     map[string]struct{} // texts, if they are many
	re      *regexp.Regexp
	is      func(string) bool  // a built-in format
	accepts func(string) error // another format
}

func fineText(rules []rule, s string) bool {
	for i := range rules {
		if !rules[i].fitsText(s) {
			return false
		}
	}
	return true
}

func (r *rule) fitsText(s string) bool {
	switch r.op {
	case opMinLen:
		return atLeast(s, int(r.i))
	case opMaxLen:
		return len(s) <= int(r.i) || atMost(s, int(r.i))
	case opPattern:
		return r.re.MatchString(s)
	case opFormat:
		if r.is != nil {
			return r.is(s)
		}
		return r.accepts == nil || r.accepts(s) == nil
	case opEnum:
		if r.set != nil {
			_, has := r.set[s]
			return has
		}
		return slices.Contains(r.texts, s)
	}
	return true
}

// atLeast reports whether s has n code points or more.
func atLeast(s string, n int) bool {
	if len(s) < n {
		return false
	}
	if (len(s)+utf8.UTFMax-1)/utf8.UTFMax >= n {
		return true
	}
	return utf8.RuneCountInString(s) >= n
}

// atMost reports whether s has n code points or fewer.
func atMost(s string, n int) bool {
	return (len(s)+utf8.UTFMax-1)/utf8.UTFMax <= n && utf8.RuneCountInString(s) <= n
}

func (r *rule) fitsLength(n int) bool {
	switch r.op {
	case opMinLen:
		return int64(n) >= r.i
	case opMaxLen:
		return int64(n) <= r.i
	}
	return true
}

func fineLength(rules []rule, n int) bool {
	for i := range rules {
		if !rules[i].fitsLength(n) {
			return false
		}
	}
	return true
}

// encodedLen returns how long the bytes at p are in base64.
func encodedLen(p unsafe.Pointer) int { return base64.StdEncoding.EncodedLen(len(*(*[]byte)(p))) }

func fineInt(rules []rule, n int64) bool {
	for i := range rules {
		if !rules[i].fitsInt(n) {
			return false
		}
	}
	return true
}

func (r *rule) fitsInt(n int64) bool {
	switch r.op {
	case opMin:
		return n >= r.i
	case opMax:
		return n <= r.i
	case opMultiple:
		return n%r.i == 0
	case opEnum:
		return slices.Contains(r.ints, n)
	}
	return true
}

func fineUint(rules []rule, n uint64) bool {
	for i := range rules {
		if !rules[i].fitsUint(n) {
			return false
		}
	}
	return true
}

func (r *rule) fitsUint(n uint64) bool {
	switch r.op {
	case opMin:
		return n >= r.u
	case opMax:
		return n <= r.u
	case opMultiple:
		return n%r.u == 0
	case opEnum:
		return slices.Contains(r.uints, n)
	}
	return true
}

func fineFloat(rules []rule, f float64, size uintptr) bool {
	for i := range rules {
		if !rules[i].fitsFloat(f, size) {
			return false
		}
	}
	return true
}

func (r *rule) fitsFloat(f float64, size uintptr) bool {
	switch r.op {
	case opMin:
		return f >= r.f
	case opMax:
		return f <= r.f
	case opAbove:
		return f > r.f
	case opBelow:
		return f < r.f
	case opMultiple:
		return decimalOf(f, int(size)*8).multipleOf(r.step)
	case opEnum:
		return slices.Contains(r.floats, f)
	}
	return true
}

func fineBool(rules []rule, b bool) bool {
	for i := range rules {
		if r := &rules[i]; r.op == opEnum && b != (r.i == 1) {
			return false
		}
	}
	return true
}
