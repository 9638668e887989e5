package fastjson

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/tako-go/tako/internal/jsonscan"
)

// CheckNames compares the names of data, which [jsonscan.Check] has passed, with
// the type of v, a pointer: it finds two names for one field of a struct, which
// differ in case, two for one number as the key of a map, and names that no field
// has if the options refuse them. It returns nil or a *[jsonscan.Error].
//
// Types with methods of their own are left out, but for optional values and unions
// (see [schema.State] and [schema.Kind]).
func CheckNames(data []byte, v any, o Options) error {
	if o.AllowDuplicates && !o.DisallowUnknown {
		return nil
	}
	t := PointedTo(v)
	if t == nil {
		return nil
	}
	n := naming{data: data, options: o}
	if n.value(shapes.of(t), 0) < 0 && n.err != nil {
		n.err.Pointer = jsonscan.Pointer(data, n.err.Offset)
		return n.err
	}
	return nil
}

// PointedTo returns the type that is decoded into, which v may hold in an interface;
// nil if v is no pointer.
func PointedTo(v any) reflect.Type {
	at := reflect.ValueOf(v)
	for range 10 {
		switch {
		case at.Kind() == reflect.Pointer && !at.IsNil() && at.Elem().Kind() == reflect.Interface && at.Elem().Elem().Kind() == reflect.Pointer:
			at = at.Elem().Elem()
		case at.Kind() == reflect.Pointer:
			return at.Type().Elem()
		default:
			return nil
		}
	}
	return nil
}

// naming goes through a valid text along a shape. Its methods return where they
// end, or -1 with err set.
type naming struct {
	data    []byte
	options Options
	scan    jsonscan.Scanner
	scratch []byte
	extents []extent // of the outermost union that was met last
	// measured is where that union ends.
	measured int
	err      *jsonscan.Error
}

// value begins at the white space before a value.
func (n *naming) value(s *shape, i int) int {
	i = jsonscan.Space(n.data, i)
	if s == nil || i >= len(n.data) {
		return n.skip(i)
	}
	switch c := n.data[i]; {
	case c == '{' && s.variants != nil:
		var variant *shape
		if kind, told := n.variant(s.discriminator, i); told {
			variant = s.variants[kind]
		}
		return n.object(variant, s.discriminator, i)
	case c == '{' && s.kind == shapeStruct:
		return n.object(s, "", i)
	case c == '{' && s.kind == shapeMap:
		return n.keys(s, i)
	case c == '[' && s.kind == shapeList:
		return n.list(s, i)
	}
	return n.skip(i)
}

// skip leaves a value out.
func (n *naming) skip(i int) int {
	n.scan.Reset(n.data, jsonscan.Limits{MaxDepth: 1 << 30, AllowDuplicates: true})
	return n.scan.Value(i, 0)
}

func (n *naming) fail(f jsonscan.Fault, at int) int {
	n.err = &jsonscan.Error{Fault: f, Offset: at}
	return -1
}

// name returns the name at i and where its value begins. It is valid until the
// next call.
func (n *naming) name(i int) (name []byte, value int) {
	n.scan.Reset(n.data, jsonscan.Limits{})
	end := n.scan.Text(i)
	n.scratch = jsonscan.Unquote(n.scratch[:0], n.data[i+1:end-1])
	return n.scratch, jsonscan.Space(n.data, end) + 1
}

// next returns where the member behind i begins, and whether there is one: else
// where the object or array ends.
func (n *naming) next(i int) (int, bool) {
	i = jsonscan.Space(n.data, i)
	if n.data[i] == ',' {
		return jsonscan.Space(n.data, i+1), true
	}
	return i + 1, false
}

// begin is next for the first member.
func (n *naming) begin(i int) (int, bool) {
	i = jsonscan.Space(n.data, i+1)
	if c := n.data[i]; c == '}' || c == ']' {
		return i + 1, false
	}
	return i, true
}

func (n *naming) list(s *shape, i int) int {
	i, more := n.begin(i)
	for k := 0; more; k++ {
		elem := s.elem
		if s.len >= 0 && k >= s.len {
			elem = nil // has no place
		}
		if i = n.value(elem, i); i < 0 {
			return -1
		}
		i, more = n.next(i)
	}
	return i
}

// keys reads a map. Keys that are text are told apart by the scanner.
func (n *naming) keys(s *shape, i int) int {
	var seen map[string]bool
	i, more := n.begin(i)
	for more {
		start := i
		name, value := n.name(i)
		if key, ok := s.number(name); ok && !n.options.AllowDuplicates {
			if seen[key] {
				return n.fail(jsonscan.Duplicate, start)
			}
			if seen == nil {
				seen = map[string]bool{}
			}
			seen[key] = true
		}
		if i = n.value(s.elem, value); i < 0 {
			return -1
		}
		i, more = n.next(i)
	}
	return i
}

// number returns the usual form of a key that is one.
func (s *shape) number(name []byte) (key string, ok bool) {
	switch {
	case s.signed:
		k, err := strconv.ParseInt(string(name), 10, 64)
		return strconv.FormatInt(k, 10), err == nil
	case s.unsigned:
		k, err := strconv.ParseUint(string(name), 10, 64)
		return strconv.FormatUint(k, 10), err == nil
	}
	return "", false
}

// object reads a struct; discriminator is the name of a member that a variant has
// whether its struct says so or not. s is nil for a variant that is not known.
func (n *naming) object(s *shape, discriminator string, i int) int {
	var few [4]uint64
	seen, told := few[:], false
	if s != nil && len(s.fields) > 64*len(few) {
		seen = make([]uint64, len(s.fields)/64+1)
	}
	i, more := n.begin(i)
	for more {
		start := i
		name, value := n.name(i)
		f := -1
		if s != nil {
			f = s.lookup(name)
		}
		tells := discriminator != "" && strings.EqualFold(discriminator, string(name))
		switch {
		case tells && told, f >= 0 && seen[f>>6]&(1<<(f&63)) != 0:
			if !n.options.AllowDuplicates {
				return n.fail(jsonscan.Duplicate, start)
			}
		case f < 0 && string(name) != discriminator && s != nil && n.options.DisallowUnknown:
			return n.fail(jsonscan.Unknown, start)
		}
		told = told || tells
		var elem *shape
		if f >= 0 {
			seen[f>>6] |= 1 << (f & 63)
			elem = s.fields[f].shape
		}
		if i = n.value(elem, value); i < 0 {
			return -1
		}
		i, more = n.next(i)
	}
	return i
}
