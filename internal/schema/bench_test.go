package schema_test

import (
	"context"
	"encoding/json"
	"reflect"
	"testing"
	"unsafe"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/schema"
)

// plainFlat is flat without a pattern, whose cost is that of package regexp.
type plainFlat struct {
	Name  string `json:"name" required:"true" minLength:"1" maxLength:"20"`
	Email string `json:"email" required:"true" format:"email"`
	Code  string `json:"code" minLength:"2" maxLength:"10"`
	Age   int    `json:"age" minimum:"18" maximum:"130"`
	Rank  int    `json:"rank" minimum:"1" exclusiveMaximum:"10"`
}

const (
	flatJSON   = `{"name":"Ada Lovelace","email":"ada@example.com","code":"abc","age":36,"rank":1}`
	sparseJSON = `{"name":"Ada Lovelace","email":"ada@example.com","age":36}`
	nestedJSON = `{"home":{"street":"Main","city":"Ulm","zip":"123"},"work":{"street":"Side"},` +
		`"all":[{"street":"a"},{"street":"b"}],"some":[{"street":"c"}],"maybe":null}`
)

// decoded returns a T with its schema.
func decoded[T any](tb testing.TB, doc string) (*schema.Schema, *T) {
	c := new(schema.Compiler)
	s, mistakes := c.For(reflect.TypeFor[T](), "")
	assert.Equal(tb, mistakes, nil)
	v := new(T)
	assert.NoError(tb, json.Unmarshal([]byte(doc), v))
	return s, v
}

func TestCheckAllocatesNothing(t *testing.T) {
	ctx := context.Background()
	check := func(name string, s *schema.Schema, p unsafe.Pointer, raw []byte) {
		var r schema.Report
		n := testing.AllocsPerRun(100, func() { s.Check(ctx, p, raw, &r) })
		assert.Equal(t, n, 0, name)
		assert.Equal(t, r.Failures, nil, name)
	}
	s, v := decoded[flat](t, flatJSON)
	check("flat", s, unsafe.Pointer(v), []byte(flatJSON))
	check("flat without JSON", s, unsafe.Pointer(v), nil)
	s, v = decoded[flat](t, sparseJSON)
	check("absent members", s, unsafe.Pointer(v), []byte(sparseJSON))
	n, w := decoded[nested](t, nestedJSON)
	check("nested with a null", n, unsafe.Pointer(w), []byte(nestedJSON))
}

func benchmark[T any](b *testing.B, doc string, raw bool) {
	s, v := decoded[T](b, doc)
	ctx, text := context.Background(), []byte(doc)
	if !raw {
		text = nil
	}
	var r schema.Report
	b.ReportAllocs()
	for b.Loop() {
		s.Check(ctx, unsafe.Pointer(v), text, &r)
	}
	assert.Equal(b, r.Failures, nil)
}

func BenchmarkCheck(b *testing.B) {
	b.Run("flat", func(b *testing.B) { benchmark[plainFlat](b, flatJSON, true) })
	b.Run("flat/noJSON", func(b *testing.B) { benchmark[plainFlat](b, flatJSON, false) })
	b.Run("flat/pattern", func(b *testing.B) { benchmark[flat](b, flatJSON, true) })
	b.Run("flat/absent", func(b *testing.B) { benchmark[plainFlat](b, sparseJSON, true) })
	b.Run("nested/null", func(b *testing.B) { benchmark[nested](b, nestedJSON, true) })
}
