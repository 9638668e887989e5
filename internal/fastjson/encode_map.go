package fastjson

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unsafe"
)

// pair is an entry of a map.
type pair[V any] struct {
	name  string
	value V
}

func sortPairs[V any](pairs []pair[V]) {
	if len(pairs) > 12 {
		slices.SortFunc(pairs, func(a, b pair[V]) int { return strings.Compare(a.name, b.name) })
		return
	}
	for i := 1; i < len(pairs); i++ {
		for j := i; j > 0 && pairs[j].name < pairs[j-1].name; j-- {
			pairs[j], pairs[j-1] = pairs[j-1], pairs[j]
		}
	}
}

func appendTexts(b []byte, m map[string]string) ([]byte, bool) {
	if m == nil {
		return append(b, "null"...), true
	}
	var few [8]pair[string]
	pairs := few[:0]
	for name, value := range m {
		pairs = append(pairs, pair[string]{name, value})
	}
	sortPairs(pairs)
	b = append(b, '{')
	for i := range pairs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, pairs[i].name), ':')
		b = appendString(b, pairs[i].value)
	}
	return append(b, '}'), true
}

func appendObject(b []byte, m map[string]any, depth int) ([]byte, bool) {
	if m == nil {
		return append(b, "null"...), true
	}
	var few [8]pair[any]
	pairs := few[:0]
	for name, value := range m {
		pairs = append(pairs, pair[any]{name, value})
	}
	sortPairs(pairs)
	b = append(b, '{')
	for i := range pairs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, pairs[i].name), ':')
		var ok bool
		if b, ok = appendDynamic(b, pairs[i].value, depth); !ok {
			return b, false
		}
	}
	return append(b, '}'), true
}

func (p *plan) appendMap(b []byte, at unsafe.Pointer, depth int) ([]byte, bool) {
	if p.elem.kind == kindAny {
		return appendObject(b, *(*map[string]any)(at), depth)
	}
	m := reflect.NewAt(p.typ, at).Elem()
	if m.IsNil() {
		return append(b, "null"...), true
	}
	pairs := make([]pair[reflect.Value], 0, m.Len())
	for entries := m.MapRange(); entries.Next(); {
		pairs = append(pairs, pair[reflect.Value]{entries.Key().String(), entries.Value()})
	}
	sortPairs(pairs)
	elem := reflect.New(p.elem.typ)
	b = append(b, '{')
	for i := range pairs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, pairs[i].name), ':')
		elem.Elem().Set(pairs[i].value)
		var ok bool
		if b, ok = p.elem.append(b, elem.UnsafePointer(), depth); !ok {
			return b, false
		}
	}
	return append(b, '}'), true
}

// appendDynamic appends a value whose type is known now only.
func appendDynamic(b []byte, v any, depth int) ([]byte, bool) {
	if depth++; depth > deepest {
		return b, false
	}
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), true
	case string:
		return appendString(b, v), true
	case float64:
		return appendFloat64(b, v)
	case map[string]any:
		return appendObject(b, v, depth)
	}
	if b, ok := appendAny(b, v, depth); ok {
		return b, true
	}
	return appendForeign(b, v)
}

// foreignEncoder is an encoder of encoding/json with what it writes to.
type foreignEncoder struct {
	buf bytes.Buffer
	enc *json.Encoder
}

var foreignEncoders = sync.Pool{New: func() any {
	e := new(foreignEncoder)
	e.enc = json.NewEncoder(&e.buf)
	e.enc.SetEscapeHTML(false)
	return e
}}

// appendForeign has encoding/json write v.
func appendForeign(b []byte, v any) ([]byte, bool) {
	e := foreignEncoders.Get().(*foreignEncoder)
	e.buf.Reset()
	err := e.enc.Encode(v)
	if err == nil {
		b = append(b, e.buf.Bytes()[:e.buf.Len()-1]...)
	}
	if e.buf.Cap() <= keptScratch {
		foreignEncoders.Put(e)
	}
	return b, err == nil
}
