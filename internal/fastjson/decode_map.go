package fastjson

import (
	"reflect"
	"unsafe"
)

// key takes a name and its colon.
func (d *decoder) key(i int) (name string, value int) {
	if i >= len(d.data) || d.data[i] != '"' {
		return "", -1
	}
	name, i = d.text(i)
	if i < 0 {
		return "", -1
	}
	i, c := d.next(i)
	if c != ':' {
		return "", -1
	}
	return name, i + 1
}

// textMap refuses a name that came before, as every map does.
func (d *decoder) textMap(at unsafe.Pointer, i int) int {
	m := make(map[string]string)
	*(*map[string]string)(at) = m
	i, end := d.enter(i, '}')
	for n := 1; i > 0; n++ {
		name, value := d.key(i)
		if value < 0 {
			return -1
		}
		text, c := "", byte(0)
		switch i, c = d.next(value); c {
		case '"':
			text, i = d.text(i)
		case 'n':
			i = d.word(i, "null")
		default:
			return -1
		}
		if m[name] = text; i < 0 || len(m) != n {
			return -1
		}
		i, end = d.after(i, '}')
	}
	if i < 0 {
		return -1
	}
	return end
}

func (d *decoder) anyMap(p *plan, at unsafe.Pointer, i int) int {
	m := reflect.MakeMap(p.typ)
	reflect.NewAt(p.typ, at).Elem().Set(m)
	key, elem := reflect.New(p.typ.Key()).Elem(), reflect.New(p.elem.typ)
	i, end := d.enter(i, '}')
	for n := 1; i > 0; n++ {
		name, value := d.key(i)
		if value < 0 {
			return -1
		}
		key.SetString(name)
		elem.Elem().SetZero()
		if i = d.value(p.elem, elem.UnsafePointer(), value); i < 0 {
			return -1
		}
		if m.SetMapIndex(key, elem.Elem()); m.Len() != n {
			return -1
		}
		i, end = d.after(i, '}')
	}
	if i < 0 {
		return -1
	}
	return end
}

// any reads a value of no type.
func (d *decoder) any(i int, c byte) (any, int) {
	switch c {
	case '"':
		return boxed(d.text(i))
	case '{':
		return d.anyObject(i)
	case '[':
		return d.anyList(i)
	case 't':
		return true, d.word(i, "true")
	case 'f':
		return false, d.word(i, "false")
	}
	var f float64
	end := d.float(kindFloat64, unsafe.Pointer(&f), i)
	return f, end
}

func boxed(s string, end int) (any, int) { return s, end }

func (d *decoder) anyObject(i int) (any, int) {
	m := map[string]any{}
	i, end := d.enter(i, '}')
	for n := 1; i > 0; n++ {
		name, value := d.key(i)
		if value < 0 {
			return nil, -1
		}
		if i, m[name] = d.anyOrNull(value); i < 0 || len(m) != n {
			return nil, -1
		}
		i, end = d.after(i, '}')
	}
	if i < 0 {
		return nil, -1
	}
	return m, end
}

func (d *decoder) anyList(i int) (any, int) {
	l := []any{}
	i, end := d.enter(i, ']')
	for i > 0 {
		var v any
		if i, v = d.anyOrNull(i); i < 0 {
			return nil, -1
		}
		l = append(l, v)
		i, end = d.after(i, ']')
	}
	if i < 0 {
		return nil, -1
	}
	return l, end
}

// anyOrNull is any, or null.
func (d *decoder) anyOrNull(i int) (end int, v any) {
	i, c := d.next(i)
	if c == 'n' {
		return d.word(i, "null"), nil
	}
	v, end = d.any(i, c)
	return end, v
}
