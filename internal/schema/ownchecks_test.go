package schema_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"unsafe"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/schema"
)

// callLog is what Validate methods note, by the context.
type callLog struct {
	calls []string
	bad   map[string]bool
}

type logKey struct{}

func note(ctx context.Context, name string) error {
	l := ctx.Value(logKey{}).(*callLog)
	l.calls = append(l.calls, name)
	if l.bad[name] {
		return errors.New(name)
	}
	return nil
}

type (
	Left   struct{ X int }
	Right  struct{ Y int }
	Behind struct{ Z int }
	Middle struct {
		Left
		M int
	}
	quiet struct{ Q int }
)

func (Left) Validate(ctx context.Context) error    { return note(ctx, "left") }
func (*Right) Validate(ctx context.Context) error  { return note(ctx, "right") }
func (Behind) Validate(ctx context.Context) error  { return note(ctx, "behind") }
func (*Middle) Validate(ctx context.Context) error { return note(ctx, "middle") }
func (quiet) Validate(context.Context) error       { return nil }

type (
	alone     struct{ Left }
	aloneFar  struct{ alone }
	ambiguous struct {
		Left
		Right
	}
	shadowing struct {
		Left
		*Behind
	}
	generic[T any] struct {
		Left
		V T
	}
	uneven struct { // promotes the method of Right, and not that of Left
		alone
		Right
	}
	inlined struct {
		quiet
		Right
	}
	named struct {
		Left `json:"left"`
	}
	hidden struct {
		Left `json:"-"`
	}
	round struct {
		*round
		Left
	}
	abstract struct {
		schema.Validator
	}
)

func (shadowing) Validate(ctx context.Context) error  { return note(ctx, "shadowing") }
func (generic[T]) Validate(ctx context.Context) error { return note(ctx, "generic") }

func TestEmbeddedValidate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value any
		bad   string
		want  []string
	}{
		{&alone{}, "", []string{"left"}},
		{&aloneFar{}, "", []string{"left"}},
		{&ambiguous{}, "", []string{"left", "right"}},
		{&ambiguous{}, "left", []string{"left", "right"}},
		{&shadowing{}, "", []string{"left", "shadowing"}},
		{&shadowing{Behind: &Behind{}}, "", []string{"left", "behind", "shadowing"}},
		{&shadowing{Behind: &Behind{}}, "behind", []string{"left", "behind"}},
		{&generic[int]{}, "", []string{"left", "generic"}},
		{&uneven{}, "", []string{"left", "right"}},
		{&inlined{}, "", []string{"right"}},
		{&Middle{}, "", []string{"left", "middle"}},
		{&hidden{}, "", []string{"left"}},
		{&round{}, "", []string{"left"}},
		{&Behind{}, "", []string{"behind"}},
	} {
		l := &callLog{bad: map[string]bool{test.bad: true}}
		ctx := context.WithValue(t.Context(), logKey{}, l)
		v := reflect.ValueOf(test.value)
		var found []string
		fine := schema.OwnChecksOf(v.Type().Elem(), nil).Run(ctx, v.UnsafePointer(), func(err error) { found = append(found, err.Error()) })
		assert.Equal(t, l.calls, test.want, v.Type())
		assert.Equal(t, fine, test.bad == "", v.Type())
		assert.Equal(t, len(found) == 0, fine, v.Type())

		// The same as an item of a list.
		l.calls = nil
		list := reflect.New(reflect.SliceOf(v.Type()))
		list.Elem().Set(reflect.Append(list.Elem(), v))
		s, _ := new(schema.Compiler).For(list.Type().Elem(), "")
		var r schema.Report
		s.Check(ctx, list.UnsafePointer(), nil, &r)
		assert.Equal(t, l.calls, test.want, v.Type())
	}
	if schema.OwnChecksOf(reflect.TypeFor[named](), nil) != nil {
		t.Error("a member with a name of its own is checked by itself")
	}
	if schema.OwnChecksOf(reflect.TypeFor[abstract](), nil) == nil {
		t.Error("an interface that is embedded is left out")
	}
}

// code is a name of a map that checks itself.
type code string

func (c code) Validate(context.Context) error {
	if c == "bad" {
		return errors.New("no code")
	}
	return nil
}

// filled is a list that must have something in it.
type filled []int

func (f filled) Validate(context.Context) error {
	if len(f) == 0 {
		return errors.New("empty")
	}
	return nil
}

// whole reads all that is JSON.
type whole struct{ text string }

func (w *whole) UnmarshalJSON(data []byte) error { w.text = string(data); return nil }

func (w whole) Validate(context.Context) error {
	if w.text == "null" {
		return errors.New("nothing")
	}
	return nil
}

// told is one whose schema says whether null is allowed.
type told struct{ whole }

func (told) JSONSchema() string { return `{"anyOf":[{"type":["string","null"]},{"type":"number"}]}` }

// untold is one whose schema does not allow null.
type untold struct{ whole }

func (untold) JSONSchema() string { return `{"type":["string","number"]}` }

func TestValidateOfNullAndNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		typ       reflect.Type
		tag       reflect.StructTag
		doc, want string
	}{
		{reflect.TypeFor[map[code]int](), "", `{"good":1}`, ""},
		{reflect.TypeFor[map[code]int](), "", `{"bad":1}`, "/bad validate"},
		{reflect.TypeFor[struct{ N filled }](), "", `{"N":null}`, "/N validate"},
		{reflect.TypeFor[struct{ N filled }](), "", `{}`, ""},
		{reflect.TypeFor[struct{ N *filled }](), "", `{"N":null}`, ""},
		{reflect.TypeFor[[]whole](), "", `[null]`, "/0 type"},
		{reflect.TypeFor[[]whole](), `items.nullable:"true"`, `[null]`, "/0 validate"},
		{reflect.TypeFor[[]whole](), "", `[1]`, ""},
		{reflect.TypeFor[[]*whole](), "", `[null]`, ""},
		{reflect.TypeFor[map[string]whole](), "", `{"a":null}`, "/a type"},
		{reflect.TypeFor[[]untold](), "", `[null]`, "/0 type"},
		{reflect.TypeFor[[]told](), "", `[null]`, "/0 validate"},
		{reflect.TypeFor[[]any](), "", `[null]`, ""},
		{reflect.TypeFor[[]json.RawMessage](), "", `[null]`, ""},
		{reflect.TypeFor[map[string]int](), `secret:"true" keys.maxLength:"2" values.maximum:"1"`, `{"hush":2}`, "/* maxLength, /* maximum"},
	} {
		s, mistakes := new(schema.Compiler).For(test.typ, test.tag)
		assert.Equal(t, mistakes, nil, test.typ)
		v := reflect.New(test.typ)
		assert.NoError(t, json.Unmarshal([]byte(test.doc), v.Interface()))
		var r schema.Report
		s.Check(t.Context(), v.UnsafePointer(), []byte(test.doc), &r)
		assert.Equal(t, brief(r.Failures), test.want, test.typ, test.doc)
		if test.tag.Get("secret") != "" {
			r = schema.Report{}
			s.Check(t.Context(), v.UnsafePointer(), nil, &r)
			assert.Equal(t, brief(r.Failures), test.want, test.typ)
		}
	}
}

func TestSecretConst(t *testing.T) {
	t.Parallel()
	s, _ := new(schema.Compiler).For(reflect.TypeFor[string](), `secret:"true" const:"hush"`)
	text := "x"
	var r schema.Report
	s.Check(t.Context(), unsafe.Pointer(&text), nil, &r)
	assert.Equal(t, r.Failures, []schema.Failure{{Rule: "const", Detail: "is not a value that is allowed"}})
}

// TestCheckText calls the method of the value itself, which Check leaves to others.
func TestCheckText(t *testing.T) {
	t.Parallel()
	bad, good := code("bad"), code("good")
	p := &bad
	for _, test := range []struct {
		typ  reflect.Type
		p    unsafe.Pointer
		want string
	}{
		{reflect.TypeFor[code](), unsafe.Pointer(&bad), " validate"},
		{reflect.TypeFor[code](), unsafe.Pointer(&good), ""},
		{reflect.TypeFor[*code](), unsafe.Pointer(&p), " validate"},
		{reflect.TypeFor[[]code](), unsafe.Pointer(&[]code{good, bad}), "/1 validate"},
		{reflect.TypeFor[filled](), unsafe.Pointer(&filled{}), " validate"},
	} {
		s, _ := new(schema.Compiler).ForText(test.typ, "")
		assert.Equal(t, s.TextTrivial(), false, test.typ)
		var r schema.Report
		s.CheckText(t.Context(), test.p, &r)
		assert.Equal(t, brief(r.Failures), test.want, test.typ)
	}
}
