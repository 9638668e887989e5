package fastjson

import (
	"encoding/json"
	"math"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
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

type forest struct {
	Trees []grove `json:"trees"`
}

type grove struct {
	Inside []forest `json:"inside"`
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
		map[string]int{}, []byte{}, [2]int{}, uintptr(1), complex64(1), make(chan int), func() {},
		time.Time{}, netip.Addr{}, json.Number("1"), json.RawMessage("1"), onValue{}, onPointer{}, textOnPointer(""), textOnValue(""),
		tree{}, forest{},
		struct{ onValue }{}, struct{ point }{}, struct{ *user }{}, struct{ name }{},
		struct {
			A any
		}{}, struct {
			A time.Time
		}{}, struct {
			A *onPointer
		}{}, struct {
			A []textOnPointer
		}{}, struct {
			A int `json:"a,string"`
		}{}, struct {
			A int `json:"a,omitzero"`
		}{}, struct {
			A int `json:"a,omitempty,string"`
		}{}, struct {
			A int `json:"ä"`
		}{}, struct {
			A int `json:"a b"`
		}{}, struct {
			A int `json:"a\"b"`
		}{}, struct {
			Ä int
		}{}, twice(), struct {
			A int `json:"B"`
			B int
		}{},
	} {
		typ := reflect.TypeOf(v)
		to := reflect.New(typ)
		for _, data := range []string{`{}`, `[]`, `1`, `"1"`} {
			assert.Equal(t, Unmarshal([]byte(data), to.Interface()), false, typ, data)
		}
		for _, v := range []any{v, to.Interface()} {
			_, ok := Append(nil, v)
			assert.Equal(t, ok, false, typ)
		}
	}
}

func TestNoTarget(t *testing.T) {
	for _, v := range []any{nil, (*user)(nil), user{}, 1} {
		assert.Equal(t, Unmarshal([]byte(`{}`), v), false, v)
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
		{reflect.TypeFor[user](), `{"id":1,"id":2,"name":"a","name":"b"}`},
		{reflect.TypeFor[user](), `{"name":"ä€😀 and more of it"}`},
		{reflect.TypeFor[user](), `{"name":"` + long + `","email":"` + long + `"}`},
		{reflect.TypeFor[user](), `{"x":[{"y":null,"z":[]},-1.5e+7,true,false,"ä"],"id":7,"ids":1}`},
		{reflect.TypeFor[user](), `{"id":9223372036854775807}`},
		{reflect.TypeFor[user](), `{"id":-9223372036854775808}`},
		{reflect.TypeFor[everything](), `{"p":1,"pp":"x","ps":{"x":1},"pt":{"y":2.5},"l":["a","b"],"li":[1,2,3,4,5,6,7,8,9]}`},
		{reflect.TypeFor[everything](), `{"pt":{"x":1},"pt":{"y":2}}`},
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
		``, ` `, `null`, `[]`, `7`, `{`, `{"id"`, `{"id":`, `{"id":7`, `{"id":7,`, `{"id":7,}`, `{"id":7}{}`, `{"id":7};`, "{}\x00", "{\v}",
		`{"ID":7}`, `{"Id":7}`, `{"NAME":"x"}`, "{\"\u212a\":1}", `{"n\u0061me":"x"}`,
		`{"id":null}`, `{"id":"7"}`, `{"id":7.0}`, `{"id":7e0}`, `{"id":7E0}`, `{"id":07}`, `{"id":-}`, `{"id":+7}`, `{"id":true}`,
		`{"id":9223372036854775808}`, `{"id":-9223372036854775809}`, `{"id":18446744073709551617}`, `{"id":100000000000000000000}`,
		`{"name":"a\nb"}`, "{\"name\":\"a\nb\"}", "{\"name\":\"\xff\"}", "{\"name\":\"0123456789\xc3\"}", "{\"name\":\"ä\\u0041aaaaaaaa\"}", `{"name":7}`,
		`{"x":"\u0041"}`, "{\"x\":\"\xff\"}", "{\"\xff\":1}", `{"x":01}`, `{"x":1.}`, `{"x":1e}`, `{"x":nul}`, `{"x":[1,]}`, `{"x":{1:2}}`,
		`{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
	} {
		if agree(t, reflect.TypeFor[user](), []byte(data), nil) > 0 {
			t.Errorf("%q was taken", data)
		}
	}
	for _, data := range []string{`{"l":["a"],"l":["b"]}`, `{"l":[],"l":[]}`, `{"p":1,"p":2}`, `{"ps":{"x":1},"ps":{"y":2}}`,
		`{"l":null}`, `{"u8":-1}`, `{"u8":-0}`, `{"u8":256}`, `{"f32":3.5e38}`, `{"f64":1e309}`, `{"f64":"1"}`,
		`{"u64":18446744073709551616}`, `{"b":"true"}`} {
		if agree(t, reflect.TypeFor[everything](), []byte(data), nil) > 0 {
			t.Errorf("%q was taken", data)
		}
	}
}

// A value that holds something already is refused, and a failure late in the
// input leaves nothing behind.
func TestTargetUntouched(t *testing.T) {
	full := user{ID: 1, Name: "before"}
	assert.Equal(t, Unmarshal([]byte(`{"id":2}`), &full), false)
	assert.Equal(t, full, user{ID: 1, Name: "before"})
	type part struct {
		A     int `json:"a"`
		B     *int
		L     []string
		inner int
	}
	var p part
	assert.Equal(t, Unmarshal([]byte(`{"a":1,"B":2,"L":["x","y"],"a":null}`), &p), false)
	assert.Equal(t, p, part{})
	p.inner = 1
	assert.Equal(t, Unmarshal([]byte(`{"a":1}`), &p), false)
	assert.Equal(t, p, part{inner: 1})
}

// The ends of strings are found the same at every place of the eight bytes.
func TestStringEnd(t *testing.T) {
	for _, odd := range []string{`"`, `\`, "\x00", "\x1f", "\n", "ä", "ä\"", "\x80", "\xff\"", "\xe2\x80\xa8", "\x7f", "!", "#", "[", "]", " "} {
		for before := range 20 {
			for after := range 12 {
				for _, fill := range []string{"a", "!", "#", "\x7f", "ß"} {
					s := strings.Repeat(fill, before) + odd + strings.Repeat(fill, after)
					data := []byte(`"` + s + `"` + "tail")
					end, ok := stringEnd(data, 1)
					wantEnd, wantOK := slowEnd(data)
					if ok != wantOK || ok && end != wantEnd {
						t.Fatalf("%q: got %d %v, want %d %v", data, end, ok, wantEnd, wantOK)
					}
					same(t, s)
				}
			}
		}
	}
}

func slowEnd(data []byte) (int, bool) {
	i := 1
	for i < len(data) && data[i] != '"' && data[i] != '\\' && data[i] >= ' ' {
		i++
	}
	return i, i < len(data) && data[i] == '"' && strings.ToValidUTF8(string(data[:i]), "") == string(data[:i])
}

// Many types met at once by many goroutines.
func TestCache(t *testing.T) {
	var c cache
	var types []any
	for i := range 100 {
		typ := reflect.StructOf([]reflect.StructField{{Name: "F" + strconv.Itoa(i), Type: reflect.TypeFor[string]()}})
		types = append(types, reflect.Zero(typ).Interface(), reflect.New(typ).Interface())
	}
	types = append(types, map[string]int{}, 1, "x")
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for round := range 3 {
				for i := range types {
					v := types[(i*(g+1)+round)%len(types)]
					k := c.of(words(&v).typ, v)
					_, isMap := v.(map[string]int)
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

func TestAllocations(t *testing.T) {
	buf := make([]byte, 0, 256)
	body := []byte(`{"id":7,"name":"octopus","email":"octopus@example.com"}`)
	numbers := []byte(`{"id":7,"name":""}`)
	long := []byte(`{"name":"` + strings.Repeat("x", sharedText) + `","email":"octopus@example.com"}`)
	list := []byte(`{"l":["a","b","c","d"],"ps":{"x":1}}`)
	var u user
	var all everything
	for _, tt := range []struct {
		name string
		want float64
		f    func()
	}{
		{"strings share", 1, func() { u = user{}; Unmarshal(body, &u) }},
		{"long strings", 2, func() { u = user{}; Unmarshal(long, &u) }},
		{"numbers", 0, func() { u = user{}; Unmarshal(numbers, &u) }},
		{"list and pointer", 3, func() { all = everything{}; Unmarshal(list, &all) }},
		{"append", 0, func() { buf, _ = Append(buf[:0], &u) }},
	} {
		assert.Equal(t, testing.AllocsPerRun(100, tt.f), tt.want, tt.name)
	}
}
