package tako_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/schema"
)

func TestOpt(t *testing.T) {
	var o tako.Opt[int]
	v, ok := o.Get()
	assert.Equal(t, v, 0)
	assert.Equal(t, ok, false)
	assert.Equal(t, o.IsZero(), true)
	assert.Equal(t, o.IsNull(), false)
	assert.Equal(t, o.Elem(), nil)
	assert.Equal(t, o.Or(7), 7)

	o.Set(0)
	v, ok = o.Get()
	assert.Equal(t, v, 0)
	assert.Equal(t, ok, true)
	assert.Equal(t, o.IsZero(), false)
	assert.Equal(t, o.Elem(), any(0))
	assert.Equal(t, o.Or(7), 0)
	assert.Equal(t, o, tako.Some(0))

	o.Null()
	assert.Equal(t, o.IsNull(), true)
	assert.Equal(t, o.IsZero(), false)
	assert.Equal(t, o.Elem(), nil)
	assert.Equal(t, o, tako.NullOpt[int]())

	o.Clear()
	assert.Equal(t, o, tako.Opt[int]{})
}

func TestOptJSON(t *testing.T) {
	type patch struct {
		Name tako.Opt[string]   `json:"name,omitzero"`
		Tags tako.Opt[[]string] `json:"tags,omitzero"`
		Kept tako.Opt[int]      `json:"kept"`
	}
	for _, test := range []struct {
		doc  string
		want patch
		back string
	}{
		{`{}`, patch{}, `{"kept":null}`},
		{`{"name":null,"kept":3}`, patch{Name: tako.NullOpt[string](), Kept: tako.Some(3)}, `{"name":null,"kept":3}`},
		{`{"name":"","tags":["a"]}`, patch{Name: tako.Some(""), Tags: tako.Some([]string{"a"})}, `{"name":"","tags":["a"],"kept":null}`},
		{`{"name":"x","name":null}`, patch{Name: tako.NullOpt[string]()}, `{"name":null,"kept":null}`},
	} {
		var got patch
		assert.NoError(t, json.Unmarshal([]byte(test.doc), &got))
		assert.Equal(t, got, test.want, test.doc)
		back, err := json.Marshal(got)
		assert.NoError(t, err)
		assert.Equal(t, string(back), test.back, test.doc)
	}
	var got patch
	_, mismatch := errors.AsType[*json.UnmarshalTypeError](json.Unmarshal([]byte(`{"kept":"x"}`), &got))
	assert.Equal(t, mismatch, true)
	assert.Equal(t, got.Kept.IsZero(), true, "after an error")
}

// TestOptSchema sees that the type has the form that the schemas know.
func TestOptSchema(t *testing.T) {
	s, mistakes := new(schema.Compiler).For(reflect.TypeFor[tako.Opt[int]](), `minimum:"3"`)
	assert.Equal(t, mistakes, nil)
	doc, err := s.Document(nil).MarshalJSON()
	assert.NoError(t, err)
	assert.Equal(t, string(doc), `{"type":["integer","null"],"format":"int64","minimum":3}`)

	for _, test := range []struct {
		value tako.Opt[int]
		rules []string
	}{
		{tako.Some(3), nil}, {tako.Some(2), []string{"minimum"}}, {tako.Some(0), []string{"minimum"}},
		{tako.NullOpt[int](), nil}, {tako.Opt[int]{}, nil},
	} {
		assert.Equal(t, broken(s, &test.value, ""), test.rules, test.value)
	}
}
