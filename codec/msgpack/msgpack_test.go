package msgpack_test

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
	"github.com/tako-go/tako/codec/msgpack"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

type user struct {
	Name string         `json:"name" maxLength:"20"`
	Age  int            `codec:"age"`
	At   time.Time      `json:"at,omitzero"`
	Tags []string       `json:"tags,omitempty"`
	More map[string]any `json:"more,omitempty"`
	Blob []byte         `json:"blob,omitempty"`
}

func encode(t testing.TB, v any) []byte {
	var buf bytes.Buffer
	assert.NoError(t, msgpack.Codec{}.Encode(&buf, v))
	return buf.Bytes()
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	want := user{Name: "ä", Age: -7, At: time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC), Tags: []string{"a"}, More: map[string]any{"k": "v"}, Blob: []byte{1}}
	data := encode(t, &want)
	var got user
	assert.NoError(t, msgpack.Codec{}.Decode(data, &got))
	clear(data) // must not be kept
	if !got.At.Equal(want.At) {
		t.Errorf("got %v, want %v", got.At, want.At)
	}
	got.At = want.At
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	var keys strings.Builder
	for i := range 30 {
		fmt.Fprintf(&keys, "%02x01", i)
	}
	for _, tt := range []struct {
		codec     msgpack.Codec
		hex, want string
	}{
		{msgpack.Codec{}, "", "empty"}, {msgpack.Codec{}, "81", "ends too early"}, {msgpack.Codec{}, "8080", "after its value"}, {msgpack.Codec{}, "c1", "0xc1"},
		{msgpack.Codec{}, "82a46e616d65a161a46e616d65a162", "twice"}, {msgpack.Codec{}, "82a46e616d65a161d9046e616d65a162", "twice"}, {msgpack.Codec{}, "82a46e616d65a161c4046e616d65a162", "twice"},
		{msgpack.Codec{}, "81a46d6f726582a16101a16102", "twice"}, {msgpack.Codec{}, "8201010101", "twice"}, {msgpack.Codec{}, "de001f" + keys.String() + "1d01", "twice"},
		{msgpack.Codec{}, "81a46e616d6507", "wrong kind"}, {msgpack.Codec{}, "81a46e616d65a1ff", "UTF-8"}, {msgpack.Codec{}, "81a1ff07", "UTF-8"}, {msgpack.Codec{}, "81a46e616d65c401ff", "wrong kind"},
		{msgpack.Codec{}, "81a178" + strings.Repeat("91", 100) + "00", "nested too deeply"}, {msgpack.Codec{MaxDepth: 2}, "81a178919100", "nested too deeply"},
		{msgpack.Codec{MaxElements: 2}, "81a17893000000", "too many elements"}, {msgpack.Codec{}, "81a178dd7fffffff", "too many elements"},
		{msgpack.Codec{}, "df7fffffff", "too many elements"}, {msgpack.Codec{}, "81a178db7fffffff", "ends too early"}, {msgpack.Codec{}, "81a178c67fffffff", "ends too early"},
		{msgpack.Codec{}, "81a178c97fffffff01", "ends too early"}, {msgpack.Codec{}, "81a178cf01", "ends too early"}, {msgpack.Codec{}, "81a178dc00", "ends too early"},
		{msgpack.Codec{DisallowUnknownFields: true}, "81a17801", "not known"},
	} {
		data, err := hex.DecodeString(tt.hex)
		assert.NoError(t, err)
		err = tt.codec.Decode(data, new(user))
		if e := tako.AsError(err); err == nil || e.Status != 400 || !strings.Contains(e.Detail, tt.want) || strings.Contains(e.Detail, "user") || strings.Contains(e.Detail, "codec") {
			t.Errorf("%.40s: got %v, want 400 %s", tt.hex, err, tt.want)
		}
	}
	numbers, err := hex.DecodeString("de001e" + keys.String())
	assert.NoError(t, err)
	assert.NoError(t, msgpack.Codec{}.Decode(numbers, new(map[int]int)))
	for _, good := range []string{"81a17801", "81a178d6ff00000000", "81a178c70cff000000000000000000000000", "81a178d40001"} {
		data, _ := hex.DecodeString(good)
		assert.NoError(t, msgpack.Codec{}.Decode(data, new(user)), good)
	}
}

func TestBody(t *testing.T) {
	t.Parallel()
	r := tako.New()
	echo := func(_ context.Context, in struct{ Body msgpack.Body[user] }) (user, error) { return in.Body.Value, nil }
	tako.Post(r, "/body", echo)
	tako.Post(r, "/small", echo, tako.BodyLimit(4))
	tako.Post(r, "/optional", func(_ context.Context, in tako.Optional[msgpack.Body[user]]) (bool, error) { return in.Present, nil })
	g := r.Group("/codec")
	g.Codec(msgpack.Codec{})
	tako.Post(g, "/user", func(_ context.Context, in struct{ Body user }) (user, error) { return in.Body, nil })
	s := takotest.New(t, r)
	body := string(encode(t, user{Name: "a", Age: 1}))
	const kind = "application/vnd.msgpack"
	s.Post("/body", takotest.Body(kind, body)).Expect(200).ExpectText(`{"name":"a","Age":1}`)
	s.Post("/body", takotest.Body("application/x+msgpack; x=y", body)).Expect(200)
	s.Post("/body", takotest.Body("application/json", "{}")).Expect(415).ExpectHeader("Accept", kind+", application/msgpack, application/x-msgpack")
	s.Post("/body", takotest.Body(kind, body), takotest.Header("Content-Encoding", "br")).Expect(415)
	s.Post("/body", takotest.Body(kind, "x")).Expect(400)
	s.Post("/body", takotest.Body(kind, string(encode(t, user{Name: strings.Repeat("a", 21)})))).Expect(422)
	s.Post("/body").Expect(400)
	s.Post("/small", takotest.Body(kind, body)).Expect(413)
	s.Post("/optional").Expect(200).ExpectText("false")
	s.Post("/optional", takotest.Body(kind, body)).Expect(200).ExpectText("true")
	resp := s.Post("/codec/user", takotest.Body(kind, body), takotest.Header("Accept", kind)).Expect(200).ExpectHeader("Content-Type", kind)
	var got user
	assert.NoError(t, msgpack.Codec{}.Decode([]byte(resp.Text), &got))
	assert.Equal(t, got.Name, "a")

	op, err := tako.Describes[struct{ Body msgpack.Body[user] }, struct{}]("POST")
	assert.NoError(t, err)
	assert.Equal(t, op.Body, reflect.TypeFor[user]())
	assert.Equal(t, strings.Join(op.BodyMedia, " "), kind)
	req, _ := http.NewRequest("POST", "/", nil)
	b := msgpack.Body[user]{Value: user{Name: "a", Age: 1}}
	assert.NoError(t, b.EncodeRequest(req))
	assert.Equal(t, req.Header.Get("Content-Type"), kind)
	assert.Equal(t, req.ContentLength, int64(len(body)))
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"82a46e616d65a161a361676507", "81a46d6f726582a16101a16202", "93c2c3c0", "81a26174d6ff65920080", "cb7ff8000000000000", "81a4626c6f62c40101", "cfffffffffffffffff", "de0001a16101", "c70cff00"} {
		data, _ := hex.DecodeString(s[:len(s)&^1])
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var u user
		var v any
		for _, to := range []any{&u, &v} {
			err := msgpack.Codec{}.Decode(data, to)
			if err != nil && tako.AsError(err).Status != 400 {
				t.Fatalf("%x: %v", data, err)
			}
		}
		if (msgpack.Codec{}).Decode(data, &u) == nil {
			var again user
			again2 := encode(t, u)
			if err := (msgpack.Codec{}).Decode(again2, &again); err != nil {
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
		if err := (msgpack.Codec{}).Encode(&b, v); tako.AsError(err).Status != 500 || b.Len() > 0 {
			t.Errorf("%T: got %v, %x", v, err, b.Bytes())
		}
		if err := (msgpack.Codec{}).Decode([]byte{0x80}, v); tako.AsError(err).Status != 415 {
			t.Errorf("%T: got %v, want 415", v, err)
		}
	}
	assert.NoError(t, msgpack.Codec{}.Encode(new(bytes.Buffer), &fine{}))
	r := tako.New()
	tako.Post(r, "/", func(context.Context, struct{ Body msgpack.Body[deep] }) (int, error) { return 0, nil })
	assert.Contains(t, fmt.Sprint(r.Build()), "tako.Opt or tako.OneOf")
}
