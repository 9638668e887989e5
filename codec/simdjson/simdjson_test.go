package simdjson_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/codec/simdjson"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

type User struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	Age   int    `json:"age"`
}

// Odd is a type that the root leaves to encoding/json.
type Odd struct {
	*User
	Count int            `json:"count"`
	By    map[int]string `json:"by"`
}

const userText, oddText = `{"name":"octopus","email":"octopus@example.com","age":7}`, `{"name":"a\nb","email":"","age":1,"count":5,"by":{"1":"x","2":"y"}}`

func TestCodec(t *testing.T) {
	t.Parallel()
	r := tako.New()
	tako.Put(r, "/plain", func(_ context.Context, in struct{ Body User }) (User, error) { return in.Body, nil })
	r.Codec(simdjson.Codec{})
	tako.Put(r, "/odd", func(_ context.Context, in struct{ Body Odd }) (Odd, error) { return in.Body, nil })
	tako.Put(r, "/lax", func(_ context.Context, in struct{ Body Odd }) (Odd, error) { return in.Body, nil },
		tako.WithCodec(simdjson.Codec{JSON: tako.JSONConfig{AllowDuplicateNames: true}}))
	s := takotest.New(t, r)
	kind := func(text string) takotest.Edit { return takotest.Body("application/json", text) }
	s.Put("/plain", kind(userText)).Expect(200).ExpectText(userText).ExpectHeader("Content-Type", "application/json")
	s.Put("/odd", kind(oddText)).Expect(200).ExpectText(oddText)
	s.Put("/odd", takotest.Body("application/vnd.odd+json", oddText)).Expect(200)
	twice := `{"count":5,"count":6}`
	resp := s.Put("/odd", kind(twice)).Expect(400)
	assert.Equal(t, strings.Contains(resp.Text, `"name":"/count"`), true)
	s.Put("/lax", kind(twice)).Expect(200)
}

// Names that mean one field are refused, and where they are allowed the result is
// that of encoding/json, which merges.
func TestNamesTwice(t *testing.T) {
	t.Parallel()
	type nested struct {
		*User
		L []nested `json:"l"`
	}
	type quoted struct {
		N int `json:"n,string"`
	}
	for _, text := range []string{`{"name":"a","NAME":"b"}`, `{"l":[{"name":"a","Name":"b"}]}`} {
		var got nested
		err := simdjson.Codec{}.Decode([]byte(text), &got)
		if e := tako.AsError(err); err == nil || e.Status != 400 || len(e.Fields) != 1 || !reflect.DeepEqual(got, nested{}) {
			t.Errorf("%s: got %+v %v, want 400", text, got, err)
		}
	}
	if err := (simdjson.Codec{}).Decode([]byte(`{"n":"+1"}`), new(quoted)); err == nil {
		t.Error("took +1, which encoding/json refuses")
	}
	lax := simdjson.Codec{JSON: tako.JSONConfig{AllowDuplicateNames: true}}
	for _, text := range []string{`{"l":[{"name":"a"},{"age":2}],"l":[{"age":1},{}]}`, `{"l":[{"name":"a"}],"l":[],"L":[{"age":1}]}`} {
		var got, want nested
		assert.NoError(t, json.Unmarshal([]byte(text), &want))
		assert.NoError(t, lax.Decode([]byte(text), &got))
		if !reflect.DeepEqual(got, want) {
			g, _ := json.Marshal(got)
			w, _ := json.Marshal(want)
			t.Errorf("%s: got %s, want %s", text, g, w)
		}
	}
}

// Errors are those of the root, and what failed leaves nothing behind.
func TestErrors(t *testing.T) {
	t.Parallel()
	lax := tako.JSONConfig{AllowDuplicateNames: true}
	known := tako.JSONConfig{DisallowUnknownFields: true, SafeIntegers: true, MaxDepth: 2}
	for _, config := range []tako.JSONConfig{{}, lax, known} {
		for _, threshold := range []int{0, 20, 1 << 20} {
			codec := simdjson.Codec{Threshold: threshold, JSON: config}
			for _, text := range []string{``, `{`, `{"age":"x"}`, `{"age":1.5}`, `{"count":"5"}`, `{"by":{"x":"y"}}`, `{"by":{"1":2}}`, `{"by":{"1":"a"},"age":{}}`, `{"email":[1]}`, `{"name":"a","name":"b"}`, `{"nope":1}`,
				`{"name":"` + "\xff" + `"}`, `[]`, `{"age":9007199254740992}`, `{"x":[[[]]]}`, `{"x":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `}`, `{"name":"after","age":"x"}`, oddText} {
				var want, got Odd
				wantErr := tako.JSONCodec{Config: config}.Decode([]byte(text), &want)
				err := codec.Decode([]byte(text), &got)
				if fmt.Sprint(err) != fmt.Sprint(wantErr) || !reflect.DeepEqual(tako.AsError(err), tako.AsError(wantErr)) && err != nil {
					t.Errorf("%.60s: got %v, want %v", text, err, wantErr)
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%.60s: got %+v, want %+v", text, got, want)
				}
			}
		}
	}
	for _, v := range []any{nil, Odd{}, (*Odd)(nil)} {
		if err := (simdjson.Codec{}).Decode([]byte(oddText), v); err == nil {
			t.Errorf("%T: got no error", v)
		}
	}
	for _, v := range []any{func() {}, &struct{ C chan int }{}, struct {
		M map[int]any
	}{map[int]any{1: func() {}}}} {
		var buf bytes.Buffer
		if err := (simdjson.Codec{}).Encode(&buf, v); err == nil || buf.Len() > 0 {
			t.Errorf("%T: got %v and %d bytes, want an error and nothing", v, err, buf.Len())
		}
	}
}

// Values that their types refuse are named as by the root, also a time that
// encoding/json would take.
func TestMisfits(t *testing.T) {
	t.Parallel()
	type timed struct {
		*User
		At time.Time            `json:"at"`
		By map[int][]*time.Time `json:"by"`
		IP netip.Addr           `json:"ip"`
		B  []byte               `json:"b"`
	}
	for text, pointer := range map[string]string{
		`{"at":"2030-01-31T12:00:00+24:00"}`: "/at", `{"by":{"1":["2030-01-31T12:00:00Z",null,"2030-01-31T12:00:00,5Z"]}}`: "/by/1/2", `{"by":{"x":[]}}`: "/by/x",
		`{"ip":"x"}`: "/ip", `{"b":"***"}`: "/b", `{"name":"a","age":"x"}`: "/age",
	} {
		var v timed
		err := simdjson.Codec{}.Decode([]byte(text), &v)
		if e := tako.AsError(err); err == nil || e.Status != 400 || len(e.Fields) != 1 || e.Fields[0].Name != pointer {
			t.Errorf("%s: got %+v, want 400 for %s", text, e, pointer)
		}
	}
	var m map[int][]byte // which goccy decodes
	e := tako.AsError(simdjson.Codec{}.Decode([]byte(`{"1":"YQ==","2":"*"}`), &m))
	assert.Equal(t, e.Fields, []tako.FieldError{{In: "body", Name: "/2", Detail: "is not base64"}})
}

// What is decoded onto is kept where encoding/json keeps it.
func TestMerge(t *testing.T) {
	t.Parallel()
	got := Odd{User: &User{Name: "before"}, Count: 3}
	assert.NoError(t, simdjson.Codec{}.Decode([]byte(`{"age":5}`), &got))
	assert.Equal(t, *got.User, User{Name: "before", Age: 5})
	assert.Equal(t, got.Count, 3)
}

// Decoded strings outlive the memory of the body, also when many decode at once.
func TestStringsStay(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			var buf []byte
			var kept []*Odd
			var users []*User
			for i := range 300 {
				name := strings.Repeat(string(rune('a'+g)), i)
				buf = append(buf[:0], `{"name":"`+name+`","email":"\u00e4`+name+`"}`...)
				o, u := new(Odd), new(User)
				assert.NoError(t, simdjson.Codec{}.Decode(buf, o))
				assert.NoError(t, simdjson.Codec{}.Decode(buf, u))
				clear(buf)
				kept, users = append(kept, o), append(users, u)
			}
			for i := range kept {
				want := User{Name: strings.Repeat(string(rune('a'+g)), i), Email: "ä" + strings.Repeat(string(rune('a'+g)), i)}
				if *kept[i].User != want || *users[i] != want {
					t.Errorf("got %v and %v, want %v", *kept[i].User, *users[i], want)
					return
				}
			}
		})
	}
	wg.Wait()
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestWriteError(t *testing.T) {
	t.Parallel()
	for _, v := range []any{&User{}, &Odd{}} {
		if err := (simdjson.Codec{}).Encode(failing{}, v); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%T: got %v", v, err)
		}
	}
}

func BenchmarkOdd(b *testing.B) {
	v := Odd{User: &User{"octopus", "octopus@example.com", 7}, Count: 5}
	for _, size := range []int{0, 8, 64, 512} {
		v.By = map[int]string{}
		for i := range size {
			v.By[i] = "octopus"
		}
		text, _ := json.Marshal(v)
		for _, codec := range []tako.Codec{simdjson.Codec{}, tako.JSONCodec{}} {
			b.Run(fmt.Sprintf("decode/bytes=%d/%T", len(text), codec), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := codec.Decode(text, new(Odd)); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(fmt.Sprintf("encode/bytes=%d/%T", len(text), codec), func(b *testing.B) {
				var buf bytes.Buffer
				for b.Loop() {
					buf.Reset()
					if err := codec.Encode(&buf, &v); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
