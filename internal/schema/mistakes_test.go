package schema_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/schema"
)

func TestMistakes(t *testing.T) {
	str, num := reflect.TypeFor[string](), reflect.TypeFor[int]()
	list, dict := reflect.TypeFor[[]int](), reflect.TypeFor[map[string]string]()
	for _, test := range []struct {
		typ  reflect.Type
		tag  reflect.StructTag
		want string
	}{
		{str, `minimum:"1"`, `minimum:"1" is for numbers, not for string`},
		{num, `minimum:"x"`, `minimum:"x" is not a number`},
		{num, `minimum:"1.5"`, `minimum:"1.5" is no value of int; write a number that it can hold`},
		{reflect.TypeFor[int8](), `maximum:"300"`, `maximum:"300" is no value of int8`},
		{reflect.TypeFor[uint](), `minimum:"-1"`, `minimum:"-1" is no value of uint`},
		{reflect.TypeFor[uint](), `exclusiveMaximum:"0"`, `leaves no value`},
		{num, `exclusiveMinimum:"9223372036854775807"`, `leaves no value`},
		{num, `multipleOf:"0"`, `must be more than 0`},
		{reflect.TypeFor[float64](), `multipleOf:"-1"`, `must be more than 0`},
		{reflect.TypeFor[float64](), `minimum:"NaN"`, `is not a number`},
		{reflect.TypeFor[float64](), `minimum:"0x1p3"`, `is not a number`},
		{num, `minimum:"3" maximum:"2"`, `minimum:"3" is more than maximum allows`},
		{num, `exclusiveMinimum:"3" maximum:"3"`, `is more than maximum allows`},
		{str, `minLength:"3" maxLength:"2"`, `minLength:"3" is more than maxLength allows`},
		{list, `minItems:"3" maxItems:"2"`, `is more than maxItems allows`},
		{num, `minLength:"1"`, `minLength:"1" is for strings, not for int`},
		{str, `minLength:"-1"`, `is not a number of characters; write a whole number from 0 on`},
		{str, `pattern:"(?i)a"`, `has (?i), which is Go's own`},
		{str, `pattern:"^[[:alpha:]]+$"`, `has [:alpha:], which`},
		{str, `pattern:"a\\z"`, `which is Go's own`},
		{str, `pattern:"(?P<year>[0-9]+)"`, `has (?P<, which`},
		{str, `pattern:"("`, `pattern:"(" is not a regular expression`},
		{list, `pattern:"a"`, `is for strings, not for []int; for its items write items.pattern:"a"`},
		{list, `minimum:"1"`, `for its items write items.minimum:"1"`},
		{dict, `minLength:"1"`, `for its values write values.minLength:"1"`},
		{list, `items.minLength:"1"`, `minLength:"1" is for strings, not for int`},
		{str, `format:"shoe"`, `format:"shoe" is no format that is known; add it to the formats, or write one of byte, date`},
		{num, `format:"date"`, `format:"date" is for strings`},
		{num, `enum:"1,x"`, `has "x", which is no value of int`},
		{list, `enum:"1"`, `is for strings, numbers and booleans`},
		{reflect.TypeFor[bool](), `const:"yes"`, `has "yes", which is no value of bool`},
		{reflect.TypeFor[bool](), `enum:"true"`, `is for strings, numbers and booleans`},
		{str, `enum:"a,b" const:"a"`, `and enum are both there`},
		{str, `minItems:"1"`, `is for slices and arrays, not for string`},
		{reflect.TypeFor[[2]int](), `minItems:"1"`, `has a fixed number of items`},
		{str, `items.minLength:"1"`, `is for slices and arrays, not for string`},
		{list, `values.minimum:"1"`, `is for maps, not for []int`},
		{str, `keys.minLength:"1"`, `is for maps, not for string`},
		{list, `items.required:"true"`, `is for members of structs`},
		{list, `items.shoe:"true"`, `has no keyword of JSON Schema after the prefix`},
		{str, `minlength:"1"`, `minlength:"1" is spelt minLength`},
		{list, `items.Minimum:"1"`, `items.Minimum:"1" is spelt items.minimum`},
		{list, `uniqueItems:"yes"`, `is neither "true" nor "false"`},
		{str, `minProperties:"1"`, `is for maps; for a struct it stands in a field _ struct{}`},
		{reflect.TypeFor[cat](), `additionalProperties:"false"`, `is for a field _ struct{} of the struct that it is about`},
		{reflect.TypeFor[cat](), `discriminator:"x"`, `is for a field _ struct{} of the struct of variants`},
		{num, `default:"x"`, `default:"x" does not read as a int`},
		{num, `default:"3" maximum:"2"`, `default:"3" must be at most 2; tell of a value that the other tags allow`},
		{str, `default:"" minLength:"1"`, `must have at least 1 character`},
		{list, `default:"1,2" items.maximum:"1"`, `must be at most 1`},
		{str, `example:"x" format:"date"`, `must be a date such as 2030-01-31`},
		{reflect.TypeFor[cat](), `default:"{}"`, `is required`},
		{reflect.TypeFor[func()](), ``, `a func() cannot stand in JSON; leave the field out with json:"-"`},
		{reflect.TypeFor[map[bool]int](), ``, `the keys of a map are strings, integers or types that read themselves from text, not bool`},
		{reflect.TypeFor[oneOf[string]](), ``, `a union is a struct of pointers to its variants`},
		{reflect.TypeFor[oneOf[cat]](), ``, `a field of a union names its variant`},
		{reflect.TypeFor[oneOf[struct {
			A *cat `variant:"a"`
			B *dog `variant:"a"`
		}]](), ``, `variant:"a" is there twice`},
		{reflect.TypeFor[oneOf[struct {
			_ struct{} `discriminator:"kind"`
			A cat      `variant:"a"`
		}]](), ``, `a variant is an exported field that is a pointer to a struct`},
		{reflect.TypeFor[struct {
			_ struct{} `minLength:"1"`
		}](), ``, `minLength:"1" says nothing about a struct; put it on the field that it is about`},
		{reflect.TypeFor[struct {
			_ struct{} `minProperties:"2" maxProperties:"1"`
		}](), ``, `is more than maxProperties allows`},
		{reflect.TypeFor[lists](), `default:"a"`, `default:"a" does not read as a schema_test.lists`},
		{reflect.TypeFor[links](), `default:"a"`, `default:"a" does not read as a schema_test.links`},
		{reflect.TypeFor[endless](), ``, `cannot stand in JSON`},
		{reflect.TypeFor[badSchema](), ``, `returns no JSON Schema`},
		{reflect.TypeFor[noEnum](), ``, `the method Enum of schema_test.noEnum returns no value`},
	} {
		s, mistakes := new(schema.Compiler).For(test.typ, test.tag)
		assert.Contains(t, strings.Join(mistakes, "\n"), test.want, test.typ, test.tag)
		s.Document(nil)

		field := structOf(member("x", test.typ, string(test.tag)))
		_, mistakes = new(schema.Compiler).For(field, "")
		assert.Contains(t, strings.Join(mistakes, "\n"), test.want, field)
	}
}

type endless *endless

type badSchema struct{}

func (badSchema) JSONSchema() string { return "{" }

type noEnum string

func (noEnum) Enum() []noEnum { return nil }

type faulty struct {
	Name string  `json:"name" minimum:"1" required:"yes" dependentRequired:"other"`
	In   *faulty `json:"in"`
	Call func()  `json:"call"`
	Int  int     `json:"int,string" minimum:"1"`
}

func TestMistakesNameTheField(t *testing.T) {
	want := []string{
		`schema_test.faulty.Call: a func() cannot stand in JSON; leave the field out with json:"-"`,
		`schema_test.faulty.Int: the value is written as a string, of which JSON Schema cannot say minimum; leave out json:",string" or the keyword`,
		`schema_test.faulty.Name: dependentRequired:"other" names other, which is no member of schema_test.faulty; use the names that JSON has`,
		`schema_test.faulty.Name: minimum:"1" is for numbers, not for string`,
		`schema_test.faulty.Name: required:"yes" is neither "true" nor "false"`,
	}
	c := new(schema.Compiler)
	for _, typ := range []reflect.Type{reflect.TypeFor[faulty](), reflect.TypeFor[[]*faulty](), reflect.TypeFor[struct{ F faulty }]()} {
		for range 2 { // the second is from the cache
			_, mistakes := c.For(typ, "")
			slices.Sort(mistakes)
			assert.Equal(t, mistakes, want, typ)
		}
	}
}

func TestNoMistakes(t *testing.T) {
	_, mistakes := new(schema.Compiler).For(reflect.TypeFor[struct {
		A string     `json:"a" xml:"b" default:"x" example:"y,z" validate:"min=1" doc:"a: \"quoted\" text"`
		B []string   `default:"a,b" example:"[\"c\"]"`
		C *int       `default:"3" nullable:"true"`
		D opt[int]   `default:"4" required:"true"`
		E any        `default:"text" example:"[1]"`
		F []byte     `example:"YQ==" format:"byte"`
		G int        `json:"-" minLength:"1"`
		H *cat       `example:"{\"lives\":3}"`
		I [][]string `default:"[[\"a\"]]"`
	}](), "")
	assert.Equal(t, mistakes, nil)
}

func TestText(t *testing.T) {
	c := new(schema.Compiler)
	s, mistakes := c.ForText(reflect.TypeFor[[]stamp](), `items.minLength:"3"`)
	assert.Equal(t, mistakes, nil)
	assert.Equal(t, document(s), `{"type":"array","items":{"type":"string","minLength":3}}`)
	s, mistakes = c.ForText(reflect.TypeFor[*time.Duration](), `default:"1m30s"`)
	assert.Equal(t, mistakes, nil)
	assert.Contains(t, document(s), `"default":"1m30s"`)
	_, mistakes = c.ForText(reflect.TypeFor[[]time.Duration](), `default:"1s,2m"`)
	assert.Equal(t, mistakes, nil)
	s, mistakes = c.For(reflect.TypeFor[[]stamp](), "")
	assert.Equal(t, mistakes, nil)
	assert.Equal(t, document(s), `{"type":["array","null"],"items":{"not":{"type":"null"}}}`, "it has a form of its own in JSON")
}

// stamp reads itself from text, and from JSON in another way.
type stamp struct{ text string }

func (s *stamp) UnmarshalText(text []byte) error { s.text = string(text); return nil }
func (s *stamp) UnmarshalJSON([]byte) error      { return nil }
