package extracttable

import (
	"context"
	"strings"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/codec/cbor"
	"github.com/tako-go/tako/codec/jsonpatch"
	"github.com/tako-go/tako/codec/msgpack"
	"github.com/tako-go/tako/codec/protobuf"
)

// encoded is v as a body, "" if that cannot be.
func encoded(codec tako.Codec, v any) string {
	var b strings.Builder
	if codec.Encode(&b, v) != nil {
		return ""
	}
	return b.String()
}

// decoding are the failures of the bodies of a codec whose content is kind.
func decoding(kind, malformed string) []Failure {
	return []Failure{
		noBody(), coded(kind), overLimit(kind),
		{415, "another media type, or none", Case{Fields: []string{asText}, Body: "x", Want: "is expected"}, false},
		{400, "malformed", Case{Fields: []string{kind}, Body: malformed}, false},
	}
}

func codecRow[T any, P interface {
	*T
	tako.Extractor
}](name, format string, codec tako.Codec, show func(T) string) Row {
	kind := "Content-Type: " + codec.MediaTypes()[0]
	return row[T, P](name, plain(show), Row{
		Source:  "a body in " + format + ", `" + strings.Join(codec.MediaTypes(), "`, `") + "`",
		Options: "[rules](typed-handlers.md#validate) of the type",
		Good:    []Case{{Fields: []string{kind}, Body: encoded(codec, &reef{Name: "Kiwi"}), Want: "Kiwi"}},
		Failures: append(decoding(kind, "\xff"),
			Failure{422, "a rule is broken", Case{Fields: []string{kind}, Body: encoded(codec, &reef{Depth: 1}), Want: "needs a name"}, false}),
	})
}

func codecRows() []Row {
	const asPatch = "Content-Type: " + jsonpatch.PatchType
	const asProto = "Content-Type: application/protobuf"
	const asMerge = "Content-Type: " + jsonpatch.MergeType
	return []Row{
		codecRow("cbor.Body[T]", "CBOR", cbor.Codec{}, func(v cbor.Body[reef]) string { return v.Value.Name }),
		codecRow("msgpack.Body[T]", "MessagePack", msgpack.Codec{}, func(v msgpack.Body[reef]) string { return v.Value.Name }),
		row("protobuf.Body[T]", plain(func(v protobuf.Body[*wrapperspb.StringValue]) string { return v.Value.GetValue() }), Row{
			Source:   "a body in Protocol Buffers, `application/protobuf` or `application/x-protobuf`",
			Options:  "`T` is a pointer to a message",
			Good:     []Case{{Fields: []string{asProto}, Body: encoded(protobuf.Codec{}, wrapperspb.String("Kiwi")), Want: "Kiwi"}},
			Failures: decoding(asProto, "\xff"),
		}),
		row("jsonpatch.Patch[T]", func(v jsonpatch.Patch[reef]) (string, error) {
			to := reef{Name: "Kiwi", Depth: 3}
			err := v.Apply(context.Background(), &to)
			return to.Name, err
		}, Row{
			Source:  "the body of a PATCH: JSON Merge Patch or JSON Patch; `Apply` changes a value",
			Options: "[rules](typed-handlers.md#validate) of the type",
			Good: []Case{
				{Method: "PATCH", Fields: []string{asMerge}, Body: `{"name":"Moa"}`, Want: "Moa"},
				{Method: "PATCH", Fields: []string{asPatch}, Body: `[{"op":"replace","path":"/name","value":"Weka"}]`, Want: "Weka"},
			},
			Failures: append(decoding(asPatch, `[{"op":"jump"}]`),
				Failure{409, "`Apply`: the patch does not fit the value", Case{Method: "PATCH", Fields: []string{asPatch}, Body: `[{"op":"test","path":"/name","value":"Moa"}]`}, false},
				Failure{422, "`Apply`: the result breaks a rule", Case{Method: "PATCH", Fields: []string{asMerge}, Body: `{"name":""}`, Want: "needs a name"}, false}),
		}),
	}
}
