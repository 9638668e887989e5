package tako

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/jsonscan"
)

type fastItem struct {
	ID    int64     `json:"id"`
	Name  string    `json:"name"`
	Price float64   `json:"price,omitempty"`
	Tags  []string  `json:"tags"`
	Next  *fastItem `json:"-"`
	Of    *fastShop `json:"of"`
}

type fastShop struct {
	City string `json:"city"`
	Open bool   `json:"open"`
}

// fastMixed is not plain, because of one field.
type fastMixed struct {
	Item fastItem  `json:"item"`
	At   time.Time `json:"at"`
}

// decodeByStd is a JSONCodec that allows duplicates with nothing but encoding/json.
func decodeByStd(data []byte, v any) error {
	if err := jsonscan.Check(data, jsonscan.Limits{MaxDepth: DefaultJSONDepth, AllowDuplicates: true}); err != nil {
		return jsonFault(data, err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return jsonError(data, v, err)
	}
	return nil
}

var fastBodies = []string{
	``, ` `, `{}`, `null`, `[]`, `7`, `"x"`, `{`, `{"id":7`, `{"id":7}}`, `{"id":7,}`, "\xff", "{\"name\":\"\xff\"}", `{"ID":7}`,
	`{"id":7,"name":"octopus","price":1.5,"tags":["a","b"],"of":{"city":"Kiel","open":true}}`,
	`{"id":7,"name":"octopus","id":"x"}`, `{"id":7,"name":8,"price":"9","of":[]}`, `{"id":7,"tags":["a",1],"name":"after"}`,
	`{"id":1.5}`, `{"id":9223372036854775808}`, `{"name":"a\nb"}`, `{"name":"a` + "\n" + `b"}`, `{"name":null,"tags":null,"of":null}`,
	`{"tags":["a","b"],"tags":["c"]}`, `{"of":{"city":"Kiel"},"of":{"open":true}}`, `{"unknown":{"a":[1,2]},"id":3}`,
	`{"item":{"id":1},"at":"2026-01-02T03:04:05Z"}`, `{"item":{"id":1},"at":"yesterday"}`, `[{"id":1},{"id":2,"name":"x"}]`,
}

// Errors and values are the same as if there were encoding/json alone, also what
// a failure leaves in a value.
func TestJSONCodecDecodesAsBefore(t *testing.T) {
	full := fastItem{ID: 1, Name: "before", Price: 2, Tags: []string{"x", "y", "z"}, Of: &fastShop{"Rome", true}}
	text, _ := json.Marshal(full)
	for _, typ := range []reflect.Type{reflect.TypeFor[fastItem](), reflect.TypeFor[*fastItem](), reflect.TypeFor[[]fastItem](),
		reflect.TypeFor[fastMixed](), reflect.TypeFor[string](), reflect.TypeFor[any]()} {
		for _, body := range fastBodies {
			for _, prefill := range []bool{false, true} {
				want, got := reflect.New(typ), reflect.New(typ)
				if prefill {
					_ = json.Unmarshal(text, want.Interface())
					_ = json.Unmarshal(text, got.Interface())
				}
				wantErr := decodeByStd([]byte(body), want.Interface())
				gotErr := JSONCodec{Config: JSONConfig{AllowDuplicateNames: true}}.Decode([]byte(body), got.Interface())
				if !reflect.DeepEqual(gotErr, wantErr) {
					t.Errorf("%v from %q: got %v, want %v", typ, body, gotErr, wantErr)
				}
				if !reflect.DeepEqual(got.Interface(), want.Interface()) {
					t.Errorf("%v from %q: got %+v, want %+v", typ, body, got.Elem(), want.Elem())
				}
			}
		}
	}
}

func TestJSONCodecEncodesAsBefore(t *testing.T) {
	item := fastItem{ID: 7, Name: "<octopus> & \"ink\"\n\u2028ä\xff", Price: 1e-7, Tags: []string{}, Of: &fastShop{City: "Kiel"}}
	for _, v := range []any{nil, item, &item, []fastItem{item, {}}, []*fastItem{nil, &item}, (*fastItem)(nil), fastMixed{Item: item},
		map[string]int{"a": 1}, 7, "x", true, 1.5, []byte("x"), math.Inf(1), func() {}, struct{ P *int }{}, struct{ P *fastShop }{item.Of}} {
		var want, got bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		wantErr := e.Encode(v)
		gotErr := JSONCodec{}.Encode(&got, v)
		assert.Equal(t, gotErr == nil, wantErr == nil, v)
		assert.Equal(t, got.String(), strings.TrimSuffix(want.String(), "\n"), v)
	}
}

// What a handler keeps of a body is its own, though the memory the body was read
// into serves the next request.
func TestDecodedStringsStay(t *testing.T) {
	var kept []string
	r := New()
	Post(r, "/", func(_ context.Context, in struct{ Body fastItem }) (fastItem, error) {
		kept = append(append(kept, in.Body.Name), in.Body.Tags...)
		return in.Body, nil
	})
	var want []string
	for i := range 50 {
		text := strings.Repeat(string(rune('a'+i%26)), 1+i*i)
		want = append(want, text, text+"1")
		body := `{"name":"` + text + `","tags":["` + text + `1"]}`
		req := httptest.NewRequest("POST", "/", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		assert.Equal(t, w.Body.String(), `{"id":0,`+body[1:len(body)-1]+`,"of":null}`)
	}
	assert.Equal(t, strings.Join(kept, " "), strings.Join(want, " "))
}
