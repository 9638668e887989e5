package fastjson

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tako-go/tako/internal/jsonscan"
)

// lax is what encoding/json takes, safe what a codec takes by default.
var (
	lax  = Options{Limits: jsonscan.Limits{MaxDepth: 10000, AllowDuplicates: true}}
	safe = Options{Limits: jsonscan.Limits{MaxDepth: 1000}}
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

type base struct {
	ID   int       `json:"id"`
	Made time.Time `json:"made,omitzero"`
}

// rich has what is less common.
type rich struct {
	base
	M    map[string]string  `json:"m,omitempty"`
	MA   map[string]any     `json:"ma"`
	MP   map[name]*point    `json:"mp,omitempty"`
	ML   map[string][]point `json:"ml,omitempty"`
	Any  any                `json:"any"`
	Arr  [2]int             `json:"arr"`
	Raw  []byte             `json:"raw,omitempty"`
	Num  json.Number        `json:"num,omitempty"`
	Msg  json.RawMessage    `json:"msg,omitempty"`
	Addr netip.Addr         `json:"addr,omitzero"`
	MI   map[int]string     `json:"mi,omitempty"`
	Odd  odd                `json:"odd"`
	Kids []rich             `json:"kids,omitempty"`
	Next *rich              `json:"next,omitempty"`
	Ünal string             `json:"größe <&> "`
	Zero point              `json:"zero,omitzero"`
	Own  onPointer          `json:"own"`
	Err  error              `json:"err"`
}

// odd is for encoding/json as a whole.
type odd struct {
	N int `json:"n,string"`
	*point
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
	reflect.TypeFor[struct{ A, B, C struct{ X, Y []int } }](), reflect.TypeFor[rich](), reflect.TypeFor[any](),
	reflect.TypeFor[map[string]string](), reflect.TypeFor[map[string]any](), reflect.TypeFor[map[name]point](), reflect.TypeFor[[]any](),
	reflect.TypeFor[[]byte](), reflect.TypeFor[[3]string](), reflect.TypeFor[time.Time](), reflect.TypeFor[tree](),
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
		ok, _ := Unmarshal(data, got.Interface(), lax)
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
		if prefill == nil {
			agreeStrictly(t, typ, data, got.Interface())
		}
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

// agreeStrictly decodes what encoding/json takes with the options of a codec.
func agreeStrictly(t *testing.T, typ reflect.Type, data []byte, want any) {
	t.Helper()
	got := reflect.New(typ)
	ok, err := Unmarshal(data, got.Interface(), safe)
	fault := jsonscan.Check(data, safe.Limits)
	if ok != (err == nil && fault == nil) {
		t.Fatalf("%v: %q: took it: %v, error %v, the scanner says %v", typ, data, ok, err, fault)
	}
	if ok && !reflect.DeepEqual(got.Interface(), want) {
		t.Fatalf("%v: %q: got %s, want %s", typ, data, show(got), show(reflect.ValueOf(want)))
	}
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
