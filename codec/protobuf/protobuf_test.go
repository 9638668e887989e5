package protobuf_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/codec/protobuf"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const kind = "application/protobuf"

func encode(t testing.TB, m proto.Message) string {
	var buf bytes.Buffer
	assert.NoError(t, protobuf.Codec{}.Encode(&buf, m))
	return buf.String()
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	want, err := structpb.NewStruct(map[string]any{"name": "ä", "list": []any{1.0, nil, true}})
	assert.NoError(t, err)
	data := []byte(encode(t, want))
	var whole structpb.Struct
	assert.NoError(t, protobuf.Codec{}.Decode(data, &whole))
	var pointer *structpb.Struct
	assert.NoError(t, protobuf.Codec{}.Decode(data, &pointer))
	var buf bytes.Buffer
	assert.NoError(t, protobuf.Codec{}.Encode(&buf, &pointer))
	clear(data) // must not be kept
	if !proto.Equal(&whole, want) || !proto.Equal(pointer, want) || buf.Len() != len(data) {
		t.Errorf("got %v and %v, want %v", &whole, pointer, want)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	deep := structpb.NewNullValue()
	for range 60 {
		deep = structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{deep}})
	}
	for name, tt := range map[string]struct {
		codec protobuf.Codec
		data  string
		to    any
	}{
		"length":   {protobuf.Codec{}, "\x0a\x7f", new(structpb.Struct)},
		"varint":   {protobuf.Codec{}, strings.Repeat("\xff", 20), new(structpb.Struct)},
		"utf-8":    {protobuf.Codec{}, "\x0a\x01\xff", new(wrapperspb.StringValue)},
		"required": {protobuf.Codec{}, "", new(descriptorpb.UninterpretedOption_NamePart)},
		"depth":    {protobuf.Codec{}, encode(t, deep), new(structpb.Value)},
		"limit":    {protobuf.Codec{MaxDepth: 1}, encode(t, structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{{}}})), new(structpb.Value)},
	} {
		err := tt.codec.Decode([]byte(tt.data), tt.to)
		if e := tako.AsError(err); err == nil || e.Status != 400 || !strings.Contains(e.Detail, "malformed") {
			t.Errorf("%s: got %v, want 400", name, err)
		}
	}
	for _, v := range []any{nil, new(int), struct{}{}, (*structpb.Struct)(nil), new(any), []int{}} {
		err := protobuf.Codec{}.Decode(nil, v)
		assert.Equal(t, tako.AsError(err).Status, 500, v)
		if err := (protobuf.Codec{}).Encode(new(bytes.Buffer), v); err == nil {
			t.Errorf("%T: got no error", v)
		}
	}
	if err := (protobuf.Codec{}).Encode(new(bytes.Buffer), new(*structpb.Struct)); err == nil {
		t.Error("got no error of a nil message")
	}
	d := new(durationpb.Duration)
	assert.NoError(t, protobuf.Codec{}.Decode([]byte("\x08\x01\x50\x01"), d))
	assert.Equal(t, len(d.ProtoReflect().GetUnknown()), 2)
	assert.NoError(t, protobuf.Codec{DiscardUnknown: true}.Decode([]byte("\x08\x01\x50\x01"), d))
	assert.Equal(t, len(d.ProtoReflect().GetUnknown()), 0)
}

func TestBody(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Codec(protobuf.Codec{})
	echo := func(_ context.Context, in struct {
		Body protobuf.Body[*durationpb.Duration]
	}) (*durationpb.Duration, error) {
		if in.Body.Value.GetSeconds() < 0 {
			return nil, errors.New("no such time")
		}
		return in.Body.Value, nil
	}
	tako.Post(r, "/body", echo)
	tako.Post(r, "/small", echo, tako.BodyLimit(1))
	tako.Post(r, "/codec", func(_ context.Context, in struct{ Body *durationpb.Duration }) (*durationpb.Duration, error) {
		return in.Body, nil
	})
	tako.Post(r, "/none", func(context.Context, struct{}) (map[string]int, error) { return map[string]int{"a": 1}, nil })
	tako.Post(r, "/optional", func(_ context.Context, in tako.Optional[protobuf.Body[*durationpb.Duration]]) (tako.NoContent, error) {
		if in.Present {
			return tako.NoContent{}, errors.New("present")
		}
		return tako.NoContent{}, nil
	})
	s := takotest.New(t, r)
	body := encode(t, &durationpb.Duration{Seconds: 7})
	accept := takotest.Header("Accept", kind)
	for _, path := range []string{"/body", "/codec"} {
		for _, media := range []string{kind, "application/x-protobuf", "application/x+protobuf"} {
			s.Post(path, takotest.Body(media, body), accept).Expect(200).ExpectHeader("Content-Type", kind).ExpectText(body)
		}
		s.Post(path, takotest.Body(kind, "\x0a\x7f")).Expect(400)
	}
	s.Post("/body", takotest.Body("application/json", "{}")).Expect(415).ExpectHeader("Accept", "application/protobuf, application/x-protobuf")
	s.Post("/body", takotest.Body(kind, body), takotest.Header("Content-Encoding", "gzip")).Expect(415)
	s.Post("/body").Expect(400)
	s.Post("/small", takotest.Body(kind, body)).Expect(413)
	s.Post("/none", accept).Expect(500)
	s.Post("/none", takotest.Header("Accept", "application/json")).Expect(200)
	s.Post("/optional").Expect(204)
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	op, err := tako.Describes[struct {
		Body protobuf.Body[*durationpb.Duration]
	}, struct{}]("POST")
	assert.NoError(t, err)
	assert.Equal(t, op.Body, reflect.TypeFor[*durationpb.Duration]())
	assert.Equal(t, strings.Join(op.BodyMedia, " "), kind)
	if _, err := tako.Describes[struct{ Body protobuf.Body[int] }, struct{}]("POST"); err == nil || !strings.Contains(err.Error(), "no pointer to a Protocol Buffers message") {
		t.Errorf("got %v, want a mistake", err)
	}
	req, _ := http.NewRequest("POST", "/", nil)
	b := protobuf.Body[*durationpb.Duration]{Value: &durationpb.Duration{Seconds: 7}}
	assert.NoError(t, b.EncodeRequest(req))
	assert.Equal(t, req.Header.Get("Content-Type"), kind)
	assert.Equal(t, req.ContentLength, int64(2))
}

func FuzzDecode(f *testing.F) {
	list, _ := structpb.NewStruct(map[string]any{"name": "a", "list": []any{1.0, nil, map[string]any{}}})
	f.Add([]byte(encode(f, list)))
	f.Add([]byte("\x0a\x7f"))
	f.Add([]byte("\x0b\x0b\x0c\x0c"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m *structpb.Struct
		err := protobuf.Codec{}.Decode(data, &m)
		if err != nil {
			assert.Equal(t, tako.AsError(err).Status, 400)
			return
		}
		again := new(structpb.Struct)
		assert.NoError(t, protobuf.Codec{MaxDepth: 1000}.Decode([]byte(encode(t, m)), again))
	})
}
