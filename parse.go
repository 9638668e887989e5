package tako

import (
	"encoding"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/tako-go/tako/internal/schema"
)

// A parser reads text into the value at p. Its error completes the sentence
// "parameter x …" and names no Go type.
type parser func(p unsafe.Pointer, s string) error

var (
	errInt      = errors.New("is not an integer")
	errUint     = errors.New("is not a non-negative integer")
	errRange    = errors.New("is out of range")
	errFloat    = errors.New("is not a number")
	errBool     = errors.New("is not true or false")
	errDuration = errors.New("is not a duration such as 1m30s")
	errTime     = errors.New("is not a date and time such as 2030-01-31T12:00:00Z")
	errText     = errors.New("is malformed")
)

var (
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	durationType = reflect.TypeFor[time.Duration]()
	timeType     = reflect.TypeFor[time.Time]()
)

func implementsText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(textType) }

// ParseText reads text into what p points to, by the rules of parameters: strings,
// booleans, numbers, [time.Duration], types with UnmarshalText, and pointers to these. The
// error completes the sentence "the value …" and names no Go type.
func ParseText(p any, s string) error {
	v := reflect.ValueOf(p)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return errors.New("cannot be read from text")
	}
	parse := parserFor(v.Type().Elem())
	if parse == nil {
		return errors.New("cannot be read from text")
	}
	return parse(v.UnsafePointer(), s)
}

// ParsesText reports whether [ParseText] can fill values of type t.
func ParsesText(t reflect.Type) bool { return parserFor(t) != nil }

// parserFor returns the parser for t, nil if t cannot be read from text.
func parserFor(t reflect.Type) parser {
	switch {
	case t == timeType:
		return parseTime
	case implementsText(t):
		return func(p unsafe.Pointer, s string) error {
			if reflect.NewAt(t, p).Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s)) != nil {
				return errText
			}
			return nil
		}
	case t == durationType:
		return func(p unsafe.Pointer, s string) error {
			d, err := time.ParseDuration(s)
			*(*time.Duration)(p) = d
			return as(err, errDuration)
		}
	}
	switch t.Kind() {
	case reflect.String:
		return func(p unsafe.Pointer, s string) error { *(*string)(p) = s; return nil }
	case reflect.Bool:
		return parseBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return intParser(t)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return uintParser(t)
	case reflect.Float32, reflect.Float64:
		return floatParser(t)
	case reflect.Pointer:
		return pointerParser(t)
	}
	return nil
}

// parseTime takes what the schema of a [time.Time] has: package time takes more.
func parseTime(p unsafe.Pointer, s string) error {
	if !schema.IsTime(s) || (*time.Time)(p).UnmarshalText([]byte(s)) != nil {
		return errTime
	}
	return nil
}

func parseBool(p unsafe.Pointer, s string) error {
	switch s {
	case "true", "1":
		*(*bool)(p) = true
	case "false", "0":
		*(*bool)(p) = false
	default:
		return errBool
	}
	return nil
}

// as gives a failure of strconv the words of its kind.
func as(err, kind error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, strconv.ErrRange) {
		return errRange
	}
	return kind
}

func intParser(t reflect.Type) parser {
	bits := t.Bits()
	return func(p unsafe.Pointer, s string) error {
		n, err := strconv.ParseInt(s, 10, bits)
		if err != nil {
			return as(err, errInt)
		}
		if s[0] == '+' {
			return errInt // as in JSON
		}
		switch bits {
		case 8:
			*(*int8)(p) = int8(n)
		case 16:
			*(*int16)(p) = int16(n)
		case 32:
			*(*int32)(p) = int32(n)
		default:
			*(*int64)(p) = n
		}
		return nil
	}
}

func uintParser(t reflect.Type) parser {
	bits := t.Bits()
	return func(p unsafe.Pointer, s string) error {
		n, err := strconv.ParseUint(s, 10, bits)
		if err != nil {
			return as(err, errUint)
		}
		switch bits {
		case 8:
			*(*uint8)(p) = uint8(n)
		case 16:
			*(*uint16)(p) = uint16(n)
		case 32:
			*(*uint32)(p) = uint32(n)
		default:
			*(*uint64)(p) = n
		}
		return nil
	}
}

func floatParser(t reflect.Type) parser {
	bits := t.Bits()
	return func(p unsafe.Pointer, s string) error {
		if strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune("+-.0123456789eE", r) }) {
			return errFloat // no hexadecimal, no underscores, no words
		}
		if strings.HasPrefix(s, "+") {
			return errFloat // as in JSON
		}
		n, err := strconv.ParseFloat(s, bits)
		if err != nil {
			return as(err, errFloat)
		}
		if bits == 32 {
			*(*float32)(p) = float32(n)
		} else {
			*(*float64)(p) = n
		}
		return nil
	}
}

func pointerParser(t reflect.Type) parser {
	elem := t.Elem()
	parse := parserFor(elem)
	if parse == nil || elem.Kind() == reflect.Pointer {
		return nil
	}
	return func(p unsafe.Pointer, s string) error {
		v := reflect.New(elem)
		if err := parse(v.UnsafePointer(), s); err != nil {
			return err
		}
		reflect.NewAt(t, p).Elem().Set(v)
		return nil
	}
}
