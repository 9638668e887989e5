// Package jsonscan checks JSON texts strictly (RFC 8259) without building values:
// syntax, UTF-8, names that occur twice in an object, nesting and the range of
// integers. It reads no further than it must and does not allocate for texts that
// pass.
package jsonscan

import "sync"

// Limits say what a text must keep to.
type Limits struct {
	// MaxDepth is how many arrays and objects may lie in each other.
	MaxDepth int
	// AllowDuplicates lets names occur more than once in an object.
	AllowDuplicates bool
	// SafeIntegers refuses integers beyond 2^53-1 and below -(2^53-1), which many
	// parsers cannot hold.
	SafeIntegers bool
}

// MaxSafe is the largest integer that every parser of doubles holds exactly.
const MaxSafe = 1<<53 - 1

// Fault is why a text was refused.
type Fault uint8

// The faults.
const (
	None Fault = iota
	Syntax
	Encoding
	Duplicate
	Depth
	Range
	Unknown // which only who knows the names can tell
)

// Error is a fault at a place of a text.
type Error struct {
	// Fault is what is wrong.
	Fault Fault
	// Offset is where, in bytes.
	Offset int
	// Pointer is the JSON pointer (RFC 6901) of the value or name at fault; of the
	// innermost that was begun, if the syntax is wrong.
	Pointer string
}

func (e *Error) Error() string {
	return [...]string{"no fault", "malformed JSON", "JSON that is not UTF-8", "duplicate name",
		"JSON that is nested too deeply", "integer out of the safe range", "unknown name"}[e.Fault]
}

var scanners = sync.Pool{New: func() any { return new(Scanner) }}

// Check returns an *Error if data is not one JSON text within the limits.
func Check(data []byte, limits Limits) error {
	s := scanners.Get().(*Scanner)
	defer scanners.Put(s)
	s.Reset(data, limits)
	end := s.Value(0, 0)
	if end >= 0 {
		if end = Space(data, end); end == len(data) {
			s.Reset(nil, Limits{})
			return nil
		}
		s.fail(Syntax, end)
	}
	err := s.Err()
	s.Reset(nil, Limits{})
	return err
}

// Space returns the index of the first byte from i on that is no white space.
func Space(data []byte, i int) int {
	for i < len(data) {
		switch data[i] {
		case ' ', '\t', '\r', '\n':
			i++
		default:
			return i
		}
	}
	return i
}
