package tako_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

type misfitInner struct {
	A string  `json:"a"`
	D int     `json:"d"`
	F float32 `json:"f"`
}

type misfitKid struct {
	V int `json:"v"`
}

type misfitPet struct {
	_   struct{} `discriminator:"kind"`
	Cat *struct {
		Lives int `json:"lives"`
	} `variant:"cat"`
	Tree *struct {
		Kids []misfitKid `json:"kids"`
	} `variant:"tree"`
}

// misfits is of types that refuse some values of the right kind.
type misfits struct {
	S    tako.Opt[string]              `json:"s"`
	I    tako.Opt[int]                 `json:"i"`
	L    tako.Opt[[]int]               `json:"l"`
	P    *string                       `json:"p"`
	N    tako.Opt[misfitInner]         `json:"n"`
	Is   []tako.Opt[int]               `json:"is"`
	Pet  tako.OneOf[misfitPet]         `json:"pet"`
	Pets []tako.OneOf[misfitPet]       `json:"pets"`
	T    time.Time                     `json:"t"`
	TO   tako.Opt[time.Time]           `json:"to"`
	TM   map[int]time.Time             `json:"tm"`
	IP   netip.Addr                    `json:"ip"`
	Own  misfitOwn                     `json:"own"`
	B    []byte                        `json:"b"`
	Q    int                           `json:"q,string"`
	Num  json.Number                   `json:"num"`
	MI   map[int]string                `json:"mi"`
	More map[string]tako.Opt[[]string] `json:"more"`
	X    any                           `json:"x"`
}

type misfitOwn struct{ text string }

func (o *misfitOwn) UnmarshalJSON(b []byte) error {
	if o.text = string(b); o.text != `"ok"` {
		return errors.New("the secret is " + o.text)
	}
	return nil
}

// Every value that its type refuses is named, with what is wrong and nothing else.
func TestJSONMisfits(t *testing.T) {
	t.Parallel()
	const (
		kind, value, name = "the JSON has a value of the wrong kind", "the JSON has a value that is not valid", "the JSON has a name of the wrong kind"
		noTime            = "is not a date and time such as 2030-01-31T12:00:00Z"
	)
	for _, tt := range []struct{ body, detail, pointer, why string }{
		{`{"s":"tree","i":1.5,"p":null}`, kind, "/i", "unexpected number"}, {`{"p":"a","s":"tree","l":["x"],"i":1}`, kind, "/l/0", "unexpected string"},
		{`{"i":null,"p":"abc","n":{"a":"x","d":1.5}}`, kind, "/n/d", "unexpected number"}, {`{"i":1,"s":5,"p":"a"}`, kind, "/s", "unexpected number"},
		{`{"n":{"a":"x","f":"y"},"p":5}`, kind, "/n/f", "unexpected string"}, {`{"is":[1,2,"x"]}`, kind, "/is/2", "unexpected string"}, {`{"more":{"k":["a"],"l":["a",5]}}`, kind, "/more/l/1", "unexpected number"},
		{`{"pets":[{"kind":"cat","lives":1},{"kind":"cat","lives":1.5}],"pet":{"kind":"cat"}}`, kind, "/pets/1/lives", "unexpected number"},
		{`{"pet":"x"}`, kind, "/pet", "unexpected string"}, {`{"pet":{"kind":"tree","kids":[{"v":"x"}]}}`, kind, "/pet/kids/0/v", "unexpected string"}, {`{"pet":{"kids":7,"kind":"tree"}}`, kind, "/pet/kids", "unexpected number"},
		{`{"t":"nope"}`, value, "/t", noTime}, {`{"t":7}`, kind, "/t", "unexpected number"}, {`{"t":"2020-01-01T00:00:00+24:00"}`, value, "/t", noTime}, {`{"t":"1998-12-31T23:59:60Z"}`, value, "/t", noTime},
		{`{"to":"2020-01-01T00:00:00+23:60"}`, value, "/to", noTime}, {`{"tm":{"1":"2020-01-01T00:00:00,5Z"}}`, value, "/tm/1", noTime}, {`{"x":1,"t":"2020-01-01T0:00:00Z"}`, value, "/t", noTime},
		{`{"ip":"x"}`, value, "/ip", "is malformed"}, {`{"own":"x"}`, value, "/own", "is malformed"}, {`{"b":"***"}`, value, "/b", "is not base64"}, {`{"q":"x"}`, value, "/q", "is not an integer"}, {`{"num":""}`, value, "/num", "is not a number"},
		{`{"mi":{"x":"1"}}`, name, "/mi/x", "the name is not an integer"}, {`{"x":[{"a":1e999}]}`, kind, "/x/0/a", "unexpected number"},
	} {
		for _, config := range []tako.JSONConfig{{}, {AllowDuplicateNames: true}, {DisallowUnknownFields: true}} {
			err := tako.JSONCodec{Config: config}.Decode([]byte(tt.body), new(misfits))
			e := tako.AsError(err)
			if err == nil || e.Status != 400 || e.Detail != tt.detail || len(e.Fields) != 1 {
				t.Errorf("%s: got %v, want 400 %s", tt.body, err, tt.detail)
				continue
			}
			assert.Equal(t, e.Fields[0], tako.FieldError{In: "body", Name: tt.pointer, Detail: tt.why}, tt.body)
		}
	}
	var x any
	e := tako.AsError(tako.JSONCodec{}.Decode([]byte(`{"a":[1e999]}`), &x))
	assert.Equal(t, e.Fields, []tako.FieldError{{In: "body", Name: "/a/0", Detail: "unexpected number"}})
}

type misfitNest struct {
	Sub tako.Opt[*misfitNest] `json:"sub"`
}

// Failures that are nobody's value keep their words.
func TestJSONUnreadable(t *testing.T) {
	t.Parallel()
	var v misfitNest
	err := tako.JSONCodec{}.Decode([]byte(strings.Repeat(`{"sub":`, 300)+"null"+strings.Repeat("}", 300)), &v)
	assert.Equal(t, tako.AsError(err).Detail, "the JSON is nested too deeply")
	assert.Equal(t, tako.AsError(err).Status, 400)
	err = tako.JSONCodec{}.Decode([]byte(`{"sub":1}`), misfitNest{})
	assert.Equal(t, tako.AsError(err).Detail, "the JSON has a value that cannot be read")
}

// A time that could not be written again is refused wherever it is read.
func TestTimesAreRFC3339(t *testing.T) {
	t.Parallel()
	r := tako.New()
	type out struct{ T time.Time }
	tako.Post(r, "/body", func(_ context.Context, in tako.JSON[misfits]) (out, error) {
		to, _ := in.Value.TO.Get()
		return out{[]time.Time{in.Value.T, to}[len(in.Value.TM)]}, nil
	})
	tako.Get(r, "/path/{t}", func(_ context.Context, in struct {
		T time.Time `path:"t"`
	}) (out, error) {
		return out{in.T}, nil
	})
	tako.Get(r, "/text", func(_ context.Context, in struct {
		Q  time.Time   `query:"q"`
		L  []time.Time `query:"l"`
		H  *time.Time  `header:"X-Time"`
		C  time.Time   `cookie:"c"`
		At time.Time   `query:"at"`
	}) (out, error) {
		if in.H != nil {
			return out{*in.H}, nil
		}
		return out{append(in.L, in.Q)[0]}, nil
	})
	tako.Post(r, "/form", func(_ context.Context, in tako.Form[struct {
		T time.Time `form:"t"`
	}]) (out, error) {
		return out{in.Value.T}, nil
	})
	s := takotest.New(t, r)
	ask := func(text string) map[string]*takotest.Response {
		escaped := url.QueryEscape(text)
		return map[string]*takotest.Response{
			"/t": s.Post("/body", takotest.Body("application/json", `{"t":"`+text+`"}`)), "/to": s.Post("/body", takotest.Body("application/json", `{"to":"`+text+`"}`)),
			"/tm/1": s.Post("/body", takotest.Body("application/json", `{"tm":{"1":"`+text+`"}}`)), "t": s.Get("/path/" + escaped),
			"q": s.Get("/text?q=" + escaped), "l": s.Get("/text?l=" + escaped), "X-Time": s.Get("/text", takotest.Header("X-Time", text)), "c": s.Get("/text", takotest.Header("Cookie", `c="`+text+`"`)),
			"form t": s.Post("/form", takotest.Body("application/x-www-form-urlencoded", "t="+escaped)),
		}
	}
	for _, zone := range []string{"+24:00", "-24:00", "+23:60", "+24:59", ",5Z"} {
		for name, resp := range ask("2020-01-01T00:00:00" + zone) {
			resp.Expect(400)
			want := `"name":"` + strings.TrimPrefix(name, "form ") + `","detail":"is not a date and time such as 2030-01-31T12:00:00Z"`
			if !strings.Contains(resp.Text, want) {
				t.Errorf("%s %s: got %s, want %s", name, zone, resp.Text, want)
			}
		}
	}
	for _, zone := range []string{"Z", "+23:59", "-23:59", ".123456789Z"} {
		for name, resp := range ask("2020-01-01T00:00:00" + zone) {
			if resp.StatusCode != 200 {
				t.Errorf("%s %s: got %d %s, want 200", name, zone, resp.StatusCode, resp.Text)
			}
		}
	}
}
