package extracttable

import (
	"fmt"
	"io"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
)

// tiny is a limit of eight bytes.
type tiny struct{}

func (tiny) MaxBytes() int64 { return 8 }

const (
	asJSON = "Content-Type: application/json"
	asForm = "Content-Type: application/x-www-form-urlencoded"
	asText = "Content-Type: text/plain"
)

func bodyRows() []Row {
	return []Row{
		row("tako.JSON[T]", plain(func(v tako.JSON[reef]) string { return v.Value.Name }), Row{
			Source:  "a body of type `application/json` or `*+json`",
			Options: "[rules](typed-handlers.md#validate) of the type; the codec of the router",
			Good:    []Case{{Fields: []string{asJSON}, Body: `{"name":"Kiwi"}`, Want: "Kiwi"}, {Fields: []string{"Content-Type: Application/Merge-Patch+JSON; charset=utf-8"}, Body: `{"name":"Moa"}`, Want: "Moa"}},
			Failures: []Failure{
				noBody(), coded(asJSON), overLimit(asJSON),
				{415, "another media type, or none", Case{Fields: []string{asText}, Body: "{}", Want: "application/json is expected"}, false},
				{400, "malformed, or not UTF-8, or a value of the wrong kind", Case{Fields: []string{asJSON}, Body: `{"name":`, Want: "JSON"}, false},
				{422, "a rule is broken", Case{Fields: []string{asJSON}, Body: `{}`, Want: "needs a name"}, false},
			},
		}),
		row("tako.Form[T]", plain(func(v tako.Form[reef]) string { return fmt.Sprint(v.Value.Name, " ", v.Value.Depth) }), Row{
			Source:  "a body of type `application/x-www-form-urlencoded`, as a struct with `form` tags; a list takes all values of a name, anything else the first",
			Options: "types, defaults and [rules](typed-handlers.md#inputs) of the fields",
			Good:    []Case{{Fields: []string{asForm}, Body: "name=Kiwi+two&depth=3", Want: "Kiwi two 3"}},
			Failures: []Failure{
				noBody(), coded(asForm), overLimit(asForm),
				{415, "another media type, or none", Case{Fields: []string{asJSON}, Body: "name=x", Want: "is expected"}, false},
				{400, "a value does not parse", Case{Fields: []string{asForm}, Body: "name=x&depth=deep", Want: "form field depth is not an integer"}, false},
				{400, "an escape is broken", Case{Fields: []string{asForm}, Body: "name=%zz", Want: "escape"}, false},
				{422, "a rule is broken", Case{Fields: []string{asForm}, Body: "depth=1", Want: "needs a name"}, false},
			},
		}),
		row("extract.Bytes", plain(func(v extract.Bytes) string { return string(v) }), Row{
			Source:   "the body as it came, of any type",
			Options:  "limit of the route",
			Good:     []Case{{Fields: []string{"Content-Type: image/png"}, Body: "abc", Want: "abc"}},
			Failures: []Failure{overLimit()},
		}),
		row("extract.RawBody", plain(func(v extract.RawBody) string { return string(v) }), Row{
			Source:   "the body as it came, of any type, in memory that is borrowed until the handler returns",
			Options:  "limit of the route",
			Good:     []Case{{Body: "abc", Want: "abc"}},
			Failures: []Failure{overLimit()},
		}),
		row("extract.Text", plain(func(v extract.Text) string { return string(v) }), Row{
			Source:  "a body of type `text/*` in UTF-8 or US-ASCII",
			Options: "limit of the route",
			Good:    []Case{{Fields: []string{asText}, Body: "Kākāpō", Want: "Kākāpō"}, {Fields: []string{`Content-Type: text/csv; charset="US-ASCII"`}, Body: "a,b", Want: "a,b"}},
			Failures: []Failure{
				noBody(), coded(asText), overLimit(asText),
				{415, "another media type, or none", Case{Fields: []string{"Content-Type: application/json"}, Body: "x", Want: "text in UTF-8 is expected"}, false},
				{415, "another charset", Case{Fields: []string{asText + "; charset=utf-16"}, Body: "x", Want: "text in UTF-8 is expected"}, false},
				{400, "not in its charset", Case{Fields: []string{asText}, Body: "a\xffb", Want: "not the UTF-8"}, false},
				{400, "bytes above ASCII in US-ASCII", Case{Fields: []string{asText + "; charset=us-ascii"}, Body: "ä", Want: "not the US-ASCII"}, false},
			},
		}),
		row("extract.Stream", func(v extract.Stream) (string, error) {
			text, err := io.ReadAll(v)
			return string(text), err
		}, Row{
			Source:  "the body as a reader, borrowed until the handler returns",
			Options: "limit of the route",
			Good:    []Case{{Body: "abc", Want: "abc"}},
			Failures: []Failure{
				{413, "the body is over the limit of the route; `Read` has the error", Case{Body: tooLong, Want: "16384 bytes"}, false},
			},
		}),
		row("extract.Limited[T, L]", plain(func(v extract.Limited[extract.Bytes, tiny]) string { return string(v.Value) }), Row{
			Source:  "what the body extractor `T` reads",
			Options: "`L` tells the limit, in place of that of the route",
			Good:    []Case{{Body: "12345678", Want: "12345678"}},
			Failures: []Failure{
				{413, "the body is over its limit; otherwise as `T`", Case{Body: "123456789", Want: "8 bytes"}, false},
			},
		}),
	}
}
