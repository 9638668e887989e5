package main

import (
	"bytes"
	stdjson "encoding/json"

	"github.com/bytedance/sonic"
	"github.com/bytedance/sonic/encoder"
	goccy "github.com/goccy/go-json"
	"github.com/tako-go/tako"
	"github.com/tako-go/tako/codec/simdjson"
)

// library is one way to decode and encode. encode appends to w, which is large
// enough.
type library struct {
	name   string
	decode func(data []byte, v any) error
	encode func(w *bytes.Buffer, v any) error
}

var libraries = []library{
	{"simdjson", simdjson.Codec{}.Decode, codec(simdjson.Codec{})},
	{"root", tako.JSONCodec{}.Decode, codec(tako.JSONCodec{})},
	{"std", stdjson.Unmarshal, written(stdjson.Marshal)},
	{"sonic", sonic.ConfigDefault.Unmarshal, encodeSonic},
	{"sonicstd", sonic.ConfigStd.Unmarshal, written(sonic.ConfigStd.Marshal)},
	{"goccy", goccy.Unmarshal, written(func(v any) ([]byte, error) { return goccy.MarshalWithOption(v, goccy.DisableHTMLEscape()) })},
}

func codec(c tako.Codec) func(*bytes.Buffer, any) error {
	return func(w *bytes.Buffer, v any) error { return c.Encode(w, v) }
}

// written is a library that returns what it encodes.
func written(marshal func(any) ([]byte, error)) func(*bytes.Buffer, any) error {
	return func(w *bytes.Buffer, v any) error {
		text, err := marshal(v)
		_, _ = w.Write(text)
		return err
	}
}

// encodeSonic is the fastest that sonic has: names of maps in any order, and
// strings that may not be UTF-8.
func encodeSonic(w *bytes.Buffer, v any) error {
	text := w.AvailableBuffer()
	err := encoder.EncodeInto(&text, v, 0)
	_, _ = w.Write(text)
	return err
}
