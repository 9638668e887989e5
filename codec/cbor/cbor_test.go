package cbor_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/codec/cbor"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

type user struct {
	Name string         `json:"name" maxLength:"20"`
	Age  int            `cbor:"age"`
	At   time.Time      `json:"at,omitzero"`
	Tags []string       `json:"tags,omitempty"`
	More map[string]any `json:"more,omitempty"`
	Blob []byte         `json:"blob,omitempty"`
}

func encode(t testing.TB, v any) []byte {
	var buf bytes.Buffer
	assert.NoError(t, cbor.Codec{}.Encode(&buf, v))
	return buf.Bytes()
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	want := user{Name: "ä", Age: -7, At: time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC), Tags: []string{"a"}, More: map[string]any{"k": "v"}, Blob: []byte{1}}
	data := encode(t, &want)
	var got user
	assert.NoError(t, cbor.Codec{}.Decode(data, &got))
	clear(data) // must not be kept
	if !got.At.Equal(want.At) {
		t.Errorf("got %v, want %v", got.At, want.At)
	}
	got.At = want.At
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if err := (cbor.Codec{}).Encode(new(bytes.Buffer), func() {}); err == nil {
		t.Error("got no error of a function")
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	long := func(head byte, n int, elem string) string {
		return hex.EncodeToString([]byte{head | 25, byte(n >> 8), byte(n)}) + strings.Repeat(elem, n)
	}
	for _, tt := range []struct {
		codec     cbor.Codec
		hex, want string
	}{
		{cbor.Codec{}, "", "empty"}, {cbor.Codec{}, "a1", "ends too early"}, {cbor.Codec{}, "a0a0", "after its value"}, {cbor.Codec{}, "1c", "malformed"},
		{cbor.Codec{}, "a2646e616d656161646e616d656162", "twice"}, {cbor.Codec{}, "a1646e616d6507", "wrong kind"}, {cbor.Codec{}, "a1646e616d6561ff", "UTF-8"},
		{cbor.Codec{}, "a1646d6f7265a2616101616102", "twice"},
		{cbor.Codec{}, "a1" + "6178" + strings.Repeat("81", 101) + "00", "nested too deeply"}, {cbor.Codec{MaxDepth: 4}, "a16178" + strings.Repeat("81", 5) + "00", "nested too deeply"},
		{cbor.Codec{MaxElements: 16}, "a16178" + long(0x80, 17, "00"), "too many elements"}, {cbor.Codec{}, "a161789a7fffffff", "too many elements"},
		{cbor.Codec{MaxPairs: 16}, long(0xa0, 17, "0000"), "too many pairs"}, {cbor.Codec{}, "ba7fffffff", "too many pairs"},
		{cbor.Codec{DisallowUnknownFields: true}, "a1617801", "not known"}, {cbor.Codec{DisallowTags: true}, "a16178c101", "tag"},
	} {
		data, err := hex.DecodeString(tt.hex)
		assert.NoError(t, err)
		err = tt.codec.Decode(data, new(user))
		if e := tako.AsError(err); err == nil || e.Status != 400 || !strings.Contains(e.Detail, tt.want) || strings.Contains(e.Detail, "user") || strings.Contains(e.Detail, "Go ") {
			t.Errorf("%.40s: got %v, want 400 %s", tt.hex, err, tt.want)
		}
	}
	err := cbor.Codec{MaxDepth: 1}.Decode([]byte{0xa0}, new(user))
	assert.Equal(t, tako.AsError(err).Status, 500)
	assert.NoError(t, cbor.Codec{}.Decode([]byte{0xa1, 0x61, 'x', 0xc1, 1}, new(user)))
}

func TestBody(t *testing.T) {
	t.Parallel()
	r := tako.New()
	echo := func(_ context.Context, in struct{ Body cbor.Body[user] }) (user, error) { return in.Body.Value, nil }
	tako.Post(r, "/body", echo)
	tako.Post(r, "/small", echo, tako.BodyLimit(4))
	tako.Post(r, "/optional", func(_ context.Context, in tako.Optional[cbor.Body[user]]) (bool, error) { return in.Present, nil })
	g := r.Group("/codec")
	g.Codec(cbor.Codec{})
	tako.Post(g, "/user", func(_ context.Context, in struct{ Body user }) (user, error) { return in.Body, nil })
	s := takotest.New(t, r)
	body := string(encode(t, user{Name: "a", Age: 1}))
	const kind = "application/cbor"
	s.Post("/body", takotest.Body(kind, body)).Expect(200).ExpectText(`{"name":"a","Age":1}`)
	s.Post("/body", takotest.Body("application/senml+cbor; x=y", body)).Expect(200)
	s.Post("/body", takotest.Body("application/json", "{}")).Expect(415).ExpectHeader("Accept", kind)
	s.Post("/body", takotest.Body(kind, body), takotest.Header("Content-Encoding", "br")).Expect(415)
	s.Post("/body", takotest.Body(kind, body), func(req *http.Request) { req.Header["Content-Encoding"] = []string{"identity", "br"} }).Expect(415)
	s.Post("/body", takotest.Body(kind, "x")).Expect(400)
	s.Post("/body", takotest.Body(kind, string(encode(t, user{Name: strings.Repeat("a", 21)})))).Expect(422)
	s.Post("/body").Expect(400)
	s.Post("/small", takotest.Body(kind, body)).Expect(413)
	s.Post("/optional").Expect(200).ExpectText("false")
	s.Post("/optional", takotest.Body(kind, body)).Expect(200).ExpectText("true")
	resp := s.Post("/codec/user", takotest.Body(kind, body), takotest.Header("Accept", kind)).Expect(200).ExpectHeader("Content-Type", kind)
	var got user
	assert.NoError(t, cbor.Codec{}.Decode([]byte(resp.Text), &got))
	assert.Equal(t, got.Name, "a")

	op, err := tako.Describes[struct{ Body cbor.Body[user] }, struct{}]("POST")
	assert.NoError(t, err)
	assert.Equal(t, op.Body, reflect.TypeFor[user]())
	assert.Equal(t, strings.Join(op.BodyMedia, " "), kind)
	req, _ := http.NewRequest("POST", "/", nil)
	b := cbor.Body[user]{Value: user{Name: "a", Age: 1}}
	assert.NoError(t, b.EncodeRequest(req))
	assert.Equal(t, req.Header.Get("Content-Type"), kind)
	assert.Equal(t, req.ContentLength, int64(len(body)))
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"a2646e616d656161636167650", "a1646d6f7265a2616101616102", "9f01ff", "bf6161f4ff", "c074323032362d30312d30325430333a30343a30355a", "fb7ff8000000000000", "5f4101ff", "d9d9f7a0", "1bffffffffffffffff"} {
		data, _ := hex.DecodeString(s[:len(s)&^1])
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var u user
		var v any
		for _, to := range []any{&u, &v} {
			err := cbor.Codec{}.Decode(data, to)
			if err != nil && tako.AsError(err).Status != 400 {
				t.Fatalf("%x: %v", data, err)
			}
		}
		if (cbor.Codec{}).Decode(data, &u) == nil {
			var again user
			again2 := encode(t, u)
			if err := (cbor.Codec{}).Decode(again2, &again); err != nil {
				t.Fatalf("%x: cannot be read again: %v", data, err)
			}
		}
	})
}

// Values that only JSON can tell are refused, and not lost.
func TestJSONOnly(t *testing.T) {
	t.Parallel()
	type held struct {
		A tako.Opt[int] `json:"a,omitzero"`
	}
	type deep struct {
		Next *deep `json:"next"`
		List []map[string]held
	}
	type fine struct {
		Next *fine
		At   time.Time
		Skip held `json:"-"`
	}
	for _, v := range []any{&held{tako.Some(5)}, &deep{}, new(tako.Opt[int]), new(tako.OneOf[struct{}])} {
		var b bytes.Buffer
		if err := (cbor.Codec{}).Encode(&b, v); tako.AsError(err).Status != 500 || b.Len() > 0 {
			t.Errorf("%T: got %v, %x", v, err, b.Bytes())
		}
		if err := (cbor.Codec{}).Decode([]byte{0x80}, v); tako.AsError(err).Status != 415 {
			t.Errorf("%T: got %v, want 415", v, err)
		}
	}
	assert.NoError(t, cbor.Codec{}.Encode(new(bytes.Buffer), &fine{}))
	r := tako.New()
	tako.Post(r, "/", func(context.Context, struct{ Body cbor.Body[deep] }) (int, error) { return 0, nil })
	assert.Contains(t, fmt.Sprint(r.Build()), "tako.Opt or tako.OneOf")
}
