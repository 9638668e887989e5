package schema_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/schema"
)

var update = flag.Bool("update", false, "write the golden documents anew")

// document returns a schema without references, as JSON.
func document(s *schema.Schema) string {
	text, err := s.Document(nil).MarshalJSON()
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func TestDocumentOfFields(t *testing.T) {
	for _, test := range []struct {
		typ  reflect.Type
		tag  reflect.StructTag
		want string
	}{
		{reflect.TypeFor[any](), ``, `{}`},
		{reflect.TypeFor[any](), `doc:"free" nullable:"true"`, `{"description":"free"}`},
		{reflect.TypeFor[bool](), `default:"true"`, `{"type":"boolean","default":true}`},
		{reflect.TypeFor[int](), `minimum:"1" maximum:"9" doc:"a number" title:"T"`, `{"type":"integer","format":"int64","title":"T","description":"a number","minimum":1,"maximum":9}`},
		{reflect.TypeFor[int8](), `minimum:"0"`, `{"type":"integer","minimum":0,"maximum":127}`},
		{reflect.TypeFor[uint16](), ``, `{"type":"integer","minimum":0,"maximum":65535}`},
		{reflect.TypeFor[uint32](), ``, `{"type":"integer","minimum":0,"maximum":4294967295}`},
		{reflect.TypeFor[uint64](), ``, `{"type":"integer","format":"uint64","minimum":0,"maximum":18446744073709551615}`},
		{reflect.TypeFor[int32](), `enum:"1,2" nullable:"true"`, `{"type":["integer","null"],"format":"int32","enum":[1,2,null]}`},
		{reflect.TypeFor[float32](), `exclusiveMinimum:"0.50"`, `{"type":"number","format":"float","minimum":-3.4028234663852886e+38,"maximum":3.4028234663852886e+38,"exclusiveMinimum":0.50}`},
		{reflect.TypeFor[float64](), `multipleOf:"0.1" example:"0.3"`, `{"type":"number","format":"double","multipleOf":0.1,"examples":[0.3]}`},
		{reflect.TypeFor[string](), `const:"x" nullable:"true"`, `{"type":["string","null"],"enum":["x",null]}`},
		{reflect.TypeFor[string](), `format:"email" minLength:"3" maxLength:"9" pattern:"<a>"`, `{"type":"string","format":"email","minLength":3,"maxLength":9,"pattern":"<a>"}`},
		{reflect.TypeFor[string](), `secret:"true" readOnly:"false"`, `{"type":"string","format":"password","writeOnly":true}`},
		{reflect.TypeFor[string](), `deprecated:"true" readOnly:"true"`, `{"type":"string","deprecated":true,"readOnly":true}`},
		{reflect.TypeFor[*string](), `minLength:"1"`, `{"type":["string","null"],"minLength":1}`},
		{reflect.TypeFor[[]byte](), ``, `{"type":["string","null"],"contentEncoding":"base64"}`},
		{reflect.TypeFor[time.Time](), ``, `{"type":"string","format":"date-time"}`},
		{reflect.TypeFor[time.Duration](), ``, `{"type":"integer","format":"int64"}`},
		{reflect.TypeFor[netip.Addr](), ``, `{"type":"string"}`},
		{reflect.TypeFor[json.Number](), ``, `{"type":"number"}`},
		{reflect.TypeFor[[]int](), `minItems:"1" maxItems:"2" uniqueItems:"true" items.minimum:"1"`, `{"type":"array","items":{"type":"integer","format":"int64","minimum":1},"minItems":1,"maxItems":2,"uniqueItems":true}`},
		{reflect.TypeFor[[]int](), `default:"1,2"`, `{"type":["array","null"],"items":{"type":"integer","format":"int64"},"default":[1,2]}`},
		{reflect.TypeFor[[3]*bool](), ``, `{"type":"array","items":{"type":["boolean","null"]},"minItems":3,"maxItems":3}`},
		{reflect.TypeFor[map[string]bool](), `keys.maxLength:"3" minProperties:"1"`, `{"type":"object","propertyNames":{"type":"string","maxLength":3},"additionalProperties":{"type":"boolean"},"minProperties":1}`},
		{reflect.TypeFor[map[string]any](), ``, `{"type":["object","null"],"additionalProperties":{}}`},
		{reflect.TypeFor[map[int]bool](), ``, `{"type":["object","null"],"propertyNames":{"type":"string","pattern":"^[-+]?[0-9]+$"},"additionalProperties":{"type":"boolean"}}`},
		{reflect.TypeFor[color](), ``, `{"type":"string","enum":["red","green"]}`},
		{reflect.TypeFor[*stars](), `doc:"of five"`, `{"type":["integer","null"],"minimum":1,"maximum":5,"description":"of five"}`},
		{reflect.TypeFor[lists](), ``, `{"type":["array","null"],"items":{}}`},
		{reflect.TypeFor[[]int](), `nullable:"false"`, `{"type":"array","items":{"type":"integer","format":"int64"}}`},
		{reflect.TypeFor[[]int](), schema.Whole(reflect.TypeFor[[]int]()), `{"type":"array","items":{"type":"integer","format":"int64"}}`},
		{reflect.TypeFor[opt[int]](), `minimum:"1"`, `{"type":["integer","null"],"format":"int64","minimum":1}`},
	} {
		s, mistakes := new(schema.Compiler).For(test.typ, test.tag)
		assert.Equal(t, mistakes, nil, test.typ, test.tag)
		assert.Equal(t, document(s), test.want, test.typ, test.tag)
	}
}

// documented has what documents tell of a type.
type documented struct {
	_     struct{} `title:"A thing" doc:"It is documented." example:"{\"id\":\"1\"}" additionalProperties:"false"`
	ID    string   `json:"id" readOnly:"true" required:"true" doc:"who"`
	Owner *address `json:"owner" doc:"whose" deprecated:"true"`
	Home  address  `json:"home" nullable:"true"`
	Color color    `json:"color" default:"red"`
}

func TestGoldenDocuments(t *testing.T) {
	for name, typ := range map[string]reflect.Type{
		"documented": reflect.TypeFor[documented](), "special": reflect.TypeFor[special](), "node": reflect.TypeFor[node](),
		"union": reflect.TypeFor[recursiveUnion](), "animal": reflect.TypeFor[oneOf[animal]](), "wanted": reflect.TypeFor[wanted](),
		"nullables": reflect.TypeFor[nullables](), "embedding": reflect.TypeFor[embedding](), "lists": reflect.TypeFor[lists](),
		"closed": reflect.TypeFor[closed](), "quoted": reflect.TypeFor[quoted](), "card": reflect.TypeFor[card](),
		"generic": reflect.TypeFor[map[string]box[*box[flat]]](),
	} {
		s, mistakes := new(schema.Compiler).For(typ, "")
		assert.Equal(t, mistakes, nil, name)
		text, err := json.Marshal(s.Standalone())
		assert.NoError(t, err)
		var got bytes.Buffer
		assert.NoError(t, json.Indent(&got, text, "", "  "))
		got.WriteByte('\n')
		file := filepath.Join("testdata", name+".json")
		if *update {
			assert.NoError(t, os.WriteFile(file, got.Bytes(), 0o644))
		}
		want, err := os.ReadFile(file)
		assert.NoError(t, err)
		assert.Equal(t, got.String(), string(want), name)
	}
}

// Page is generic.
type Page[T any] struct {
	Items []T `json:"items"`
}

type flatPage struct {
	A Page[flat]                      `json:"a"`
	B Page[map[string]*address]       `json:"b"`
	C Page[Page[color]]               `json:"c"`
	D Page[netip.Addr]                `json:"d"`
	E Page[struct{ X int }]           `json:"e"`
	F []Page[[]Page[json.RawMessage]] `json:"f"`
}

func TestComponentNames(t *testing.T) {
	c := new(schema.Compiler)
	s, mistakes := c.For(reflect.TypeFor[flatPage](), "")
	assert.Equal(t, mistakes, nil)
	k := schema.NewComponents("#/components/schemas/")
	k.Add(s)
	var names []string
	for name := range k.Definitions().All() {
		names = append(names, name)
	}
	assert.Equal(t, names, []string{"Address", "Color", "Flat", "FlatPage", "PageAddr", "PageColor", "PageFlat",
		"PageMapStringAddress", "PagePageColor", "PagePageRawMessage", "PageRawMessage", "PageStructXInt"})
}

// Cookie has the name of a type of net/http.
type Cookie struct{ X int }

var (
	cookieType  = reflect.TypeFor[Cookie]()
	otherCookie = reflect.TypeFor[http.Cookie]()
)

func TestNamesCollide(t *testing.T) {
	type Cookie struct{ Y int } // and this one of a function
	c := new(schema.Compiler)
	types := []reflect.Type{reflect.TypeFor[Cookie](), reflect.TypeFor[flat](), cookieType, otherCookie}
	names := func(order ...int) map[string]string {
		k := schema.NewComponents("")
		k.Reserve("Flat")
		for _, i := range order {
			s, _ := c.For(types[i], "")
			k.Add(s)
		}
		out := map[string]string{}
		for _, typ := range types {
			out[k.Name(typ)] = typ.PkgPath()
		}
		return out
	}
	want := names(0, 1, 2, 3)
	assert.Equal(t, len(want), 4)
	assert.Equal(t, names(3, 2, 1, 0), want)
	for name := range want {
		assert.Equal(t, strings.HasPrefix(name, "Schema_test") || strings.HasPrefix(name, "Http"), true, name)
	}
}

func localA() reflect.Type {
	type Item struct{ A int }
	return reflect.TypeFor[Item]()
}

func localB() reflect.Type {
	type Item struct{ B int }
	return reflect.TypeFor[Item]()
}

func localC() reflect.Type {
	type Item struct{ C int }
	return reflect.TypeFor[Item]()
}

// TestLocalNames sees that types which nothing tells apart are named as they are added.
func TestLocalNames(t *testing.T) {
	c := new(schema.Compiler)
	types := []reflect.Type{localA(), localB(), localC()}
	for range 50 {
		k := schema.NewComponents("")
		for _, typ := range types {
			s, _ := c.For(typ, "")
			k.Add(s)
		}
		for i, name := range []string{"Schema_testItem", "Schema_testItem2", "Schema_testItem3"} {
			assert.Equal(t, k.Name(types[i]), name)
		}
	}
}

func TestLateComponents(t *testing.T) {
	c := new(schema.Compiler)
	k := schema.NewComponents("#/")
	s, _ := c.For(reflect.TypeFor[cat](), "")
	k.Add(s)
	assert.Equal(t, k.Ref(reflect.TypeFor[cat]()), "#/Cat")
	s, _ = c.For(reflect.TypeFor[dog](), "")
	k.Add(s)
	assert.Equal(t, k.Ref(reflect.TypeFor[dog]()), "#/Dog")
	assert.Equal(t, k.Definitions().Len(), 2)
}

// A variant that is a component of its own takes no name of a type.
func TestComponentsOfVariants(t *testing.T) {
	type animalDog struct {
		A *oneOf[animal] `json:"a"`
	}
	c := new(schema.Compiler)
	k := schema.NewComponents("#/")
	s, _ := c.For(reflect.TypeFor[animalDog](), "")
	k.Add(s)
	text, err := json.Marshal(k.Document(s))
	assert.NoError(t, err)
	assert.Equal(t, string(text), `{"$ref":"#/AnimalDog"}`)
	definitions := k.Definitions()
	mapping := definitions.Get("Animal").(*schema.Object).Get("discriminator").(*schema.Object).Get("mapping")
	text, err = json.Marshal(mapping)
	assert.NoError(t, err)
	assert.Equal(t, string(text), `{"cat":"#/Cat","dog":"#/AnimalDog2","eel":"#/Eel"}`)
	text, err = json.Marshal(definitions.Get("AnimalDog2").(*schema.Object).Get("required"))
	assert.NoError(t, err)
	assert.Equal(t, string(text), `["kind"]`)
}

func TestObject(t *testing.T) {
	o := new(schema.Object)
	text, err := json.Marshal(o.Set("b", 1).Set("a", "<>").Set("b", []any{nil, new(schema.Object)}))
	assert.NoError(t, err)
	assert.Equal(t, string(text), `{"b":[null,{}],"a":"\u003c\u003e"}`, "the outer encoder decides")
	assert.Equal(t, o.Get("a"), any("<>"))
	assert.Equal(t, o.Get("c"), nil)
}

func TestCompilerIsConcurrent(t *testing.T) {
	c := new(schema.Compiler)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for _, typ := range agreeTypes() {
				s, _ := c.For(typ, "")
				s.Standalone()
				again, _ := c.For(typ, "")
				if again != s {
					t.Error("made twice")
				}
			}
		})
	}
	group.Wait()
}

type tree struct {
	Name string `json:"name"`
	All  trees  `json:"all" maxItems:"3" items.nullable:"true"`
}

type trees []tree

// TestTagsStayOutOfComponents sees that what one field says is not in a component that
// others share.
func TestTagsStayOutOfComponents(t *testing.T) {
	c := new(schema.Compiler)
	for _, typ := range []reflect.Type{reflect.TypeFor[tree](), reflect.TypeFor[trees](), reflect.TypeFor[links]()} {
		s, mistakes := c.For(typ, `doc:"one"`)
		assert.Equal(t, mistakes, nil)
		text, err := s.Definition(func(t reflect.Type) string { return t.Name() }).MarshalJSON()
		assert.NoError(t, err)
		assert.Equal(t, string(text), map[string]string{
			"tree": `{"type":"object","properties":{"name":{"type":"string"},"all":{"type":["array","null"],"items":` +
				`{"anyOf":[{"$ref":"tree"},{"type":"null"}]},"maxItems":3}}}`,
			"trees": `{"type":"array","items":{"$ref":"tree"}}`,
			"links": `{"type":"array","items":{"anyOf":[{"$ref":"links"},{"type":"null"}]}}`,
		}[typ.Name()])
	}
}
