package fastjson

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/jsonscan"
	"github.com/tako-go/tako/internal/schema"
)

type role struct {
	Role string `json:"role"`
}

type Left struct {
	Same  int
	Left  int `json:"L"`
	Named int `json:"one"`
	Deep
}

type Right struct {
	Same  int
	Right int `json:"R,string"`
	Named int `json:"two"`
	*Deep
}

type Deep struct{ Low, Twice int }

type outer struct {
	*Left
	Right  `json:""`
	Tagged Deep           `json:"tagged"`
	Bare   map[int]role   `json:"bare"`
	Small  map[uint8]role `json:"small"`
	Fixed  [1]role        `json:"fixed"`
	Many   [][]*role      `json:"many"`
	Maybe  optionalRole   `json:"maybe"`
	Pick   unionOf        `json:"pick"`
	When   time.Time      `json:"when"`
	Next   *outer         `json:"next"`
	Skip   role           `json:"-"`
	Dash   role           `json:"-,"`
	K, S   int
	hidden int
}

// optionalRole looks like the optional values of the root.
type optionalRole struct {
	value role
	state schema.State
}

func (o *optionalRole) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &o.value) }

// unionOf looks like the unions of the root.
type unionOf struct {
	Value struct {
		_    struct{} `discriminator:"kind"`
		Role *role    `variant:"role"`
		Kind *kinded  `variant:"kind"`
	}
	kind schema.Kind
}

func (*unionOf) UnmarshalJSON([]byte) error { return nil }

type kinded struct {
	Kind string `json:"kind"`
	Sub  role   `json:"sub"`
}

func TestCheckNames(t *testing.T) {
	var boxed any = &role{}
	strict := Options{DisallowUnknown: true, Limits: jsonscan.Limits{MaxDepth: 1000}}
	lenient := Options{DisallowUnknown: true, Limits: lax.Limits}
	for _, tt := range []struct {
		v       any
		text    string
		options Options
		fault   jsonscan.Fault
		pointer string
	}{
		{new(role), `{"role":"user","ROLE":"admin"}`, safe, jsonscan.Duplicate, "/ROLE"},
		{new(role), `{"role":"user","\u0052ole":"admin"}`, safe, jsonscan.Duplicate, "/Role"},
		{new(role), `{"role":"user","ROLE":"admin"}`, lax, jsonscan.None, ""}, {new(role), `{"role":"user","ROLE":"admin"}`, lenient, jsonscan.None, ""},
		{new(role), `{"role":"user","rôle":"admin"}`, safe, jsonscan.None, ""}, {new(role), `{"role":"user","rôle":"admin"}`, lenient, jsonscan.Unknown, "/rôle"},
		{new(role), `[{"role":"","ROLE":""}]`, safe, jsonscan.None, ""}, {&boxed, `{"role":"user","ROLE":"admin"}`, safe, jsonscan.Duplicate, "/ROLE"},
		{new(outer), ` { "L" : 1 , "l" : 2 } `, safe, jsonscan.Duplicate, "/l"}, {new(outer), `{"R":"1","r":"2"}`, safe, jsonscan.Duplicate, "/r"},
		{new(outer), "{\"K\":1,\"\u212a\":2}", safe, jsonscan.Duplicate, "/\u212a"}, {new(outer), "{\"s\":1,\"\u017f\":2}", safe, jsonscan.Duplicate, "/\u017f"},
		{new(outer), `{"Same":1,"same":2}`, safe, jsonscan.None, ""}, {new(outer), `{"Same":1}`, strict, jsonscan.Unknown, "/Same"},
		{new(outer), `{"Low":1}`, strict, jsonscan.Unknown, "/Low"}, {new(outer), `{"one":1,"two":2,"-":{"role":""}}`, strict, jsonscan.None, ""},
		{new(outer), `{"hidden":1}`, strict, jsonscan.Unknown, "/hidden"}, {new(outer), `{"Skip":1}`, strict, jsonscan.Unknown, "/Skip"},
		{new(outer), `{"bare":{"1":{"role":"","Role":""}}}`, safe, jsonscan.Duplicate, "/bare/1/Role"}, {new(outer), `{"bare":{"1":{},"+1":{}}}`, safe, jsonscan.Duplicate, "/bare/+1"},
		{new(outer), `{"bare":{"1":{},"-1":{},"x":{}}}`, safe, jsonscan.None, ""}, {new(outer), `{"small":{"1":{},"01":{}}}`, safe, jsonscan.Duplicate, "/small/01"},
		{new(outer), `{"many":[[],[null,{"role":"","rolE":""}]]}`, safe, jsonscan.Duplicate, "/many/1/1/rolE"}, {new(outer), `{"many":{"a":[]}}`, strict, jsonscan.None, ""},
		{new(outer), `{"fixed":[{},{"role":"","ROLE":"","x":1}]}`, strict, jsonscan.None, ""}, {new(outer), `{"fixed":[{"x":1}]}`, strict, jsonscan.Unknown, "/fixed/0/x"},
		{new(outer), `{"maybe":{"role":"","ROLE":""}}`, safe, jsonscan.Duplicate, "/maybe/ROLE"}, {new(outer), `{"maybe":{"zz":1}}`, strict, jsonscan.Unknown, "/maybe/zz"}, {new(outer), `{"maybe":null}`, strict, jsonscan.None, ""},
		{new(outer), `{"pick":{"kind":"role","role":""}}`, strict, jsonscan.None, ""}, {new(outer), `{"pick":{"role":"","zz":1,"kind":"r\u006fle"}}`, strict, jsonscan.Unknown, "/pick/zz"},
		{new(outer), `{"pick":{"role":"","ROLE":"","kind":"role"}}`, safe, jsonscan.Duplicate, "/pick/ROLE"}, {new(outer), `{"pick":{"kind":"role","Kind":"kind"}}`, safe, jsonscan.Duplicate, "/pick/Kind"},
		{new(outer), `{"pick":{"kind":"kind","sub":{"x":1}}}`, strict, jsonscan.Unknown, "/pick/sub/x"}, {new(outer), `{"pick":{"kind":"none","x":1}}`, strict, jsonscan.None, ""},
		{new(outer), `{"pick":{"sub":{"kind":"}","a":["\"]"]},"kind":"role","x":1}}`, strict, jsonscan.Unknown, "/pick/sub"}, {new(outer), `{"pick":{"KIND":"role","x":1}}`, strict, jsonscan.None, ""},
		{new(outer), `{"next":{"next":{"l":1,"L":2}}}`, safe, jsonscan.Duplicate, "/next/next/L"}, {new(outer), `{"when":{"a":1,"A":2}}`, strict, jsonscan.None, ""},
		{new(any), `{"a":1,"A":2}`, strict, jsonscan.None, ""}, {new(map[string]role), `{"a":{},"A":{}}`, strict, jsonscan.None, ""}, {nil, `{}`, strict, jsonscan.None, ""}, {role{}, `{"x":1}`, strict, jsonscan.None, ""},
	} {
		err, _ := CheckNames([]byte(tt.text), tt.v, tt.options).(*jsonscan.Error)
		if tt.fault == jsonscan.None && err != nil || tt.fault != jsonscan.None && (err == nil || err.Fault != tt.fault || err.Pointer != tt.pointer) {
			t.Errorf("%T %s: got %+v, want %v at %s", tt.v, tt.text, err, tt.fault, tt.pointer)
		}
	}
}

// A struct that is a part of what this package takes is looked at as well.
func TestNamesOfParts(t *testing.T) {
	for text, ok := range map[string]bool{`{"odd":{"n":"1","N":"2"}}`: false, `{"odd":{"X":1,"x":2}}`: false, `{"odd":{"n":"1"}}`: true} {
		var v rich
		got, err := Unmarshal([]byte(text), &v, safe)
		if got != ok || (err == nil) != ok || !ok && !reflect.DeepEqual(v, rich{}) {
			t.Errorf("%s: got %v %v, want %v", text, got, err, ok)
		}
	}
}

// The names of a struct are those that encoding/json knows.
func TestNamesAgree(t *testing.T) {
	names := []string{"Same", "same", "L", "l", "Left", "Right", "R", "one", "two", "Named", "Low", "Twice", "tagged", "Tagged", "Deep", "-", "Dash", "Skip", "hidden",
		"x", "X", "y", "n", "N", "point", "K", "k", "\u212a", "s", "\u017f", "role", "id", "größe <&> ", "a", "b", "value", "state", "Plain", "d-e.f"}
	type twice struct {
		Left
		Right
		Low int
	}
	type self struct {
		*Left
		A int `json:"a,omitempty"`
		B int `json:",omitempty"`
	}
	type oddTags struct {
		A int `json:"a\"b"`
		B int `json:"b,string,x"`
		role
		*point
		X any `json:"X"`
	}
	for _, typ := range slices.Concat(handled, []reflect.Type{reflect.TypeFor[outer](), reflect.TypeFor[twice](), reflect.TypeFor[self](), reflect.TypeFor[oddTags](), reflect.TypeFor[odd](), reflect.TypeFor[Right]()}) {
		if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() {
			continue
		}
		for _, name := range names {
			quoted, _ := json.Marshal(name)
			text := []byte(`{` + string(quoted) + `:null}`)
			d := json.NewDecoder(bytes.NewReader(text))
			d.DisallowUnknownFields()
			err := d.Decode(reflect.New(typ).Interface())
			unknown := err != nil && strings.Contains(err.Error(), "unknown field")
			got := CheckNames(text, reflect.New(typ).Interface(), Options{DisallowUnknown: true, Limits: lax.Limits})
			if (got != nil) != unknown {
				t.Errorf("%v %q: got %v, encoding/json says %v", typ, name, got, err)
			}
		}
	}
}
