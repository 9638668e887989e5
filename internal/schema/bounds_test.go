package schema_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/schema"
)

// TestLongNames sees that a long name in a body is not repeated by each failure.
func TestLongNames(t *testing.T) {
	typ := reflect.TypeFor[map[string][]flat]()
	rows := strings.TrimSuffix(strings.Repeat(`{"name":"","email":"x"},`, 50), ",")
	for _, name := range []string{"k", "é", "~", "/", "x~", "😀"} {
		long := strings.Repeat(name, 1<<20/len(name))
		failures := check(t, typ, `{"`+long+`":[`+rows+`]}`)
		assert.Equal(t, len(failures), schema.MaxFailures)
		for _, f := range failures {
			cut, is := strings.CutSuffix(f.Pointer, "…")
			if !is || len(cut) > 256 || len(cut) < 250 || !utf8.ValidString(cut) {
				t.Fatalf("%q: the pointer is %q", name, f.Pointer)
			}
			escapes := strings.Count(cut, "~0") + strings.Count(cut, "~1")
			assert.Equal(t, strings.Count(cut, "~"), escapes, "half of an escape", cut)
		}
	}
	name := strings.Repeat("k", 250)
	assert.Equal(t, check(t, reflect.TypeFor[map[string]color](), `{"`+name+`":""}`)[0].Pointer, "/"+name)
	deep := check(t, reflect.TypeFor[node](), strings.Repeat(`{"value":"x","left":`, 200)+`{"value":""}`+strings.Repeat("}", 200))
	assert.Equal(t, deep[0].Pointer, strings.Repeat("/left", 52)[:256]+"…")
	unknown := check(t, reflect.TypeFor[closed](), `{"a":"","`+strings.Repeat("z", 1<<20)+`":1}`)
	assert.Equal(t, unknown[0].Pointer, "/"+strings.Repeat("z", 255)+"…")
}

// TestFormatsMayKeep sees that formats get no view of the JSON.
func TestFormatsMayKeep(t *testing.T) {
	var kept []string
	c := &schema.Compiler{Formats: map[string]func(string) error{"kept": func(s string) error {
		kept = append(kept, s)
		return nil
	}}}
	type holder struct {
		M map[string]int     `json:"m" keys.format:"kept"`
		A netip.Addr         `json:"a" format:"kept"`
		K map[netip.Addr]int `json:"k" keys.format:"kept"`
		R string             `json:"r" required:"true"`
	}
	s, mistakes := c.For(reflect.TypeFor[holder](), "")
	assert.Equal(t, mistakes, nil)
	doc := []byte(`{"m":{"name":1},"a":"127.0.0.1","k":{"127.0.0.2":1}}`)
	var v holder
	assert.NoError(t, json.Unmarshal(doc, &v))
	var r schema.Report
	s.Check(context.Background(), unsafe.Pointer(&v), doc, &r)
	assert.Equal(t, brief(r.Failures), "/r required")
	clear(doc)
	for _, want := range []string{"name", "127.0.0.1", "127.0.0.2"} {
		assert.Equal(t, slices.Contains(kept, want), true, want, kept)
	}
	for _, text := range kept {
		assert.Equal(t, strings.Contains(text, "\x00"), false, kept)
	}
}

// echo is a type whose Validate method says all that it was given.
type echo string

func (e echo) Validate(context.Context) error { return errors.New("no " + string(e)) }

func TestLongErrors(t *testing.T) {
	f := check(t, reflect.TypeFor[[]echo](), `["`+strings.Repeat("é", 1<<19)+`"]`)[0]
	assert.Equal(t, f.Detail, "no "+strings.Repeat("é", 510)+"…")
	assert.Equal(t, len(f.Err.Error()), 1<<20+3)
}

func TestUniqueScalars(t *testing.T) {
	type all struct {
		I []int64          `json:"i" uniqueItems:"true"`
		U []uint64         `json:"u" uniqueItems:"true"`
		S []string         `json:"s" uniqueItems:"true"`
		F []float64        `json:"f" uniqueItems:"true"`
		N []int            `json:"n" uniqueItems:"true" items.nullable:"true"`
		P []*uint64        `json:"p" uniqueItems:"true"`
		A []any            `json:"a" uniqueItems:"true"`
		M []map[string]any `json:"m" uniqueItems:"true"`
	}
	const most = "18446744073709551614,18446744073709551615"
	many := ",0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16"
	for doc, want := range map[string]string{
		`{"u":[` + most + `]}`:                                  "",
		`{"u":[` + most + many + `]}`:                           "",
		`{"u":[` + most + many + `,18446744073709551615]}`:      "/u uniqueItems",
		`{"p":[` + most + many + `]}`:                           "",
		`{"p":[` + most + many + `,3]}`:                         "/p uniqueItems",
		`{"p":[null,0,null]}`:                                   "/p uniqueItems",
		`{"i":[-1` + many + `]}`:                                "",
		`{"i":[-1` + many + `,-1]}`:                             "/i uniqueItems",
		`{"n":[null,0]}`:                                        "",
		`{"n":[0,null]}`:                                        "",
		`{"n":[null` + many + `]}`:                              "",
		`{"n":[null` + many + `,null]}`:                         "/n uniqueItems",
		`{"f":[0,-0.0]}`:                                        "/f uniqueItems",
		`{"f":[1,1.0]}`:                                         "/f uniqueItems",
		`{"f":[0.1,0.10000000000000000001]}`:                    "",
		`{"f":[1,1.5]}`:                                         "",
		`{"s":["a","b","\u0061"]}`:                              "/s uniqueItems",
		`{"a":[` + most + `,"1",1,true,null,"true","null",""]}`: "",
		`{"a":[100,1.0e2]}`:                                     "/a uniqueItems",
		`{"a":[0,-0.0e7]}`:                                      "/a uniqueItems",
		`{"a":["a","\u0061"]}`:                                  "/a uniqueItems",
		`{"a":[{"a":[` + most + `]},{"a":[18446744073709551615,18446744073709551614]}]}`: "",
		`{"m":[{"a":18446744073709551614},{"a":18446744073709551615}]}`:                  "",
		`{"m":[{"a":1,"b":10},{"b":1e1,"a":1.0}]}`:                                       "/m uniqueItems",
	} {
		assert.Equal(t, brief(check(t, reflect.TypeFor[all](), doc)), want, doc)
	}
}

// TestUniqueCost sees that long lists are compared in one go.
func TestUniqueCost(t *testing.T) {
	values := make([]int64, 150000)
	for i := range values {
		values[i] = int64(i)
	}
	text, err := json.Marshal(values)
	assert.NoError(t, err)
	s, _ := new(schema.Compiler).For(reflect.TypeFor[[]int64](), `uniqueItems:"true"`)
	var r schema.Report
	start := time.Now()
	allocs := testing.AllocsPerRun(1, func() { s.Check(context.Background(), unsafe.Pointer(&values), text, &r) })
	assert.Equal(t, r.Failures, nil)
	if took := time.Since(start); allocs > 10000 || took > time.Minute {
		t.Errorf("%v allocations in %s", allocs, took)
	}
}

func TestValidateInRoot(t *testing.T) {
	const bad = `{"from":3,"to":2}`
	for _, test := range []struct {
		typ  reflect.Type
		want string
	}{
		{reflect.TypeFor[span](), ""},
		{reflect.TypeFor[*span](), ""}, // it has the method itself
		{reflect.TypeFor[**span](), " validate"},
		{reflect.TypeFor[opt[span]](), " validate"},
		{reflect.TypeFor[*opt[span]](), " validate"},
		{reflect.TypeFor[opt[*span]](), " validate"},
		{reflect.TypeFor[opt[opt[span]]](), " validate"},
	} {
		assert.Equal(t, brief(check(t, test.typ, bad)), test.want, test.typ)
		assert.Equal(t, brief(check(t, test.typ, `{"from":3,"to":4}`)), "", test.typ)
		assert.Equal(t, brief(check(t, test.typ, `{"from":-3,"to":-4}`)), "/from minimum", test.typ)
	}
	typ := reflect.TypeFor[rootWithOpt]()
	assert.Equal(t, brief(check(t, typ, `{"o":1,"p":1}`)), "", "that of the root is for the caller, whatever is in it")
}

// rootWithOpt refuses everything.
type rootWithOpt struct {
	O opt[int] `json:"o"`
	P *int     `json:"p"`
}

func (*rootWithOpt) Validate(context.Context) error { return errors.New("never") }
