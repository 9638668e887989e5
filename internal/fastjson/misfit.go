package fastjson

import (
	"encoding/json"
	"reflect"
	"strconv"

	"github.com/tako-go/tako/internal/jsonscan"
	"github.com/tako-go/tako/internal/schema"
)

// Misfit is a value, or the name of one, that its type does not take.
type Misfit struct {
	// Pointer is the JSON pointer (RFC 6901) of the value.
	Pointer string
	// Detail says what is wrong, without the value and without the names of types.
	Detail string
	// Part is what is wrong.
	Part Part
}

// Part is what a [Misfit] is about.
type Part uint8

// The parts.
const (
	Kind  Part = iota // the value is a string, or number, where another kind is expected
	Value             // the kind is right, and the value wrong
	Name              // the name is no key of the map
)

// FindMisfit returns the first value of data, which [jsonscan.Check] and [CheckNames] have
// passed, that does not fit the type v points to; nil if all do.
func FindMisfit(data []byte, v any) *Misfit { return find(data, v, false) }

// FindOddTime is FindMisfit for what encoding/json takes for a [time.Time] and
// [schema.IsTime] does not. It costs next to nothing for types that hold none.
func FindOddTime(data []byte, v any) *Misfit { return find(data, v, true) }

func find(data []byte, v any, timesOnly bool) *Misfit {
	t := PointedTo(v)
	if t == nil {
		return nil
	}
	f := fits.of(t)
	if timesOnly && !f.timed {
		return nil
	}
	w := fitting{naming: naming{data: data}, timesOnly: timesOnly}
	if w.value(f, 0) >= 0 {
		return nil
	}
	w.found.Pointer = jsonscan.Pointer(data, w.at)
	return &w.found
}

// fitting goes through a valid text along a fit. Its methods return where they end, or
// -1 with found set.
type fitting struct {
	naming
	timesOnly bool
	at        int
	found     Misfit
}

func (w *fitting) fail(at int, p Part, detail string) int {
	w.at, w.found = at, Misfit{Part: p, Detail: detail}
	return -1
}

// unexpected is the failure of a value of the wrong kind at i.
func (w *fitting) unexpected(i int) int {
	kind := "number"
	switch w.data[i] {
	case '"':
		kind = "string"
	case '{':
		kind = "object"
	case '[':
		kind = "array"
	case 't', 'f':
		kind = "bool"
	}
	return w.fail(i, Kind, "unexpected "+kind)
}

// value begins at the white space before a value.
func (w *fitting) value(f *fit, i int) int {
	i = jsonscan.Space(w.data, i)
	c := w.data[i]
	switch {
	case f == nil || w.timesOnly && !f.timed || c == 'n' && f.kind != fitForeign:
		return w.skip(i)
	case f.kind == fitPointer:
		return w.value(f.elem, i)
	case c == '{':
		return w.object(f, i)
	case c == '[':
		return w.array(f, i)
	}
	end := w.skip(i)
	if w.takes(f, i, end) {
		return end
	}
	return -1
}

func (w *fitting) object(f *fit, i int) int {
	switch f.kind {
	case fitStruct:
		return w.members(f, i)
	case fitUnion:
		if kind, told := w.variant(f.discriminator, i); told && f.variants[kind] != nil {
			return w.members(f.variants[kind], i)
		}
		return w.skip(i)
	case fitMap, fitAny:
		return w.entries(f, i)
	case fitForeign:
		return w.foreign(f, i)
	}
	return w.unexpected(i)
}

func (w *fitting) array(f *fit, i int) int {
	elem := f.elem
	switch f.kind {
	case fitAny:
		elem = f
	case fitForeign:
		return w.foreign(f, i)
	case fitList, fitBytes:
	default:
		return w.unexpected(i)
	}
	i, more := w.begin(i)
	for k := 0; more; k++ {
		if f.kind == fitList && f.len >= 0 && k >= f.len {
			elem = nil // has no place
		}
		if i = w.value(elem, i); i < 0 {
			return -1
		}
		i, more = w.next(i)
	}
	return i
}

func (w *fitting) members(f *fit, i int) int {
	i, more := w.begin(i)
	for more {
		name, value := w.name(i)
		var field *fitField
		if k := f.lookup(name); k >= 0 {
			field = &f.fields[k]
		}
		switch {
		case field == nil:
			i = w.skip(jsonscan.Space(w.data, value))
		case field.quoted != nil && !w.timesOnly:
			i = w.quoted(field, jsonscan.Space(w.data, value))
		default:
			i = w.value(field.fit, value)
		}
		if i < 0 {
			return -1
		}
		i, more = w.next(i)
	}
	return i
}

// entries reads a map, or an object of no type.
func (w *fitting) entries(f *fit, i int) int {
	elem := f.elem
	if f.kind == fitAny {
		elem = f
	}
	i, more := w.begin(i)
	for more {
		start := i
		name, value := w.name(i)
		if f.kind == fitMap {
			if detail := w.key(f.typ.Key(), name); detail != "" {
				return w.fail(start, Name, "the name "+detail)
			}
		}
		if i = w.value(elem, value); i < 0 {
			return -1
		}
		i, more = w.next(i)
	}
	return i
}

// foreign asks encoding/json.
func (w *fitting) foreign(f *fit, i int) int {
	end := w.skip(i)
	if w.timesOnly || json.Unmarshal(w.data[i:end], reflect.New(f.typ).Interface()) == nil {
		return end
	}
	return w.fail(i, Value, malformed)
}

// quoted reads a value that is in a string.
func (w *fitting) quoted(field *fitField, i int) int {
	end := w.skip(i)
	text := append(append([]byte(`{"v":`), w.data[i:end]...), '}')
	if json.Unmarshal(text, reflect.New(field.quoted).Interface()) == nil {
		return end
	}
	if w.data[i] != '"' {
		return w.unexpected(i)
	}
	f := field.fit
	for f.kind == fitPointer {
		f = f.elem
	}
	w.scratch = jsonscan.Unquote(w.scratch[:0], w.data[i+1:end-1])
	detail := notNumber(f.kind, f.typ, string(w.scratch))
	if detail == "" {
		detail = malformed
	}
	return w.fail(i, Value, detail)
}

const malformed = "is malformed"

// key says what is wrong with the key of a map, "" if nothing is.
func (w *fitting) key(t reflect.Type, name []byte) string {
	switch {
	case t == timeType && !schema.IsTime(string(name)):
		return "is not " + schema.TimeNoun
	case w.timesOnly || t.Kind() == reflect.String && !reflect.PointerTo(t).Implements(fromText):
		return ""
	case !reflect.PointerTo(t).Implements(fromText):
		return notNumber(scalarFit(t.Kind()), t, string(name))
	}
	text, err := json.Marshal(string(name))
	if err != nil || json.Unmarshal(append(append([]byte("{"), text...), ":null}"...), reflect.New(reflect.MapOf(t, emptyType)).Interface()) != nil {
		return malformed
	}
	return ""
}

var emptyType = reflect.TypeFor[struct{}]()

// notNumber says why a text is no value of a basic type, "" if it is one.
func notNumber(k fitKind, t reflect.Type, text string) string {
	var err error
	detail := ""
	switch k {
	case fitBool:
		if text != "true" && text != "false" {
			return "is not true or false"
		}
	case fitInt:
		detail = "is not an integer"
		_, err = strconv.ParseInt(text, 10, t.Bits())
	case fitUint:
		detail = "is not a non-negative integer"
		_, err = strconv.ParseUint(text, 10, t.Bits())
	case fitFloat:
		detail = "is not a number"
		_, err = strconv.ParseFloat(text, t.Bits())
	default:
		return malformed
	}
	switch {
	case err == nil:
		return ""
	case isRange(err):
		return "is out of range"
	}
	return detail
}
