package simdjson

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/fastjson"
	"github.com/tako-go/tako/internal/jsonscan"
)

type Inner struct {
	A int    `json:"a"`
	B string `json:"b,omitempty"`
}

type Deep struct {
	C float64 `json:"c"`
	L []Inner `json:"l"`
}

// Embedding is left to encoding/json by the root.
type Embedding struct {
	*Inner
	Deep
	P *Deep    `json:"p,omitempty"`
	X any      `json:"x"`
	S []*Inner `json:"s"`
	R *Embedding
}

type Keys struct {
	I map[int]string     `json:"i,omitempty"`
	U map[uint8]*Inner   `json:"u"`
	N map[string]Quoted  `json:"n"`
	F [2]map[int64][]any `json:"f"`
}

type Quoted struct {
	I int     `json:"i,string"`
	B bool    `json:"b,string,omitempty"`
	F float64 `json:"f,string"`
	S string  `json:"s"`
}

// Twice has a name for two fields, of which one wins.
type Twice struct {
	Inner
	Deep
	A string `json:"a"`
	L int    `json:"c,omitempty"`
}

type Plain struct {
	Name string            `json:"name"`
	Age  int               `json:"age"`
	At   time.Time         `json:"at,omitzero"`
	M    map[string]string `json:"m"`
	Addr netip.Addr        `json:"addr,omitzero"`
}

var types = []reflect.Type{
	reflect.TypeFor[Embedding](), reflect.TypeFor[[]Embedding](), reflect.TypeFor[Keys](), reflect.TypeFor[Quoted](), reflect.TypeFor[Twice](),
	reflect.TypeFor[Plain](), reflect.TypeFor[map[int]Plain](), reflect.TypeFor[map[int]string](), reflect.TypeFor[any](),
}

var seeds = []string{
	`{"a":1,"b":"x","c":1.5,"l":[{"a":2}],"p":{"c":2,"l":null},"x":[1,{"q":null}],"s":[null,{"a":1}],"R":{"a":2}}`, `{"A":1}`, `{"a":null}`, `null`,
	`{"b":"\ud800x\u00e4","x":1e400}`, `{"i":{"1":"x","-2":"y"},"u":{"7":{"a":1},"300":null},"n":{"k":{"i":"5","b":"true","f":"1.5"}},"f":[{"1":[2]},{}]}`,
	`{"i":5}`, `{"i":"x"}`, `{"i":null,"f":"null"}`, `{"a":"text","c":7,"b":"y"}`, `[{"a":1},{}]`, `{"1":"a","2":"b"}`, `{"1":{"name":"x"}}`, `{"01":"a","1":"b"}`,
	`{"name":"a","age":7,"at":"2026-01-02T03:04:05Z","m":{"k":"v"},"addr":"192.0.2.1"}`, `{"1":{"at":"2026-01-02T03:04:05+24:00"}}`, `{"at":"2026-01-02T03:04:05,5Z"}`, `{"name":"a","name":"b"}`, `{"a":1,"a":2}`, "{\"b\":\"\xff\"}", `{"a":1}x`, ``, `[`,
	`{"a":1.0}`, `{"a":9223372036854775808}`, `{"c":1e999}`, `{"a":"1"}`, `{"b":7}`, `{"l":{}}`, `{"p":[]}`, `{"R":{"R":{"R":{}}}}`,
}

// FuzzDifferential compares with encoding/json: what is taken, to which value, and
// how that is written.
func FuzzDifferential(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s), 0)
	}
	f.Fuzz(func(t *testing.T, data []byte, threshold int) {
		for _, typ := range types {
			for _, lax := range []bool{true, false} {
				codec := Codec{Threshold: threshold, JSON: tako.JSONConfig{AllowDuplicateNames: lax, MaxDepth: 10000}}
				agree(t, codec, typ, data, lax)
			}
		}
	})
}

func agree(t *testing.T, codec Codec, typ reflect.Type, data []byte, lax bool) {
	t.Helper()
	want, got := reflect.New(typ), reflect.New(typ)
	wantErr := json.Unmarshal(data, want.Interface())
	err := codec.Decode(data, got.Interface())
	switch {
	case err == nil && wantErr != nil:
		t.Fatalf("%v: took %q, encoding/json says %v", typ, data, wantErr)
	case err != nil && wantErr == nil:
		fault := jsonscan.Check(data, jsonscan.Limits{MaxDepth: 10000})
		if lax && utf8.Valid(data) && !oddTime(data) || !lax && fault == nil && tako.AsError(err).Detail != "the JSON has a name twice in one object" && !oddTime(data) {
			t.Fatalf("%v: refused %q: %v", typ, data, err)
		}
	case err == nil:
		if !reflect.DeepEqual(got.Interface(), want.Interface()) {
			t.Fatalf("%v: %q: got %+v, want %+v", typ, data, got.Elem(), want.Elem())
		}
		var wrote bytes.Buffer
		if err := codec.Encode(&wrote, got.Interface()); err != nil {
			t.Fatalf("%v: %q: %v", typ, data, err)
		}
		var oracle bytes.Buffer
		e := json.NewEncoder(&oracle)
		e.SetEscapeHTML(false)
		if e.Encode(want.Interface()) != nil || oracle.String() != wrote.String()+"\n" {
			t.Fatalf("%v: %q: got %s, want %s", typ, data, wrote.Bytes(), oracle.Bytes())
		}
	}
}

// oddTime reports a text with what encoding/json takes for a time and the root does not.
func oddTime(data []byte) bool {
	return fastjson.FindOddTime(data, new(Plain)) != nil || fastjson.FindOddTime(data, new(map[int]Plain)) != nil
}
