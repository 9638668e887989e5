package schema_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/schema"
)

// check decodes a document into a value of a type and returns its failures.
func check(tb testing.TB, t reflect.Type, doc string) []schema.Failure {
	tb.Helper()
	c := &schema.Compiler{Formats: map[string]func(string) error{"shout": shout}}
	s, mistakes := c.For(t, "")
	assert.Equal(tb, mistakes, nil, t)
	v := reflect.New(t)
	assert.NoError(tb, json.Unmarshal([]byte(doc), v.Interface()), doc)
	var r schema.Report
	s.Check(context.Background(), v.UnsafePointer(), []byte(doc), &r)
	return r.Failures
}

func shout(s string) error {
	if s != strings.ToUpper(s) {
		return errors.New("must be in upper case")
	}
	return nil
}

// brief returns failures as "pointer rule", in the order found.
func brief(failures []schema.Failure) string {
	var out []string
	for _, f := range failures {
		out = append(out, f.Pointer+" "+f.Rule)
	}
	return strings.Join(out, ", ")
}

func TestKeywords(t *testing.T) {
	str, num, flt := reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[float64]()
	list, dict := reflect.TypeFor[[]string](), reflect.TypeFor[map[string]int]()
	for _, test := range []struct {
		typ  reflect.Type
		tag  string
		pass []string // values of the member
		fail []string
		want string // what fails
	}{
		{num, `minimum:"3"`, []string{"3", "4"}, []string{"2", "-3"}, "/x minimum"},
		{num, `minimum:"3"`, nil, []string{"0"}, "/x minimum"},
		{num, `maximum:"3"`, []string{"3", "-9"}, []string{"4"}, "/x maximum"},
		{num, `exclusiveMinimum:"3"`, []string{"4"}, []string{"3"}, "/x exclusiveMinimum"},
		{num, `exclusiveMaximum:"3"`, []string{"2"}, []string{"3"}, "/x exclusiveMaximum"},
		{num, `multipleOf:"5"`, []string{"0", "-10", "15"}, []string{"1"}, "/x multipleOf"},
		{num, `enum:"1,2"`, []string{"1", "2"}, []string{"0", "3"}, "/x enum"},
		{num, `const:"7"`, []string{"7"}, []string{"0", "8"}, "/x const"},
		{reflect.TypeFor[int8](), `minimum:"-3"`, []string{"-3"}, []string{"-4"}, "/x minimum"},
		{reflect.TypeFor[int16](), `maximum:"300"`, []string{"300"}, []string{"301"}, "/x maximum"},
		{reflect.TypeFor[int32](), `multipleOf:"3"`, []string{"3"}, []string{"4"}, "/x multipleOf"},
		{reflect.TypeFor[uint8](), `exclusiveMinimum:"3"`, []string{"4"}, []string{"3"}, "/x exclusiveMinimum"},
		{reflect.TypeFor[uint16](), `exclusiveMaximum:"3"`, []string{"2"}, []string{"3"}, "/x exclusiveMaximum"},
		{reflect.TypeFor[uint32](), `multipleOf:"3"`, []string{"3"}, []string{"4"}, "/x multipleOf"},
		{reflect.TypeFor[uint64](), `minimum:"18446744073709551615"`, []string{"18446744073709551615"}, []string{"18446744073709551614"}, "/x minimum"},
		{reflect.TypeFor[uint](), `enum:"1,2"`, []string{"1"}, []string{"3"}, "/x enum"},
		{flt, `minimum:"0.5"`, []string{"0.5"}, []string{"0.4", "0"}, "/x minimum"},
		{flt, `exclusiveMinimum:"0.5"`, []string{"0.6"}, []string{"0.5"}, "/x exclusiveMinimum"},
		{flt, `exclusiveMaximum:"1e2"`, []string{"99.9"}, []string{"100"}, "/x exclusiveMaximum"},
		{flt, `multipleOf:"0.1"`, []string{"0.3", "0.7", "-1.1", "1e20", "0"}, []string{"0.35", "1e-7"}, "/x multipleOf"},
		{flt, `multipleOf:"2.5"`, []string{"7.5", "250000"}, []string{"7"}, "/x multipleOf"},
		{flt, `multipleOf:"300"`, []string{"3e10", "600"}, []string{"100", "1e10"}, "/x multipleOf"},
		{flt, `enum:"0.1,2"`, []string{"0.1", "2.0"}, []string{"0.2"}, "/x enum"},
		{reflect.TypeFor[float32](), `minimum:"0.1"`, []string{"0.1"}, []string{"0.09"}, "/x minimum"},
		{reflect.TypeFor[float32](), `multipleOf:"0.1"`, []string{"0.3"}, []string{"0.25"}, "/x multipleOf"},
		{reflect.TypeFor[bool](), `const:"true"`, []string{"true"}, []string{"false"}, "/x const"},
		{str, `minLength:"2"`, []string{`"ab"`, `"éé"`, `"😀😀"`}, []string{`"a"`, `""`, `"😀"`}, "/x minLength"},
		{str, `maxLength:"2"`, []string{`"ab"`, `"😀😀"`, `""`}, []string{`"abc"`, `"😀😀😀"`}, "/x maxLength"},
		{str, `pattern:"b+"`, []string{`"abc"`}, []string{`"ac"`, `""`}, "/x pattern"},
		{str, `enum:"a,b"`, []string{`"a"`}, []string{`"c"`, `""`}, "/x enum"},
		{str, `enum:"a,b,c,d,e,f,g,h,i,j"`, []string{`"j"`}, []string{`"k"`}, "/x enum"},
		{str, `const:"a,b"`, []string{`"a,b"`}, []string{`"a"`}, "/x const"},
		{str, `format:"uuid"`, []string{`"123e4567-e89b-12d3-a456-426614174000"`}, []string{`"x"`, `""`}, "/x format"},
		{str, `format:"shout"`, []string{`"A"`}, []string{`"a"`}, "/x format"},
		{str, `format:"password" minLength:"2"`, []string{`"ab"`}, []string{`"a"`}, "/x minLength"},
		{reflect.TypeFor[[]byte](), `maxLength:"4"`, []string{`"YWI="`}, []string{`"YWJjZA=="`}, "/x maxLength"},
		{reflect.TypeFor[[]byte](), ``, []string{`"YWI="`}, []string{`[1,2]`}, "/x type"},
		{reflect.TypeFor[json.Number](), ``, []string{`1.5`}, []string{`"1.5"`}, "/x type"},
		{list, `minItems:"2"`, []string{`["a","b"]`}, []string{`[]`, `["a"]`}, "/x minItems"},
		{list, `maxItems:"1"`, []string{`[]`, `["a"]`}, []string{`["a","b"]`}, "/x maxItems"},
		{list, `uniqueItems:"true"`, []string{`["a","b"]`, `[]`}, []string{`["a","b","a"]`, `["a","\u0061"]`}, "/x uniqueItems"},
		{reflect.TypeFor[[]any](), `uniqueItems:"true"`, []string{`[1,"1",true]`, `[{"a":1},{"a":2}]`}, []string{`[{"a":1,"b":2},{"b":2.0,"a":1e0}]`}, "/x uniqueItems"},
		{reflect.TypeFor[[]struct{}](), `uniqueItems:"true"`, []string{`[{"a":1},{"a":2}]`}, []string{`[{},{}]`}, "/x uniqueItems"},
		{list, `items.minLength:"2"`, []string{`["ab"]`, `[]`}, []string{`["ab","a"]`}, "/x/1 minLength"},
		{list, ``, []string{`["ab"]`}, []string{`["ab",null]`}, "/x/1 type"},
		{reflect.TypeFor[[2]int](), `items.minimum:"1"`, []string{`[1,2]`}, []string{`[1,0]`}, "/x/1 minimum"},
		{reflect.TypeFor[[2]int](), ``, []string{`[1,2]`}, []string{`[1,2,3]`}, "/x maxItems"},
		{reflect.TypeFor[[2]int](), ``, []string{`[1,2]`}, []string{`[1]`}, "/x minItems"},
		{reflect.TypeFor[[][]int](), `items.items.minimum:"1" items.maxItems:"2"`, []string{`[[1,2]]`}, []string{`[[1],[2,0]]`}, "/x/1/1 minimum"},
		{dict, `minProperties:"1"`, []string{`{"a":1}`}, []string{`{}`}, "/x minProperties"},
		{dict, `maxProperties:"1"`, []string{`{"a":1}`}, []string{`{"a":1,"b":2}`}, "/x maxProperties"},
		{dict, `values.minimum:"1"`, []string{`{"a":1}`}, []string{`{"a":0}`}, "/x/a minimum"},
		{dict, `values.minimum:"1"`, nil, []string{`{"a/b~c":0}`}, "/x/a~1b~0c minimum"},
		{dict, `keys.pattern:"^a"`, []string{`{"a":0}`}, []string{`{"b":0}`}, "/x/b pattern"},
		{dict, ``, []string{`{"a":1}`}, []string{`{"a":null}`}, "/x/a type"},
		{str, ``, []string{`""`}, []string{`null`}, "/x type"},
		{str, `nullable:"true" minLength:"2"`, []string{`null`, `"ab"`}, []string{`""`}, "/x minLength"},
		{reflect.TypeFor[*string](), `minLength:"2"`, []string{`null`, `"ab"`}, []string{`""`}, "/x minLength"},
		{reflect.TypeFor[**int](), `minimum:"2"`, []string{`null`, `2`}, []string{`1`}, "/x minimum"},
		{reflect.TypeFor[opt[int]](), `minimum:"2"`, []string{`null`, `2`}, []string{`0`}, "/x minimum"},
		{reflect.TypeFor[time.Time](), ``, []string{`"2030-01-31T12:00:00Z"`}, []string{`null`}, "/x type"},
		{reflect.TypeFor[time.Duration](), `minimum:"1"`, []string{`1`}, []string{`0`}, "/x minimum"},
		{reflect.TypeFor[color](), ``, []string{`"red"`}, []string{`"blue"`, `""`}, "/x enum"},
		{reflect.TypeFor[level](), ``, []string{`3`}, []string{`4`, `0`}, "/x enum"},
		{reflect.TypeFor[even](), ``, []string{`2`}, []string{`3`}, "/x validate"},
		{reflect.TypeFor[any](), ``, []string{`null`, `1`, `{}`}, nil, ""},
	} {
		typ := structOf(member("x", test.typ, test.tag))
		for _, doc := range test.pass {
			assert.Equal(t, brief(check(t, typ, `{"x":`+doc+`}`)), "", test.typ, test.tag, doc)
		}
		for _, doc := range test.fail {
			failures := check(t, typ, ` { "x" : `+doc+` } `)
			assert.Equal(t, brief(failures), test.want, test.typ, test.tag, doc)
		}
		assert.Equal(t, brief(check(t, typ, `{}`)), "", test.typ, test.tag, "absent")
		required := structOf(member("x", test.typ, test.tag+` required:"true"`))
		assert.Equal(t, brief(check(t, required, `{"y":null}`)), "/x required", test.typ, test.tag, "required")
		for _, doc := range test.pass {
			assert.Equal(t, brief(check(t, required, `{"X":`+doc+`}`)), "", test.typ, test.tag, "required", doc)
		}
	}
}

func TestAllFailuresAtOnce(t *testing.T) {
	failures := check(t, reflect.TypeFor[nested](), `{"home":{"city":"too long","zip":"x"},"work":{"street":""},`+
		`"all":[],"some":[{"street":"x"},{"zip":"1"}],"by":{"a/b":{"street":null}},"maybe":{"street":"x","city":"123456"}}`)
	assert.Equal(t, brief(failures), "/home/city maxLength, /home/zip pattern, /home/street required, "+
		"/work/street minLength, /all minItems, /some/1/zip pattern, /some/1/street required, "+
		"/by/a~1b/street type, /maybe/city maxLength")
	assert.Equal(t, failures[0].Detail, "must have at most 5 characters")
	assert.Equal(t, failures[0].Value, any("too long"))
	assert.Equal(t, failures[2], schema.Failure{Pointer: "/home/street", Rule: "required", Detail: "is required"})
}

func TestNull(t *testing.T) {
	assert.Equal(t, brief(check(t, reflect.TypeFor[flat](), ` null`)), " type")
	assert.Equal(t, brief(check(t, reflect.TypeFor[*flat](), `null`)), "")
	assert.Equal(t, brief(check(t, reflect.TypeFor[nullables](), `{"s":null,"i":null,"c":null,"l":null,"m":null,"a":null,"r":null,"u":null,"p":null}`)), "")
	assert.Equal(t, brief(check(t, reflect.TypeFor[nullables](), `{"l":[null,5,4],"m":{"a":null,"b":1}}`)), "/l/2 minimum, /m/b minimum")
	assert.Equal(t, brief(check(t, reflect.TypeFor[box[string]](), `{"item":"null","more":["null"]}`)), "")
	assert.Equal(t, brief(check(t, reflect.TypeFor[quoted](), `{"i":"null","b":"null","p":"null"}`)), "/i pattern, /b enum, /p pattern")
	assert.Equal(t, brief(check(t, reflect.TypeFor[embedding](), `{"id":null,"extra":"","note":null}`)), "/id type, /note type")
}

func TestPresence(t *testing.T) {
	all := `{"s":"","i":0,"b":false,"p":null,"l":[],"m":{},"n":{"street":"x"},"a":null,"o":null,"t":"0001-01-01T00:00:00Z",` +
		`"u":{"kind":"eel"},"r":null,"x":[0,0],"d":null}`
	assert.Equal(t, brief(check(t, reflect.TypeFor[wanted](), all)), "")
	assert.Equal(t, brief(check(t, reflect.TypeFor[wanted](), `{}`)), "/s required, /i required, /b required, /p required, /l required, "+
		"/m required, /n required, /a required, /o required, /t required, /u required, /r required, /x required, /d required")
	assert.Equal(t, brief(check(t, reflect.TypeFor[embedding](), `{"extra":"x"}`)), "/note required", "of an embedded pointer")
	assert.Equal(t, brief(check(t, reflect.TypeFor[embedding](), `{}`)), "/extra required, /note required")
	assert.Equal(t, brief(check(t, reflect.TypeFor[documented](), `{}`)), "", "what is read only is for answers")
	failures := check(t, reflect.TypeFor[card](), `{"number":"1","name":""}`)
	assert.Equal(t, failures, []schema.Failure{{Pointer: "/expires", Rule: "dependentRequired", Detail: "is required when number is there"}})
	assert.Equal(t, brief(check(t, reflect.TypeFor[card](), `{"extra":null}`)), "/number dependentRequired")
}

func TestClosedObject(t *testing.T) {
	typ := reflect.TypeFor[closed]()
	assert.Equal(t, brief(check(t, typ, `{"a":"","B":1}`)), "")
	assert.Equal(t, brief(check(t, typ, `{"a":"","b":1,"d/e":{"x":[1]}}`)), "/d~1e additionalProperties,  maxProperties")
	assert.Equal(t, brief(check(t, typ, `{}`)), " minProperties")
	assert.Equal(t, brief(check(t, typ, `{"c":{"c":{"z":1}}}`)), "/c/c/z additionalProperties")
}

func TestUnion(t *testing.T) {
	typ := reflect.TypeFor[oneOf[animal]]()
	assert.Equal(t, brief(check(t, typ, `{"kind":"cat","lives":9}`)), "")
	assert.Equal(t, brief(check(t, typ, `{"kind":"cat","lives":10}`)), "/lives maximum")
	assert.Equal(t, brief(check(t, typ, `{"kind":"dog","name":"Rex"}`)), "")
	assert.Equal(t, brief(check(t, typ, `{"kind":"dog","lives":1}`)), "/lives additionalProperties")
	assert.Equal(t, check(t, typ, `{"kind":"cow"}`), []schema.Failure{
		{Pointer: "/kind", Rule: "oneOf", Detail: `must be one of "cat", "dog", "eel"`, Value: "cow"}})
	assert.Equal(t, check(t, typ, `{"lives":1}`), []schema.Failure{
		{Pointer: "/kind", Rule: "required", Detail: `is required; it is one of "cat", "dog", "eel"`}})
	assert.Equal(t, brief(check(t, typ, `{"kind":5}`)), "/kind oneOf")
	assert.Equal(t, brief(check(t, typ, `null`)), " type")
	assert.Equal(t, brief(check(t, reflect.TypeFor[recursiveUnion](),
		`{"u":{"type":"group","of":[{"type":"circle","r":1},{"type":"circle","r":-1},{"type":"group","of":[]},{}]}}`)),
		"/u/of/1/r exclusiveMinimum, /u/of/2/of minItems, /u/of/3/type required")
}

func TestValidateMethods(t *testing.T) {
	typ := reflect.TypeFor[checked]()
	failures := check(t, typ, `{"from":3,"to":2,"next":{"from":3,"to":2}}`)
	assert.Equal(t, brief(failures), "/next validate")
	assert.Equal(t, failures[0].Detail, errSpan.Error())
	assert.ErrorIs(t, failures[0].Err, errSpan)
	assert.Equal(t, brief(check(t, typ, `{"to":0,"next":{"from":-1,"to":-2}}`)), "/to minimum, /next/from minimum", "rules first")
	assert.Equal(t, brief(check(t, typ, `{"next":null}`)), "")
	assert.Equal(t, brief(check(t, reflect.TypeFor[span](), `{"from":3,"to":2}`)), "", "the root is for the caller")
	assert.Equal(t, brief(check(t, reflect.TypeFor[[]even](), `[2,3,4,5]`)), "/1 validate, /3 validate")
	assert.Equal(t, brief(check(t, reflect.TypeFor[map[string]*span](), `{"a":{"from":1},"b":{"from":0}}`)), "/a validate")

	s, _ := new(schema.Compiler).For(reflect.TypeFor[[]even](), "")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var r schema.Report
	v := []even{2}
	s.Check(ctx, unsafe.Pointer(&v), nil, &r)
	assert.Equal(t, len(r.Failures), 1)
	assert.ErrorIs(t, r.Failures[0].Err, context.Canceled)
}

// secretive has values that failures must not repeat.
type secretive struct {
	Password string   `json:"password" format:"password" minLength:"9"`
	Token    string   `json:"token" secret:"true" pattern:"^t"`
	Hidden   string   `json:"hidden" writeOnly:"true" minLength:"20"`
	Tokens   []string `json:"tokens" secret:"true" items.minLength:"9"`
	Box      struct {
		Pin int `json:"pin" maximum:"10"`
	} `json:"box" secret:"true"`
	By map[string]string `json:"by" secret:"true" keys.minLength:"9"`
}

func TestSecrets(t *testing.T) {
	failures := check(t, reflect.TypeFor[secretive](), `{"password":"hunter2","token":"hunter2","hidden":"hunter2","tokens":["hunter2"],"box":{"pin":77},"by":{"k":""}}`)
	assert.Equal(t, brief(failures), "/password minLength, /token pattern, /hidden minLength, /tokens/0 minLength, /box/pin maximum, /by/* minLength")
	for _, f := range failures {
		assert.Equal(t, f.Value, nil, f.Pointer)
	}
	s, _ := new(schema.Compiler).For(reflect.TypeFor[string](), `secret:"true"`)
	assert.Equal(t, s.Secret(), true)
}

func TestShownValues(t *testing.T) {
	long := strings.Repeat("é", 100)
	failures := check(t, reflect.TypeFor[struct {
		S string  `maxLength:"1"`
		U uint8   `maximum:"1"`
		F float32 `maximum:"0.1"`
		B bool    `const:"false"`
		L []int   `maxItems:"0"`
	}](), `{"S":"`+long+`","U":2,"F":0.2,"B":true,"L":[1]}`)
	assert.Equal(t, brief(failures), "/S maxLength, /U maximum, /F maximum, /B const, /L maxItems")
	assert.Equal(t, failures[0].Value, any(strings.Repeat("é", 64)+"…"))
	assert.Equal(t, failures[1].Value, any(uint64(2)))
	assert.Equal(t, failures[2].Value, any(float32(0.2)))
	assert.Equal(t, failures[3].Value, any(true))
	assert.Equal(t, failures[4].Value, nil)
}

func TestReportLimit(t *testing.T) {
	type row struct {
		V []int `json:"v" items.minimum:"1"`
	}
	doc := []byte(`{"v":[` + strings.Repeat("0,", 499) + `0]}`)
	var v row
	assert.NoError(t, json.Unmarshal(doc, &v))
	s, _ := new(schema.Compiler).For(reflect.TypeFor[row](), "")
	for _, test := range []struct{ limit, want int }{{0, schema.MaxFailures}, {3, 3}, {1000, 500}} {
		r := schema.Report{Max: test.limit}
		s.Check(context.Background(), unsafe.Pointer(&v), doc, &r)
		assert.Equal(t, len(r.Failures), test.want)
		assert.Equal(t, r.Full(), test.want < 500)
	}
}

// TestWithoutJSON covers values that were read from something else.
func TestWithoutJSON(t *testing.T) {
	ctx := context.Background()
	run := func(v any) string {
		s, mistakes := new(schema.Compiler).For(reflect.TypeOf(v).Elem(), "")
		assert.Equal(t, mistakes, nil)
		var r schema.Report
		s.Check(ctx, reflect.ValueOf(v).UnsafePointer(), nil, &r)
		return brief(r.Failures)
	}
	assert.Equal(t, run(&flat{}), "/code minLength, /code pattern, /age minimum, /rank minimum, /name required, /email required",
		"optional members that are zero may have been sent so")
	assert.Equal(t, run(&flat{Name: "x", Email: "a@b", Code: "A", Age: 18, Rank: 10}), "/code minLength, /code pattern, /rank exclusiveMaximum")
	assert.Equal(t, run(&wanted{}), "/n/zip pattern, /n/street required, /s required, /p required, /l required, /m required, /a required, /o required, "+
		"/t required, /u required, /r required, /d required", "numbers, booleans and structs are there")
	assert.Equal(t, run(&nested{Work: &address{Zip: "1"}, Some: []*address{nil, {Zip: "123"}}, By: map[string]address{"b": {}, "a": {Street: "x", City: "123456", Zip: "123"}}}),
		"/home/zip pattern, /home/street required, /work/zip pattern, /work/street required, /some/1/street required, /by/a/city maxLength, /by/b/zip pattern, /by/b/street required")
	assert.Equal(t, run(&oneOf[animal]{}), "/kind required")
	assert.Equal(t, run(&oneOf[animal]{Value: animal{Cat: &cat{Lives: 10}}}), "/lives maximum")
	assert.Equal(t, run(&uniques{I: []int{1, 2, 1}, A: []address{{Street: "x", Zip: "123"}, {Street: "x", Zip: "123"}}}), "/i uniqueItems, /a uniqueItems, /b uniqueItems")
	assert.Equal(t, run(&struct {
		A time.Duration `required:"true" maximum:"5"`
		B stars         `required:"true"`
		C struct {
			X uint16 `const:"4"`
		}
	}{}), "/C/X const")
}

// TestZeroWithoutJSON sees that a zero value keeps a client from no rule, and which
// members that are zero are absent.
func TestZeroWithoutJSON(t *testing.T) {
	type inner struct {
		V int `json:"v" minimum:"1"`
	}
	type zeros struct {
		_  struct{}       `maxProperties:"2"`
		N  int            `json:"n" minimum:"1"`
		S  string         `json:"s" minLength:"3" dependentRequired:"n"`
		B  bool           `json:"b" const:"true"`
		F  float64        `json:"f" exclusiveMinimum:"0"`
		I  inner          `json:"i"`
		X  [2]int         `json:"x,omitempty" items.minimum:"1"`
		IE inner          `json:"ie,omitempty"`
		OZ int            `json:"oz,omitzero" minimum:"1"`
		OE string         `json:"oe,omitempty" minLength:"3"`
		IZ inner          `json:"iz,omitzero"`
		P  *int           `json:"p" minimum:"1"`
		O  opt[int]       `json:"o" minimum:"1"`
		L  []int          `json:"l" minItems:"1"`
		M  map[string]int `json:"m" minProperties:"1"`
		Y  []byte         `json:"y" minLength:"1"`
		U  oneOf[animal]  `json:"u"`
	}
	s, mistakes := new(schema.Compiler).For(reflect.TypeFor[zeros](), "")
	assert.Equal(t, mistakes, nil)
	run := func(v zeros) string {
		var r schema.Report
		s.Check(context.Background(), unsafe.Pointer(&v), nil, &r)
		return brief(r.Failures)
	}
	const always = "/n minimum, /s minLength, /b const, /f exclusiveMinimum, /i/v minimum, /x/0 minimum, /x/1 minimum, /ie/v minimum"
	assert.Equal(t, run(zeros{}), always)
	good := zeros{N: 1, S: "abc", B: true, F: 1, I: inner{1}, X: [2]int{1, 1}, IE: inner{1}}
	assert.Equal(t, run(good), " maxProperties")
	zero := 0
	sent := zeros{P: &zero, O: opt[int]{0, schema.Present}, L: []int{}, M: map[string]int{}, Y: []byte{}}
	assert.Equal(t, run(sent), always+", /p minimum, /o minimum, /l minItems, /m minProperties, /y minLength,  maxProperties")
	assert.Equal(t, run(zeros{S: "abc", B: true}), strings.NewReplacer("/s minLength, ", "", "/b const, ", "").Replace(always)+", /n dependentRequired")
}

func TestDepthIsBounded(t *testing.T) {
	const deep = 3000
	doc := []byte(strings.Repeat(`{"value":"x","left":`, deep) + "null" + strings.Repeat("}", deep))
	var v node
	assert.NoError(t, json.Unmarshal(doc, &v))
	s, _ := new(schema.Compiler).For(reflect.TypeFor[node](), "")
	var r schema.Report
	s.Check(context.Background(), unsafe.Pointer(&v), doc, &r)
	assert.Equal(t, len(r.Failures), 1)
	assert.Equal(t, r.Failures[0].Detail, "is nested too deeply")

	circle := &node{Value: "x"}
	circle.Left = circle
	r = schema.Report{}
	s.Check(context.Background(), unsafe.Pointer(circle), nil, &r)
	assert.Equal(t, len(r.Failures), 1)
}

// TestDeepComparisonIsBounded sees that values within values with uniqueItems are not
// compared over and over.
func TestDeepComparisonIsBounded(t *testing.T) {
	type tree struct {
		Of []tree `json:"of" uniqueItems:"true" required:"true"`
	}
	const deep = 900
	doc := strings.Repeat(`{"of":[`, deep) + `{"of":[` + strings.TrimSuffix(strings.Repeat(`{"of":[]},`, 5000), ",") + `]}` + strings.Repeat("]}", deep)
	start := time.Now()
	failures := check(t, reflect.TypeFor[tree](), doc)
	assert.Equal(t, len(failures) > 0, true)
	if took := time.Since(start); took > 2*time.Minute {
		t.Errorf("the check took %s", took)
	}
}

func TestManyMembers(t *testing.T) {
	var fields []reflect.StructField
	for i := range 300 {
		fields = append(fields, member("f"+strconv.Itoa(i), reflect.TypeFor[int](), `required:"true"`))
	}
	typ := reflect.StructOf(fields)
	assert.Equal(t, len(check(t, typ, `{"f299":0,"F0":0}`)), schema.MaxFailures)
	assert.Equal(t, check(t, typ, `{"F0":0,"K":0}`)[0].Pointer, "/f1")
	var doc strings.Builder
	for i := range 300 {
		doc.WriteString(`,"f` + strconv.Itoa(i) + `":0`)
	}
	assert.Equal(t, brief(check(t, typ, "{"+doc.String()[1:]+"}")), "")
}

// TestRawIsNoJSON sees that a check does not fall over text that no decoder has accepted.
func TestRawIsNoJSON(t *testing.T) {
	s, _ := new(schema.Compiler).For(reflect.TypeFor[wanted](), "")
	for _, raw := range []string{"", "{", `{"`, `{"s`, `{"s"`, `{"s":`, `{"s":"\`, `[`, `{"l":[`, `nul`, `}`, `{"m":{"`, `{5:6}`, `{"n":{]`} {
		var v wanted
		var r schema.Report
		s.Check(context.Background(), unsafe.Pointer(&v), []byte(raw), &r)
	}
}

func TestTrivial(t *testing.T) {
	for _, test := range []struct {
		typ            reflect.Type
		tag            reflect.StructTag
		trivial, value bool
	}{
		{reflect.TypeFor[any](), "", true, true},
		{reflect.TypeFor[struct{ X any }](), "", false, true}, // null is no object
		{reflect.TypeFor[*struct{ X any }](), "", true, true},
		{reflect.TypeFor[int](), "", false, true},
		{reflect.TypeFor[int](), `minimum:"1"`, false, false},
		{reflect.TypeFor[*even](), "", false, false},
		{reflect.TypeFor[node](), "", false, false},
		{reflect.TypeFor[lists](), "", true, true},
	} {
		s, _ := new(schema.Compiler).For(test.typ, test.tag)
		assert.Equal(t, s.Trivial(), test.trivial, test.typ, test.tag)
		assert.Equal(t, s.ValueTrivial(), test.value, test.typ, test.tag)
	}
}
