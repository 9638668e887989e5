package fastjson

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"
)

type point struct {
	X int     `json:"x"`
	Y float64 `json:"y,omitempty"`
}

type name string

// everything has a field of each kind that is handled.
type everything struct {
	S     string        `json:"s"`
	B     bool          `json:"b"`
	I     int           `json:"i"`
	I8    int8          `json:"i8"`
	I16   int16         `json:"i16"`
	I32   int32         `json:"i32"`
	I64   int64         `json:"i64"`
	U     uint          `json:"u"`
	U8    uint8         `json:"u8"`
	U16   uint16        `json:"u16"`
	U32   uint32        `json:"u32"`
	U64   uint64        `json:"u64"`
	F32   float32       `json:"f32"`
	F64   float64       `json:"f64"`
	P     *int          `json:"p"`
	PP    **string      `json:"pp"`
	PS    *point        `json:"ps"`
	Pt    point         `json:"pt"`
	L     []string      `json:"l"`
	LI    []int8        `json:"li"`
	LP    []*point      `json:"lp"`
	LS    []point       `json:"ls"`
	LL    [][]int       `json:"ll"`
	PL    *[]bool       `json:"pl"`
	Name  name          `json:"Name"`
	D     time.Duration `json:"d-e.f"`
	Plain string
	Skip  string `json:"-"`
	inner map[string]int
}

// sparse leaves out what is empty.
type sparse struct {
	S  string   `json:"s,omitempty"`
	B  bool     `json:"b,omitempty"`
	I  int      `json:"i,omitempty"`
	U  uint8    `json:"u,omitempty"`
	F  float64  `json:"f,omitempty"`
	F3 float32  `json:",omitempty"`
	P  *string  `json:"p,omitempty"`
	L  []int    `json:"l,omitempty"`
	Pt point    `json:"pt,omitempty"`
	LP []*point `json:"lp,omitempty"`
}

type user struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email,omitempty"`
}

type small struct {
	A int8  `json:"a"`
	B uint8 `json:"b"`
	C bool  `json:"c"`
}

type skolem struct {
	K string `json:"k"`
	S string `json:"s"`
}

// handled are types that this package takes.
var handled = []reflect.Type{
	reflect.TypeFor[everything](), reflect.TypeFor[sparse](), reflect.TypeFor[user](), reflect.TypeFor[small](),
	reflect.TypeFor[skolem](), reflect.TypeFor[struct{}](), reflect.TypeFor[string](), reflect.TypeFor[bool](),
	reflect.TypeFor[int](), reflect.TypeFor[uint64](), reflect.TypeFor[float32](), reflect.TypeFor[float64](),
	reflect.TypeFor[[]user](), reflect.TypeFor[[]string](), reflect.TypeFor[[]struct{}](), reflect.TypeFor[*user](),
	reflect.TypeFor[[]*int](), reflect.TypeFor[[][]point](), reflect.TypeFor[**bool](),
	reflect.TypeFor[struct{ A, B, C struct{ X, Y []int } }](),
}

// agree decodes data into two values of type t by both ways and compares them,
// from blank values and from those that first is decoded to. It returns how many
// times the fast way was taken.
func agree(t *testing.T, typ reflect.Type, data, first []byte) (taken int) {
	t.Helper()
	for _, prefill := range [][]byte{nil, first} {
		want, got := reflect.New(typ), reflect.New(typ)
		if prefill != nil {
			_ = json.Unmarshal(prefill, want.Interface())
			_ = json.Unmarshal(prefill, got.Interface())
		}
		before := append([]byte(nil), data...)
		ok := Unmarshal(data, got.Interface())
		if !bytes.Equal(before, data) {
			t.Fatalf("%v: the input was changed", typ)
		}
		if !ok {
			if !reflect.DeepEqual(got.Interface(), want.Interface()) {
				t.Fatalf("%v from %s: %q was refused, but changed the value", typ, prefill, data)
			}
			continue
		}
		taken++
		if err := json.Unmarshal(data, want.Interface()); err != nil {
			t.Fatalf("%v from %s: took %q, encoding/json says %v", typ, prefill, data, err)
		}
		if !utf8.Valid(data) {
			t.Fatalf("%v: took %q, which is not UTF-8", typ, data)
		}
		if !reflect.DeepEqual(got.Interface(), want.Interface()) {
			t.Fatalf("%v from %s: %q:\n got %s\nwant %s", typ, prefill, data, show(got), show(want))
		}
		clear(data) // must not be kept
		if !reflect.DeepEqual(got.Interface(), want.Interface()) {
			t.Fatalf("%v: the input was kept", typ)
		}
		copy(data, before)
		same(t, got.Interface())
		same(t, got.Elem().Interface())
	}
	return taken
}

func show(v reflect.Value) []byte {
	b, _ := json.Marshal(v.Interface())
	return b
}

// oracle is what encoding/json writes.
func oracle(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// same compares how both ways write v, and reports whether the fast one was taken.
func same(t *testing.T, v any) (taken bool) {
	t.Helper()
	got, ok := Append([]byte("before"), v)
	if !ok {
		return false
	}
	want, err := oracle(v)
	if err != nil {
		t.Fatalf("%#v: got %s, encoding/json says %v", v, got, err)
	}
	if string(got) != "before"+string(want) {
		t.Fatalf("%T:\n got %s\nwant before%s", v, got, want)
	}
	return true
}
