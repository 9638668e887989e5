package fastjson

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/jsonscan"
)

type onValue struct{ X int }

func (onValue) MarshalJSON() ([]byte, error) { return []byte("1"), nil }

type onPointer struct{ X int }

func (*onPointer) UnmarshalJSON([]byte) error { return nil }

type textOnPointer string

func (*textOnPointer) UnmarshalText([]byte) error { return nil }

type textOnValue string

func (textOnValue) MarshalText() ([]byte, error) { return nil, nil }

type tree struct {
	Left *tree `json:"left"`
}

// twice is a struct with one name for two fields, which go vet does not like to see.
func twice() any {
	f := reflect.StructField{Name: "A", Type: reflect.TypeFor[int](), Tag: `json:"b"`}
	g := f
	g.Name = "B"
	return reflect.Zero(reflect.StructOf([]reflect.StructField{f, g})).Interface()
}

func TestTypesRefused(t *testing.T) {
	for _, v := range []any{
		uintptr(1), complex64(1), make(chan int), func() {}, map[int]string{}, map[textOnValue]int{}, map[string]onlyText{},
		netip.Addr{}, json.Number("1"), json.RawMessage("1"), onValue{}, onPointer{}, textOnPointer(""), textOnValue(""), new(error),
		struct{ onValue }{}, struct{ *user }{}, struct{ name }{}, struct {
			A int `json:"a,string"`
		}{}, struct {
			A int `json:"a,omitempty,string"`
		}{}, struct {
			A *time.Time `json:"a,omitzero"`
		}{}, twice(), struct {
			point
			X int `json:"x"`
		}{}, reflect.Zero(reflect.ArrayOf(maxFields+1, reflect.TypeFor[chan int]())).Interface(),
	} {
		typ := reflect.TypeOf(v)
		if _, isError := v.(*error); isError {
			typ = typ.Elem()
		}
		if typ.Kind() == reflect.Array {
			continue // refused when it is read
		}
		to := reflect.New(typ)
		for _, data := range []string{`{}`, `[]`, `1`, `"1"`} {
			assert.Equal(t, taken([]byte(data), to.Interface()), false, typ, data)
		}
		_, ok := Append(nil, to.Interface())
		assert.Equal(t, ok, false, typ)
	}
}

// onlyText cannot be written as it is where it has no address.
type onlyText struct{ X int }

func (*onlyText) MarshalText() ([]byte, error) { return []byte("text"), nil }

func taken(data []byte, v any) bool {
	ok, _ := Unmarshal(data, v, lax)
	return ok
}

// Methods on pointers are called only for what has an address.
func TestAddress(t *testing.T) {
	type holder struct {
		T onlyText
		P *onlyText
		L []onlyText
		A [1]onlyText
		M map[string]onlyText
		D any
	}
	h := holder{P: new(onlyText), L: make([]onlyText, 1), M: map[string]onlyText{"a": {}}, D: onlyText{}}
	assert.Equal(t, same(t, h), false)
	assert.Equal(t, same(t, &h), true)
	assert.Equal(t, same(t, map[string]any{"h": h, "p": &h}), true)
}

// A value that contains itself is left to encoding/json, which says so.
func TestCycle(t *testing.T) {
	self := &tree{}
	self.Left = self
	m := map[string]any{}
	m["m"] = m
	l := []any{nil}
	l[0] = l
	for _, v := range []any{self, m, &m, l} {
		_, ok := Append(nil, v)
		assert.Equal(t, ok, false)
	}
}

func TestNoTarget(t *testing.T) {
	for _, v := range []any{nil, (*user)(nil), user{}, 1} {
		assert.Equal(t, taken([]byte(`{}`), v), false, v)
	}
	for _, v := range []any{nil, (*user)(nil), math.NaN(), []float64{1, math.Inf(1)}} {
		_, ok := Append(nil, v)
		assert.Equal(t, ok, false, v)
	}
}

// A value of one pointer lies in the interface itself.
func TestPointerInInterface(t *testing.T) {
	n := 7
	type one struct{ P *int }
	type hidden struct{ p *int }
	for _, v := range []any{one{&n}, one{}, struct{ O one }{one{&n}}, hidden{&n}, hidden{}} {
		if same(t, v) {
			t.Errorf("took %T by value", v)
		}
	}
	for _, v := range []any{&one{&n}, &one{}, &hidden{&n}, struct {
		P *int
		N int
	}{&n, 1}} {
		assert.Equal(t, same(t, v), true, v)
	}
}

func TestTaken(t *testing.T) {
	long := strings.Repeat("octopus ", 200)
	for _, tt := range []struct {
		typ  reflect.Type
		data string
	}{
		{reflect.TypeFor[user](), `{"id":7,"name":"octopus","email":"octopus@example.com"}`},
		{reflect.TypeFor[user](), " {\n\t\"email\" : \"o@sea\" , \"id\":\r-7 } "},
		{reflect.TypeFor[user](), `{}`},
		{reflect.TypeFor[user](), `{"ID":7,"NaMe":"a\nb","\u0065mail":"\ud83d\ude00 \ud800"}`},
		{reflect.TypeFor[user](), `{"id":null,"name":null,"x":{"\u0041":"\u0041"}}`},
		{reflect.TypeFor[rich](), seeds[richSeed]}, {reflect.TypeFor[rich](), seeds[richSeed+1]}, {reflect.TypeFor[rich](), seeds[richSeed+2]},
		{reflect.TypeFor[any](), seeds[richSeed]}, {reflect.TypeFor[map[string]any](), seeds[richSeed+1]},
		{reflect.TypeFor[user](), `{"name":"ä€😀 and more of it"}`},
		{reflect.TypeFor[user](), `{"name":"` + long + `","email":"` + long + `"}`},
		{reflect.TypeFor[user](), `{"x":[{"y":null,"z":[]},-1.5e+7,true,false,"ä"],"id":7,"ids":1}`},
		{reflect.TypeFor[user](), `{"id":9223372036854775807}`},
		{reflect.TypeFor[user](), `{"id":-9223372036854775808}`},
		{reflect.TypeFor[everything](), `{"p":1,"pp":"x","ps":{"x":1},"pt":{"y":2.5},"l":["a","b"],"li":[1,2,3,4,5,6,7,8,9]}`},
		{reflect.TypeFor[everything](), `{"f64":-0,"f32":1e-45,"u64":9999999999999999999,"u8":255,"i8":-128,"b":true}`},
		{reflect.TypeFor[[]user](), `[{"id":1},{"id":2},{"id":3},{"id":4},{"id":5},{"id":6},{"id":7},{"id":8},{"id":9}]`},
		{reflect.TypeFor[[]struct{}](), `[{},{},{},{},{},{"x":1}]`},
		{reflect.TypeFor[**int](), ` 5 `},
	} {
		if agree(t, tt.typ, []byte(tt.data), nil) == 0 {
			t.Errorf("%v: %.80q was refused", tt.typ, tt.data)
		}
	}
}

// What is refused here would be taken wrongly, or is an error that encoding/json words.
func TestRefused(t *testing.T) {
	for _, data := range []string{
		``, ` `, `[]`, `7`, `{`, `{"id"`, `{"id":`, `{"id":7`, `{"id":7,`, `{"id":7,}`, `{"id":7}{}`, `{"id":7};`, "{}\x00", "{\v}",
		`{"id":1,"id":2}`, `{"id":1,"ID":2}`,
		`{"id":"7"}`, `{"id":7.0}`, `{"id":7e0}`, `{"id":7E0}`, `{"id":07}`, `{"id":-}`, `{"id":+7}`, `{"id":true}`,
		`{"id":9223372036854775808}`, `{"id":-9223372036854775809}`, `{"id":18446744073709551617}`, `{"id":100000000000000000000}`,
		"{\"name\":\"a\nb\"}", "{\"name\":\"\xff\"}", "{\"name\":\"0123456789\xc3\"}", `{"name":7}`, `{"name":"\q"}`, `{"name":"\u00g0"}`,
		"{\"x\":\"\xff\"}", "{\"\xff\":1}", `{"x":01}`, `{"x":1.}`, `{"x":1e}`, `{"x":nul}`, `{"x":[1,]}`, `{"x":{1:2}}`,
		`{"x":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + `}`,
	} {
		if agree(t, reflect.TypeFor[user](), []byte(data), nil) > 0 {
			t.Errorf("%q was taken", data)
		}
	}
	for _, data := range []string{`{"l":["a"],"l":["b"]}`, `{"l":[],"l":[]}`, `{"p":1,"p":2}`, `{"ps":{"x":1},"ps":{"y":2}}`, `{"pt":{"x":1},"pt":{"y":2}}`,
		`{"u8":-1}`, `{"u8":-0}`, `{"u8":256}`, `{"f32":3.5e38}`, `{"f64":1e309}`, `{"f64":"1"}`,
		`{"u64":18446744073709551616}`, `{"b":"true"}`} {
		if agree(t, reflect.TypeFor[everything](), []byte(data), nil) > 0 {
			t.Errorf("%q was taken", data)
		}
	}
}

// With the options of a codec, what is refused is named or left to the strict
// scanner.
func TestStrict(t *testing.T) {
	for _, tt := range []struct {
		data    string
		options Options
		fault   jsonscan.Fault
		pointer string
	}{
		{`{"id":1,"x":{"a":1,"b":2}}`, safe, jsonscan.None, ""},
		{`{"pt":{"x":1,"X":2}}`, safe, jsonscan.Duplicate, "/pt/X"},
		{`{"lp":[null,{"x":1,"x":2}]}`, safe, jsonscan.Duplicate, "/lp/1/x"},
		{`{"lp":[null,{"q":1}]}`, Options{Limits: safe.Limits, DisallowUnknown: true}, jsonscan.Unknown, "/lp/1/q"},
	} {
		ok, err := Unmarshal([]byte(tt.data), new(everything), tt.options)
		assert.Equal(t, ok, tt.fault == jsonscan.None, tt.data)
		if got, isFault := errors.AsType[*jsonscan.Error](err); isFault != !ok || isFault && (got.Fault != tt.fault || got.Pointer != tt.pointer) {
			t.Errorf("%s: got %+v, want %v at %s", tt.data, got, tt.fault, tt.pointer)
		}
	}
	exact := Options{Limits: jsonscan.Limits{MaxDepth: 2, SafeIntegers: true}}
	for data, want := range map[string]bool{
		`{"x":[[]]}`: false, `{"x":[]}`: true, `{"ll":[[1]]}`: false, `{"l":["a"]}`: true, `{"x":1,"x":2}`: false, `{"x":{"a":1,"\u0061":2}}`: false,
		`{"i64":9007199254740991}`: true, `{"i64":9007199254740992}`: false, `{"i64":-9007199254740992}`: false, `{"f64":9007199254740992}`: false, `{"f64":9007199254740992.5}`: true, `{"x":9007199254740992}`: false,
	} {
		ok, err := Unmarshal([]byte(data), new(everything), exact)
		assert.NoError(t, err)
		assert.Equal(t, ok, want, data)
	}
	for _, data := range []string{`{"a":{"x":1,"x":2}}`, `{"a":1,"a":2}`} {
		for _, v := range []any{new(any), new(map[string]any), new(map[string]json.RawMessage)} {
			ok, _ := Unmarshal([]byte(data), v, safe)
			assert.Equal(t, ok, false, data)
		}
	}
}

// A value that holds something already is refused, and a failure late in the
// input leaves nothing behind.
func TestTargetUntouched(t *testing.T) {
	full := user{ID: 1, Name: "before"}
	assert.Equal(t, taken([]byte(`{"id":2}`), &full), false)
	assert.Equal(t, full, user{ID: 1, Name: "before"})
	type part struct {
		A     int `json:"a"`
		B     *int
		L     []string
		inner int
	}
	var p part
	assert.Equal(t, taken([]byte(`{"a":1,"B":2,"L":["x","y"],"a":null}`), &p), false)
	assert.Equal(t, p, part{})
	p.inner = 1
	assert.Equal(t, taken([]byte(`{"a":1}`), &p), false)
	assert.Equal(t, p, part{inner: 1})
}

// The ends of strings are found the same at every place of the eight bytes.
func TestTextAnywhere(t *testing.T) {
	for _, odd := range []string{`\"`, `\n`, "\x00", "\x1f", "\n", "ä", "ä\\\"", "\x80", "\xff", "\xe2\x80\xa8", "\xe2\x80\xaa", "\x7f", "!", "#", "[", "]", " ", `\u00e4`} {
		for before := range 20 {
			for after := range 12 {
				for _, fill := range []string{"a", "!", "#", "\x7f", "ß"} {
					s := strings.Repeat(fill, before) + odd + strings.Repeat(fill, after)
					data := []byte(`"` + s + `"`)
					var v string
					if got, want := taken(data, &v), json.Valid(data) && utf8.Valid(data); got != want {
						t.Fatalf("%q: got %v, want %v", data, got, want)
					}
					agree(t, reflect.TypeFor[string](), data, nil)
					same(t, s)
				}
			}
		}
	}
}

// Floats of few digits are written by another way than the rest.
func TestFloats(t *testing.T) {
	for _, f := range []float64{0, math.Copysign(0, -1), 1, -1, 0.1, 0.3, 0.1 + 0.2, 12.34, 1e-6, 1e-7, 0.000001, 0.0000015, 123456.789012, 999999999.999999, 1e9, 1e20, 1e21,
		5e-324, math.MaxFloat64, 1.0000005, 4.35, 2.675, 1e8 + 1e-6, 123456789.000001, 0.9999995, 999999999.9999999} {
		for range 3 {
			assert.Equal(t, same(t, f), true, f)
			assert.Equal(t, same(t, -f), true, f)
			f = math.Nextafter(f, 1e300)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		f := float64(r.Int64N(1e15)) / math.Pow10(r.IntN(16))
		got, _ := Append(nil, f)
		if want, _ := json.Marshal(f); string(got) != string(want) {
			t.Fatalf("got %s, want %s", got, want)
		}
		var back float64
		if !taken(got, &back) || back != f {
			t.Fatalf("%s: got %v", got, back)
		}
	}
}

// Many types met at once by many goroutines.
func TestCache(t *testing.T) {
	var c cache
	var types []any
	for i := range 100 {
		typ := reflect.StructOf([]reflect.StructField{{Name: "F" + strconv.Itoa(i), Type: reflect.TypeFor[string]()}})
		types = append(types, reflect.Zero(typ).Interface(), reflect.New(typ).Interface())
	}
	types = append(types, map[int]int{}, 1, "x")
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for round := range 3 {
				for i := range types {
					v := types[(i*(g+1)+round)%len(types)]
					k := c.of(words(&v).typ, v)
					_, isMap := v.(map[int]int)
					assert.Equal(t, k.plan == nil, isMap, v)
					if k.plan != nil {
						want := reflect.TypeOf(v)
						if k.pointer {
							want = want.Elem()
						}
						assert.Equal(t, k.plan.typ, want)
					}
				}
			}
		})
	}
	wg.Wait()
	assert.Equal(t, c.slots.Load().used, len(types))
}
