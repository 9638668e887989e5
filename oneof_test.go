package tako_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/schema"
)

type pet struct {
	_     struct{} `discriminator:"kind"`
	Cat   *petCat  `variant:"cat"`
	Snake *snake   `variant:"snake"`
}

type petCat struct {
	Lives int `json:"lives" minimum:"1"`
}

type snake struct {
	Length float64 `json:"length"`
	Kind   string  `json:"kind"`
}

// broken returns the rules that *v breaks.
func broken[T any](s *schema.Schema, v *T, raw string) (rules []string) {
	var r schema.Report
	var doc []byte
	if raw != "" {
		doc = []byte(raw)
	}
	s.Check(context.Background(), reflect.ValueOf(v).UnsafePointer(), doc, &r)
	for _, f := range r.Failures {
		rules = append(rules, strings.TrimSpace(f.Pointer+" "+f.Rule))
	}
	return rules
}

func TestOneOfJSON(t *testing.T) {
	for _, test := range []struct {
		doc  string
		kind string
		back string
	}{
		{`{"kind":"cat","lives":7}`, "cat", `{"kind":"cat","lives":7}`},
		{`{"lives":7,"kind":"cat"}`, "cat", `{"kind":"cat","lives":7}`},
		{` {"length":1.5,"kind":"snake","other":{"kind":"cat"}} `, "snake", `{"length":1.5,"kind":"snake"}`},
		{`{"\u006bind":"c\u0061t"}`, "cat", `{"kind":"cat","lives":0}`},
		{`{"kind":"dog"}`, "", `null`},
		{`{"kind":5}`, "", `null`},
		{`{"KIND":"cat"}`, "", `null`},
		{`{"kind":"cat","lives":7,"KIND":"snake"}`, "cat", `{"kind":"cat","lives":7}`},
		{`{}`, "", `null`},
		{`null`, "", `null`},
	} {
		var got tako.OneOf[pet]
		assert.NoError(t, json.Unmarshal([]byte(test.doc), &got), test.doc)
		assert.Equal(t, got.Kind(), test.kind, test.doc)
		assert.Equal(t, got.Value.Cat != nil, test.kind == "cat", test.doc)
		assert.Equal(t, got.Value.Snake != nil, test.kind == "snake", test.doc)
		back, err := json.Marshal(got)
		assert.NoError(t, err)
		assert.Equal(t, string(back), test.back, test.doc)
	}
}

func TestOneOfEncodesTheVariantThatIsSet(t *testing.T) {
	text, err := json.Marshal(struct {
		A tako.OneOf[pet]
		B *tako.OneOf[pet]
	}{A: tako.OneOf[pet]{Value: pet{Snake: &snake{Length: 2, Kind: "worm"}}}})
	assert.NoError(t, err)
	assert.Equal(t, string(text), `{"A":{"length":2,"kind":"snake"},"B":null}`)
}

func TestOneOfRefusesOtherKinds(t *testing.T) {
	for _, doc := range []string{`5`, `"x"`, `[]`, `true`, `{"kind":"cat","lives":"x"}`} {
		var got tako.OneOf[pet]
		_, mismatch := errors.AsType[*json.UnmarshalTypeError](json.Unmarshal([]byte(doc), &got))
		assert.Equal(t, mismatch, true, doc)
	}
	var faulty tako.OneOf[int]
	assert.Contains(t, json.Unmarshal([]byte(`{}`), &faulty).Error(), "a union is a struct of pointers")
	assert.Equal(t, faulty.Kind(), "")
}

// numbered has variants whose names look like other values of JSON.
type numbered struct {
	_ struct{} `discriminator:"kind"`
	A *petCat  `variant:"5"`
	B *petCat  `variant:"true"`
	C *petCat  `variant:"null"`
}

func TestOneOfIsNamedByStrings(t *testing.T) {
	s, _ := new(schema.Compiler).For(reflect.TypeFor[tako.OneOf[numbered]](), "")
	for doc, want := range map[string][]string{
		`{"kind":"5","lives":1}`:    nil,
		`{"kind":"true","lives":1}`: nil,
		`{"kind":5,"lives":1}`:      {"/kind oneOf"},
		`{"kind":true,"lives":1}`:   {"/kind oneOf"},
		`{"kind":null,"lives":1}`:   {"/kind oneOf"},
		`{"kind":["5"],"lives":1}`:  {"/kind oneOf"},
		`{"Kind":"5","lives":1}`:    {"/kind required"},
	} {
		var got tako.OneOf[numbered]
		assert.NoError(t, json.Unmarshal([]byte(doc), &got))
		assert.Equal(t, broken(s, &got, doc), want, doc)
	}
}

type optChain struct {
	S string                   `json:"s"`
	O tako.Opt[*optChain]      `json:"o,omitzero"`
	U tako.OneOf[unionChain]   `json:"u,omitzero"`
	A tako.Opt[map[string]any] `json:"a,omitzero"`
}

type unionChain struct {
	_ struct{}  `discriminator:"k"`
	C *optChain `variant:"c"`
}

// TestNestedIsBounded sees that values within values do not take time for each of many
// levels.
func TestNestedIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("megabytes, a hundred levels deep")
	}
	nested := func(open string, levels, length int) []byte {
		return []byte(strings.Repeat(open, levels) + `{"k":"c","s":"` + strings.Repeat("x", length) + `"}` + strings.Repeat("}", levels))
	}
	for _, test := range []struct {
		open           string
		levels, length int
		ok             bool
	}{
		{`{"o":`, 900, 1000, false},
		{`{"o":`, 99, 1 << 20, true},
		{`{"o":`, 101, 1 << 20, false},
		{`{"k":"c","u":`, 99, 1 << 20, true},
		{`{"k":"c","u":`, 900, 1 << 20, false},
		{`{"a":`, 900, 1 << 20, true}, // any is read at once
	} {
		start := time.Now()
		var v optChain
		doc := nested(test.open, test.levels, test.length)
		if strings.Contains(test.open, "a") {
			doc = []byte(`{"a":` + strings.ReplaceAll(string(doc), `"a":`, `"b":`) + `}`)
		}
		err := json.Unmarshal(doc, &v)
		assert.Equal(t, err == nil, test.ok, test.open, test.levels, err)
		e, is := errors.AsType[*tako.Error](err)
		assert.Equal(t, is, !test.ok)
		assert.Equal(t, is && e.Status == 400, !test.ok)
		if took := time.Since(start); took > time.Minute {
			t.Errorf("%s: %s", test.open, took)
		}
	}
}

func TestOneOfForgetsWhatItHeld(t *testing.T) {
	got := tako.OneOf[pet]{Value: pet{Cat: &petCat{Lives: 3}}}
	assert.NoError(t, json.Unmarshal([]byte(`{"kind":"snake"}`), &got))
	assert.Equal(t, got.Value, pet{Snake: &snake{Kind: "snake"}})
}

// TestOneOfSchema sees that the type has the form that the schemas know.
func TestOneOfSchema(t *testing.T) {
	s, mistakes := new(schema.Compiler).For(reflect.TypeFor[tako.OneOf[pet]](), "")
	assert.Equal(t, mistakes, nil)
	assert.Equal(t, s.Named(), true)
	assert.Contains(t, s.Definition(nil).Get("discriminator").(*schema.Object).Get("propertyName").(string), "kind")
	for doc, rules := range map[string][]string{
		`{"kind":"cat","lives":7}`: nil,
		`{"kind":"cat","lives":0}`: {"/lives minimum"},
		`{"kind":"dog"}`:           {"/kind oneOf"},
		`{}`:                       {"/kind required"},
		`null`:                     {"type"},
	} {
		var got tako.OneOf[pet]
		assert.NoError(t, json.Unmarshal([]byte(doc), &got))
		assert.Equal(t, broken(s, &got, doc), rules, doc)
	}
}
