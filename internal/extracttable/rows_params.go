package extracttable

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
)

type search struct {
	Text string   `query:"text" required:"true"`
	Tags []string `query:"tag"`
	Max  int      `query:"max" default:"20"`
}

type place struct {
	Ocean string `path:"ocean"`
	ID    int    `path:"id"`
}

// retries is a header that is a number.
type retries int

func (retries) HeaderName() string { return "X-Retries" }

// waits is a header that is a list.
type waits []time.Duration

func (waits) HeaderName() string { return "x-waits" }

// token is a header that is text.
type token string

func (token) HeaderName() string { return "X-Token" }

func paramRows() []Row {
	return []Row{
		row("tako.Path[T]", plain(func(v tako.Path[place]) string { return fmt.Sprint(v.Value.Ocean, " ", v.Value.ID) }), Row{
			rest:    "/{ocean}/{id}",
			Source:  "path parameters, as a struct with `path` tags or, of a pattern with one, a single value",
			Options: "types and [rules](typed-handlers.md#inputs) of the fields",
			Good:    []Case{{Path: "/pacific/7", Want: "pacific 7"}, {Path: "/a%2Fb/-1", Want: "a/b -1"}},
			Failures: []Failure{
				{400, "a value does not parse", Case{Path: "/pacific/x", Want: "path parameter id is not an integer"}, false},
				{400, "a value is out of range", Case{Path: "/pacific/99999999999999999999", Want: "out of range"}, false},
			},
		}),
		row("extract.Params", plain(func(v extract.Params) string {
			var b strings.Builder
			for _, name := range slices.Sorted(maps.Keys(v)) {
				b.WriteString(name + "=" + v[name] + " ")
			}
			return b.String()
		}), Row{
			rest:   "/{ocean}/{rest...}",
			Source: "all path parameters, as a map of text",
			Good:   []Case{{Path: "/a%20b/c/d%2Fe", Want: "ocean=a b rest=c/d/e "}},
		}),
		row("tako.Query[T]", plain(func(v tako.Query[search]) string {
			return fmt.Sprint(v.Value.Text, " ", v.Value.Tags, " ", v.Value.Max)
		}), Row{
			Source:  "the query, as a struct with `query` tags; a list takes all values of a name, anything else the first",
			Options: "types, defaults and [rules](typed-handlers.md#inputs) of the fields",
			Good:    []Case{{Path: "?text=a+b&tag=x&tag=y%2Cz", Want: "a b [x y,z] 20"}, {Path: "?text=&max=3&max=4", Want: " [] 3"}},
			Failures: []Failure{
				{400, "a value does not parse", Case{Path: "?text=a&max=x", Want: "query parameter max is not an integer"}, false},
				{400, "an escape is broken", Case{Path: "?text=%zz", Want: "escape"}, false},
				{400, "more than 1000 parameters", Case{Path: "?" + strings.Repeat("a&", 1001), Want: "1000"}, false},
				{422, "a parameter is missing that has to be there, or breaks a rule", Case{Path: "?max=1", Want: "query parameter text is required"}, false},
			},
		}),
		row("extract.RawQuery", plain(func(v extract.RawQuery) string { return string(v) }), Row{
			Source: "the query as it was sent",
			Good:   []Case{{Path: "?a=%41&&b", Want: "a=%41&&b"}},
		}),
		row("extract.Headers", plain(func(v extract.Headers) string { return v.Get("x-a") + " " + strings.Join(v.Values("X-B"), "|") }), Row{
			Source: "all header fields, copied",
			Good:   []Case{{Fields: []string{"X-A: 1", "X-B: 2", "X-B: 3"}, Want: "1 2|3"}},
		}),
		row("extract.Header[N]", plain(func(v extract.Header[retries]) string { return fmt.Sprint(int(v.Value)) }), Row{
			Source:  "one header field, parsed",
			Options: "`N` tells the name, and its kind what is parsed",
			Good:    []Case{{Fields: []string{"X-Retries: -3"}, Want: "-3"}},
			Failures: []Failure{
				{422, "the field is missing", Case{Want: "header parameter X-Retries is required"}, true},
				{400, "the value does not parse", Case{Fields: []string{"X-Retries: three"}, Want: "header parameter X-Retries is not an integer"}, false},
			},
		}),
		row("extract.Header[N] of a list", plain(func(v extract.Header[waits]) string { return fmt.Sprint([]time.Duration(v.Value)) }), Row{
			Source:  "all lines of one header field, split at commas",
			Options: "as above",
			Good:    []Case{{Fields: []string{"X-Waits: 1s, 2m,", "X-Waits: 3ms"}, Want: "[1s 2m0s 3ms]"}},
			Failures: []Failure{
				{422, "the field is missing", Case{Want: "header parameter X-Waits is required"}, true},
				{400, "a value does not parse", Case{Fields: []string{"X-Waits: 1s, soon"}, Want: "is not a duration"}, false},
			},
		}),
		row("extract.RawHeader[N]", plain(func(v extract.RawHeader[token]) string { return string(v.Value) }), Row{
			Source:  "one header field as `[]byte`, borrowed until the handler returns",
			Options: "`N` tells the name",
			Good:    []Case{{Fields: []string{"X-Token: a b"}, Want: "a b"}},
			Failures: []Failure{
				{422, "the field is missing", Case{Want: "header parameter X-Token is required"}, true},
			},
		}),
	}
}
