package tako_test

import (
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

type jsonLine struct {
	SKU   string  `json:"sku"`
	Count int64   `json:"count"`
	Price float64 `json:"price"`
}

type jsonOrder struct {
	ID    int64          `json:"id"`
	Lines []jsonLine     `json:"lines"`
	More  map[string]any `json:"more"`
	Odd   struct {
		N int `json:"n,string"`
	} `json:"odd"`
}

func TestJSONConfig(t *testing.T) {
	t.Parallel()
	deep := func(n int) string {
		return `{"more":{"a":` + strings.Repeat("[", n-2) + strings.Repeat("]", n-2) + `}}`
	}
	var safe tako.JSONConfig
	for _, tt := range []struct {
		config  tako.JSONConfig
		body    string
		detail  string // "" if it is taken
		pointer string
	}{
		{safe, `{"id":1,"id":2}`, "twice", "/id"}, {safe, `{"id":1,"\u0069d":2}`, "twice", "/id"}, {safe, `{"id":1,"ID":2}`, "twice", "/ID"},
		{safe, `{"lines":[{},{"sku":"a","sku":"b"}]}`, "twice", "/lines/1/sku"}, {safe, `{"x":{"a/b":1,"a/b":2}}`, "twice", "/x/a~1b"},
		{safe, `{"more":{"k":[{"a":1,"a":2}]}}`, "twice", "/more/k/0/a"}, {safe, `{"odd":{"n":"1","n":"2"}}`, "twice", "/odd/n"}, {safe, `{"x":1,"x":2}`, "twice", "/x"},
		{safe, `{"id":1,"x":{"id":2},"lines":[{"sku":"a"},{"sku":"a"}],"odd":{"n":"5"}}`, "", ""},
		{tako.JSONConfig{AllowDuplicateNames: true}, `{"id":1,"id":2,"ID":3,"x":1,"x":2}`, "", ""},
		{safe, `{"nope":1,"lines":[{"x":1}]}`, "", ""},
		{tako.JSONConfig{DisallowUnknownFields: true}, `{"lines":[{"x":1}]}`, "not known", "/lines/0/x"},
		{tako.JSONConfig{DisallowUnknownFields: true}, `{"more":{"x":1},"ID":1}`, "", ""},
		{tako.JSONConfig{DisallowUnknownFields: true}, `{"odd":{"m":1}}`, "not known", "/odd/m"},
		{safe, deep(1000), "", ""}, {safe, deep(1001), "too deeply", "-"}, {safe, `{"x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`, "too deeply", "-"},
		{tako.JSONConfig{MaxDepth: 3}, deep(3), "", ""}, {tako.JSONConfig{MaxDepth: 3}, deep(4), "too deeply", "-"}, {tako.JSONConfig{MaxDepth: 1 << 30}, deep(10001), "too deeply", "-"},
		{safe, `{"id":9007199254740992}`, "", ""}, {tako.JSONConfig{SafeIntegers: true}, `{"id":9007199254740991}`, "", ""},
		{tako.JSONConfig{SafeIntegers: true}, `{"id":9007199254740992}`, "not every parser", "/id"}, {tako.JSONConfig{SafeIntegers: true}, `{"x":[-9007199254740992]}`, "not every parser", "/x/0"},
		{safe, `{"lines":[{"price":1e999999}]}`, "wrong kind", "/lines/0/price"}, {safe, `{"more":{"a":1e999999}}`, "wrong kind", "/more/a"},
		{safe, `{"lines":[{"count":1},{"count":"1"}]}`, "wrong kind", "/lines/1/count"}, {safe, `{"lines":{}}`, "wrong kind", "/lines"}, {safe, `{"lines":[{"count":1.5}]}`, "wrong kind", "/lines/0/count"},
		{safe, `{"id":1}x`, "malformed at byte 8", "-"}, {safe, `{"id":1`, "malformed at byte 7", "-"}, {safe, "{\"x\":\"\xff\"}", "not UTF-8 at byte 6", "-"}, {safe, " ", "empty", "-"},
	} {
		var v jsonOrder
		err := tako.JSONCodec{Config: tt.config}.Decode([]byte(tt.body), &v)
		if tt.detail == "" {
			assert.NoError(t, err, tt.body)
			continue
		}
		e := tako.AsError(err)
		if err == nil || e.Status != 400 || !strings.Contains(e.Detail, tt.detail) || strings.Contains(e.Detail, "jsonOrder") {
			t.Errorf("%.100s: got %v, want 400 %s", tt.body, err, tt.detail)
			continue
		}
		switch {
		case tt.pointer == "-" && len(e.Fields) > 0:
			t.Errorf("%.100s: got %v, want no field", tt.body, e.Fields)
		case tt.pointer != "-" && (len(e.Fields) != 1 || e.Fields[0].Name != tt.pointer || e.Fields[0].In != "body"):
			t.Errorf("%.100s: got %v, want %s", tt.body, e.Fields, tt.pointer)
		}
	}
}

type jsonRole struct {
	Role string `json:"role"`
}

type JSONBase struct {
	Base int `json:"base"`
}

// jsonWhole is one that encoding/json takes as a whole.
type jsonWhole struct {
	*JSONBase
	Role string                 `json:"role"`
	Opt  tako.Opt[jsonRole]     `json:"opt"`
	Of   tako.OneOf[jsonOf]     `json:"of"`
	By   map[int]jsonRole       `json:"by"`
	PIN  tako.Opt[int32]        `json:"pin" secret:"true"`
	Keys map[int8]tako.Opt[int] `json:"keys"`
}

type jsonOf struct {
	_    struct{}  `discriminator:"kind"`
	Role *jsonRole `variant:"role"`
}

// Two names for one field are refused wherever the field is, and so are names that
// no field has.
func TestJSONNames(t *testing.T) {
	t.Parallel()
	type part struct {
		A   int                `json:"a"`
		Of  tako.OneOf[jsonOf] `json:"of"`
		Opt tako.Opt[jsonRole] `json:"opt"`
	}
	twice, known := tako.JSONConfig{}, tako.JSONConfig{DisallowUnknownFields: true}
	const role = `{"role":"user","ROLE":"admin"}`
	for _, tt := range []struct {
		v       any
		config  tako.JSONConfig
		body    string
		pointer string // "" if it is taken
	}{
		{new(jsonRole), twice, role, "/ROLE"}, {&jsonRole{"prefilled"}, twice, role, "/ROLE"}, {new(jsonWhole), twice, role, "/ROLE"},
		{new(map[int]jsonRole), twice, `{"1":` + role + `}`, "/1/ROLE"}, {new(map[int]jsonRole), twice, `{"1":{},"01":{}}`, "/01"}, {new(tako.Opt[jsonRole]), twice, role, "/ROLE"},
		{new(jsonWhole), twice, `{"opt":` + role + `}`, "/opt/ROLE"}, {new(jsonWhole), twice, `{"by":{"1":` + role + `}}`, "/by/1/ROLE"},
		{new(jsonWhole), twice, `{"of":{"kind":"role","role":"","ROLE":""}}`, "/of/ROLE"}, {new(jsonWhole), twice, `{"of":{"kind":"none","KIND":"role"}}`, "/of/KIND"},
		{new(part), twice, `{"a":1,"opt":` + role + `}`, "/opt/ROLE"}, {new(part), twice, `{"of":{"kind":"role","role":"","Role":""}}`, "/of/Role"},
		{new(part), known, `{"opt":{"zzz":1}}`, "/opt/zzz"}, {new(part), known, `{"of":{"kind":"role","zzz":1}}`, "/of/zzz"}, {new(part), known, `{"of":{"kind":"role","role":"x"},"opt":null}`, ""},
		{new(jsonWhole), known, `{"opt":{"zzz":1}}`, "/opt/zzz"}, {new(jsonWhole), known, `{"base":1,"by":{"1":{"zzz":1}}}`, "/by/1/zzz"}, {new(jsonWhole), known, `{"base":1,"of":{"role":"","kind":"role"}}`, ""},
		{new(part), tako.JSONConfig{AllowDuplicateNames: true}, `{"opt":` + role + `}`, ""}, {new(jsonWhole), tako.JSONConfig{AllowDuplicateNames: true}, role, ""},
	} {
		err := tako.JSONCodec{Config: tt.config}.Decode([]byte(tt.body), tt.v)
		if tt.pointer == "" {
			assert.NoError(t, err, tt.body)
			continue
		}
		if e := tako.AsError(err); err == nil || e.Status != 400 || len(e.Fields) != 1 || e.Fields[0].Name != tt.pointer {
			t.Errorf("%T %s: got %v, want 400 for %s", tt.v, tt.body, err, tt.pointer)
		}
	}
}

// What the client is told of a value that does not fit is its kind alone: the value
// may be a secret.
func TestJSONErrorsHaveNoValues(t *testing.T) {
	t.Parallel()
	for body, kind := range map[string]string{
		`{"pin":98765432109876}`: "number", `{"pin":9876.5e3}`: "number", `{"pin":"98765"}`: "string", `{"pin":[98765]}`: "array", `{"pin":{"a":98765}}`: "object",
		`{"role":98765}`: "number", `{"base":98765432109876543210}`: "number", `{"pin":true}`: "bool",
	} {
		err := tako.JSONCodec{}.Decode([]byte(body), new(jsonWhole))
		e := tako.AsError(err)
		if err == nil || len(e.Fields) != 1 || e.Fields[0].Detail != "unexpected "+kind || strings.Contains(e.Detail, "9876") {
			t.Errorf("%s: got %+v, want that a %s was unexpected", body, e, kind)
		}
	}
}

// The config of a codec counts for the routes it is registered for.
func TestJSONConfigByRoute(t *testing.T) {
	t.Parallel()
	r := tako.New()
	echo := func(c *tako.Context) error {
		in, err := tako.Extract[tako.JSON[jsonLine]](c)
		if err != nil {
			return err
		}
		return c.Encode(200, in.Value)
	}
	r.Post("/safe", echo)
	r.Post("/lax", echo, tako.WithCodec(tako.JSONCodec{Config: tako.JSONConfig{AllowDuplicateNames: true}}))
	s := takotest.New(t, r)
	body := takotest.Body("application/json", `{"sku":"a","sku":"b"}`)
	s.Post("/safe", body).Expect(400)
	s.Post("/lax", body).Expect(200).ExpectText(`{"sku":"b","count":0,"price":0}`)
}

// FuzzJSONCodec looks for bodies that make the codec fail in another way than by
// saying what is wrong with them.
func FuzzJSONCodec(f *testing.F) {
	for _, s := range []string{`{"id":1,"lines":[{"sku":"a","count":1,"price":1.5}],"more":{"a":[null]}}`, `{"id":1,"id":2}`, `{"odd":{"n":"5"}}`, `{"x":9007199254740993}`, "{\"a\":\"\xff\"}", `[[[[`, `{"more":{"\ud800":1,"\udfff":2}}`} {
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, strict bool) {
		config := tako.JSONConfig{DisallowUnknownFields: strict, SafeIntegers: strict, MaxDepth: 50}
		var v jsonOrder
		var a any
		for _, to := range []any{&v, &a} {
			err := tako.JSONCodec{Config: config}.Decode(data, to)
			if e := tako.AsError(err); err != nil && (e.Status != 400 || e.Detail == "" || strings.Contains(e.Detail, "tako_test")) {
				t.Fatalf("%q: %v", data, err)
			}
		}
	})
}
