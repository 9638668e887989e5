package schema_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"reflect"
	"time"

	"github.com/tako-go/tako/internal/schema"
)

// opt and oneOf have the form of tako.Opt and tako.OneOf, which this package cannot import.
type opt[T any] struct {
	value T
	state schema.State
}

func (o *opt[T]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*o = opt[T]{state: schema.Null}
		return nil
	}
	o.state = schema.Present
	return json.Unmarshal(data, &o.value)
}

func (o opt[T]) MarshalJSON() ([]byte, error) {
	if o.state != schema.Present {
		return []byte("null"), nil
	}
	return json.Marshal(o.value)
}

type oneOf[V any] struct {
	Value V
	kind  schema.Kind
}

func (o *oneOf[V]) UnmarshalJSON(data []byte) error {
	*o = oneOf[V]{}
	if schema.IsNull(data) {
		o.kind.State = schema.Null
		return nil
	}
	t := reflect.TypeFor[V]()
	discriminator, variants, mistakes := schema.Variants(t)
	if mistakes != nil {
		return errors.New(mistakes[0])
	}
	name, names, object := schema.AnyDiscriminator(data, discriminator)
	if !object {
		return &json.UnmarshalTypeError{Value: "another kind", Type: t}
	}
	o.kind = schema.Kind{Name: name, State: schema.Present}
	for _, v := range variants {
		if names && v.Kind == name {
			p := reflect.ValueOf(&o.Value).Elem().Field(v.Index)
			p.Set(reflect.New(p.Type().Elem()))
			return json.Unmarshal(data, p.Interface())
		}
	}
	return nil
}

type flat struct {
	Name  string `json:"name" required:"true" minLength:"1" maxLength:"20"`
	Email string `json:"email" required:"true" format:"email"`
	Code  string `json:"code" pattern:"^[a-z]+$" minLength:"2"`
	Age   int    `json:"age" minimum:"18" maximum:"130"`
	Rank  int    `json:"rank" minimum:"1" exclusiveMaximum:"10"`
}

type numbers struct {
	I8  int8    `json:"i8" minimum:"-5"`
	I16 int16   `json:"i16" exclusiveMinimum:"3" multipleOf:"3"`
	I32 int32   `json:"i32" enum:"1,2,30"`
	I64 int64   `json:"i64" const:"7"`
	U8  uint8   `json:"u8" maximum:"200"`
	U16 uint16  `json:"u16" exclusiveMaximum:"100"`
	U32 uint32  `json:"u32" multipleOf:"7"`
	U   uint    `json:"u" enum:"0,5"`
	F32 float32 `json:"f32" minimum:"0.1" maximum:"0.7"`
	F64 float64 `json:"f64" multipleOf:"0.01" exclusiveMaximum:"2.5" exclusiveMinimum:"-2.5"`
	FE  float64 `json:"fe" enum:"0.5,1.5,3"`
	B   bool    `json:"b" const:"true"`
	C   bool    `json:"c"`
}

type wanted struct {
	S string            `json:"s" required:"true"`
	I int               `json:"i" required:"true"`
	B bool              `json:"b" required:"true"`
	P *int              `json:"p" required:"true" minimum:"2"`
	L []string          `json:"l" required:"true" items.minLength:"1"`
	M map[string]int    `json:"m" required:"true" values.minimum:"1"`
	N address           `json:"n" required:"true"`
	A any               `json:"a" required:"true"`
	O opt[string]       `json:"o" required:"true" minLength:"2"`
	T time.Time         `json:"t" required:"true"`
	U oneOf[animal]     `json:"u" required:"true"`
	R json.RawMessage   `json:"r" required:"true"`
	X [2]int            `json:"x" required:"true"`
	D map[string]string `json:"d" required:"true" nullable:"true"`
}

type address struct {
	Street string `json:"street" required:"true" minLength:"1"`
	City   string `json:"city,omitempty" maxLength:"5"`
	Zip    string `json:"zip" pattern:"^[0-9]{3}$"`
}

type nested struct {
	Home  address            `json:"home"`
	Work  *address           `json:"work"`
	All   []address          `json:"all" minItems:"1" maxItems:"3"`
	Some  []*address         `json:"some"`
	By    map[string]address `json:"by" maxProperties:"2"`
	Maybe opt[address]       `json:"maybe"`
}

type node struct {
	Value    string           `json:"value" required:"true" minLength:"1"`
	Left     *node            `json:"left"`
	Children []node           `json:"children" maxItems:"2"`
	Named    map[string]*node `json:"named"`
}

type closed struct {
	_ struct{} `additionalProperties:"false" minProperties:"1" maxProperties:"2"`
	A string   `json:"a"`
	B int      `json:"b"`
	C *closed  `json:"c"`
}

type animal struct {
	_   struct{} `discriminator:"kind"`
	Cat *cat     `variant:"cat"`
	Dog *dog     `variant:"dog"`
	Eel *eel     `variant:"eel"`
}

type cat struct {
	Lives int `json:"lives" minimum:"1" maximum:"9" required:"true"`
}

type dog struct {
	_    struct{} `additionalProperties:"false"`
	Name string   `json:"name" minLength:"2"`
}

type eel struct {
	Kind   string `json:"kind" const:"eel" required:"true"`
	Length int    `json:"length"`
}

type card struct {
	Number  string   `json:"number" dependentRequired:"name,expires"`
	Name    string   `json:"name"`
	Expires string   `json:"expires" format:"date"`
	Extra   *float64 `json:"extra" dependentRequired:"number"`
}

type texts struct {
	DateTime  string `json:"date-time" format:"date-time"`
	Date      string `json:"date" format:"date"`
	Time      string `json:"time" format:"time"`
	Duration  string `json:"duration" format:"duration"`
	Email     string `json:"email" format:"email"`
	Hostname  string `json:"hostname" format:"hostname"`
	IPv4      string `json:"ipv4" format:"ipv4"`
	IPv6      string `json:"ipv6" format:"ipv6"`
	URI       string `json:"uri" format:"uri"`
	Reference string `json:"uri-reference" format:"uri-reference"`
	UUID      string `json:"uuid" format:"uuid"`
	Regex     string `json:"regex" format:"regex"`
	Pointer   string `json:"json-pointer" format:"json-pointer"`
	Byte      string `json:"byte" format:"byte"`
	Password  string `json:"password" format:"password" minLength:"3"`
}

type base struct {
	ID   string `json:"id" minLength:"2"`
	Name string `json:"name" maxLength:"3"`
}

type more struct {
	Extra string `json:"extra" required:"true"`
	Deep  int    `json:"deep" minimum:"2"`
}

type embedding struct {
	base
	*More
	Name string `json:"name" minLength:"4"`
}

// More is embedded by pointer, which encoding/json only makes if it is exported.
type More struct {
	more
	Note string `json:"note" required:"true" minLength:"1"`
}

type color string

func (color) Enum() []color { return []color{"red", "green"} }

type level int

func (*level) Enum() []level { return []level{1, 2, 3} }

type stars struct{ n int }

func (stars) JSONSchema() string { return `{"type":"integer","minimum":1,"maximum":5}` }

func (s *stars) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &s.n); err != nil {
		return err
	}
	if s.n < 1 || s.n > 5 {
		return errors.New("out of range")
	}
	return nil
}

type free struct{ v any }

func (f *free) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &f.v) }

type special struct {
	Color  color               `json:"color" required:"true"`
	Level  level               `json:"level"`
	Colors []color             `json:"colors" uniqueItems:"true"`
	ByName map[color]level     `json:"byName"`
	Stars  stars               `json:"stars"`
	PStars *stars              `json:"pstars"`
	Free   free                `json:"free"`
	When   time.Time           `json:"when"`
	For    time.Duration       `json:"for" minimum:"0"`
	Bytes  []byte              `json:"bytes" maxLength:"8"`
	Addr   netip.Addr          `json:"addr" minLength:"8"`
	Number json.Number         `json:"number"`
	Raw    json.RawMessage     `json:"raw"`
	Any    any                 `json:"any"`
	ByInt  map[int]string      `json:"byInt" values.minLength:"1"`
	ByUint map[uint64]*int     `json:"byUint" values.minimum:"1"`
	Pair   [2]string           `json:"pair" items.maxLength:"2"`
	Keyed  map[string]any      `json:"keyed" keys.pattern:"^[a-z]*$" minProperties:"1" keys.maxLength:"3"`
	Deep   map[string][][]int8 `json:"deep" values.items.items.minimum:"0" values.minItems:"1"`
}

type quoted struct {
	I int     `json:"i,string"`
	U uint    `json:"u,string"`
	F float64 `json:"f,string"`
	B bool    `json:"b,string"`
	P *int    `json:"p,string"`
}

type nullables struct {
	S string         `json:"s" nullable:"true" minLength:"2"`
	I int            `json:"i" nullable:"true" enum:"1,2"`
	C string         `json:"c" nullable:"true" const:"x"`
	L []int          `json:"l" nullable:"true" minItems:"2" items.nullable:"true" items.minimum:"5"`
	M map[string]int `json:"m" nullable:"true" values.nullable:"true" values.minimum:"5"`
	A address        `json:"a" nullable:"true"`
	R color          `json:"r" nullable:"true"`
	U oneOf[animal]  `json:"u" nullable:"true"`
	P *oneOf[animal] `json:"p"`
}

type opts struct {
	S opt[string]        `json:"s,omitzero" minLength:"2"`
	I opt[int]           `json:"i,omitzero" minimum:"3"`
	L opt[[]string]      `json:"l,omitzero" maxItems:"2" items.minLength:"1"`
	P opt[*int]          `json:"p,omitzero" maximum:"3"`
	U opt[oneOf[animal]] `json:"u,omitzero"`
}

type uniques struct {
	S []string         `json:"s" uniqueItems:"true"`
	I []int            `json:"i" uniqueItems:"true"`
	F []float64        `json:"f" uniqueItems:"true"`
	A []address        `json:"a" uniqueItems:"true"`
	M []map[string]any `json:"m" uniqueItems:"true"`
	N []*int           `json:"n" uniqueItems:"true"`
	B [3]bool          `json:"b" uniqueItems:"true"`
}

// lists is recursive without a struct.
type (
	lists []lists
	links []*links
)

type box[T any] struct {
	Item T   `json:"item" required:"true"`
	More []T `json:"more"`
}

type recursiveUnion struct {
	U oneOf[shape] `json:"u" required:"true"`
}

type shape struct {
	_      struct{} `discriminator:"type"`
	Circle *circle  `variant:"circle"`
	Group  *group   `variant:"group"`
}

type circle struct {
	R float64 `json:"r" exclusiveMinimum:"0"`
}

type group struct {
	Of []oneOf[shape] `json:"of" minItems:"1" required:"true"`
}

type checked struct {
	From int   `json:"from"`
	To   int   `json:"to" minimum:"1"`
	Next *span `json:"next"`
}

type span struct {
	From int `json:"from" minimum:"0"`
	To   int `json:"to"`
}

var errSpan = errors.New("ends before it begins")

func (s *span) Validate(context.Context) error {
	if s.To < s.From {
		return errSpan
	}
	return nil
}

type even int

func (e even) Validate(ctx context.Context) error {
	if e%2 != 0 {
		return errors.New("is odd")
	}
	return ctx.Err()
}
