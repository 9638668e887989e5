package runtimetest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/codec/cbor"
	"github.com/tako-go/tako/codec/msgpack"
	"github.com/tako-go/tako/codec/simdjson"
	"github.com/tako-go/tako/extract"
)

// Rules in tags, for each place a value can come from.
type (
	ruledBody struct {
		Name  string      `json:"name" required:"true" minLength:"3"`
		Kind  string      `json:"kind,omitempty" enum:"reef,rock"`
		Depth int         `json:"depth" minimum:"1" maximum:"99"`
		PIN   string      `json:"pin" minLength:"4" secret:"true"`
		Parts []ruledPart `json:"parts" maxItems:"2"`
	}
	ruledPart struct {
		Count int `json:"count" multipleOf:"5"`
	}
	ruledForm struct {
		Name  string   `form:"name" query:"name" required:"true" minLength:"3"`
		Kind  string   `form:"kind" query:"kind" enum:"reef,rock"`
		Depth int      `form:"depth" query:"depth" minimum:"1" maximum:"99"`
		PIN   string   `form:"pin" query:"pin" minLength:"4" secret:"true"`
		Tags  []string `form:"tag" query:"tag" items.maxLength:"3"`
	}
	ruledPath struct {
		Name  string `path:"name" minLength:"3"`
		Depth int    `path:"depth" maximum:"99"`
		PIN   string `path:"pin" minLength:"4" secret:"true"`
	}
	ruledParams struct {
		Name  string `header:"X-Name" required:"true" minLength:"3"`
		Depth int    `header:"X-Depth" maximum:"99"`
		Theme string `cookie:"theme" enum:"dark,light"`
	}
)

// worstBody and bestBody break all the rules, and none.
var (
	worstBody = ruledBody{Name: "ab", Kind: "wreck", Depth: 100, PIN: "987", Parts: []ruledPart{{5}, {7}}}
	bestBody  = ruledBody{Name: "abc", Kind: "reef", Depth: 99, PIN: "9876", Parts: []ruledPart{{5}, {10}}}
)

// brokenRules are what has to be answered: place, name, rule and value of each.
var (
	brokenByBody   = []string{`body /depth maximum 100`, `body /kind enum "wreck"`, `body /name minLength "ab"`, `body /parts/1/count multipleOf 7`, `body /pin minLength -`}
	brokenByPath   = []string{`path depth maximum 100`, `path name minLength "ab"`, `path pin minLength -`}
	brokenByParams = []string{`cookie theme enum -`, `header X-Depth maximum 100`, `header X-Name minLength "ab"`}
)

func brokenBy(in string) []string {
	return []string{in + ` depth maximum 100`, in + ` kind enum "wreck"`, in + ` name minLength "ab"`, in + ` pin minLength -`, in + ` tag maxLength "long"`}
}

func ruleCases() []testCase {
	faults := []fault{turned("422"), replies("rule-lost", `"rule":"`, `"role":"`), replies("place-lost", `"in":"`, `"of":"`), replies("last-alone", `"errors":[`, `"others":[`),
		replies("refused", "HTTP/1.1 200 ", "HTTP/1.1 422 ")}
	body := append(slices.Clone(faults), bodies("secret-shown", `"rule":"minLength"}`, `"rule":"minLength","value":"987"}`))
	var all []testCase
	for _, row := range ruledRows() {
		tc := testCase{id: "EX-06/rules-" + row.name, run: keepsRules(row), faults: faults}
		if row.want[0] != brokenByParams[0] {
			tc.faults = body
		}
		all = append(all, tc)
	}
	return append(all, testCase{id: "EX-06/rules-all-sources", run: allSources, faults: faults[:4]})
}

// ruled is an input with the requests that break its rules and keep them.
type ruled struct {
	name      string
	bad, good string
	want      []string
}

func encodedBy(codec tako.Codec, v any) string {
	var b strings.Builder
	if err := codec.Encode(&b, v); err != nil {
		return err.Error()
	}
	return b.String()
}

func ruledRows() []ruled {
	var rows []ruled
	for name, codec := range map[string]tako.Codec{"json": tako.JSONCodec{}, "simd": simdjson.Codec{}, "typed": tako.JSONCodec{}, "cbor": cbor.Codec{}, "msgpack": msgpack.Codec{}, "typed-cbor": cbor.Codec{}, "optional": tako.JSONCodec{}} {
		post := func(v ruledBody) string {
			return request("POST", "/"+name, encodedBy(codec, &v), "Content-Type: "+codec.MediaTypes()[0])
		}
		rows = append(rows, ruled{name, post(worstBody), post(bestBody), brokenByBody})
	}
	const bad, good = "name=ab&kind=wreck&depth=100&pin=987&tag=abc&tag=long", "name=abc&kind=reef&depth=99&pin=9876&tag=abc"
	const asForm = "Content-Type: application/x-www-form-urlencoded"
	return append(rows,
		ruled{"form", request("POST", "/form", bad, asForm), request("POST", "/form", good, asForm), brokenBy("form")},
		ruled{"query", request("GET", "/query?"+bad, ""), request("GET", "/query?"+good, ""), brokenBy("query")},
		ruled{"multipart", postMultipart("/multipart", asParts(bad)), postMultipart("/multipart", asParts(good)), brokenBy("form")},
		ruled{"path", request("GET", "/path/ab/100/987", ""), request("GET", "/path/abc/99/9876", ""), brokenByPath},
		ruled{"params", request("GET", "/params", "", "X-Name: ab", "X-Depth: 100", "Cookie: theme=987"), request("GET", "/params", "", "X-Name: abc", "Cookie: theme=dark"), brokenByParams},
	)
}

// asParts is the form with the same fields as parts.
func asParts(form string) string {
	var b strings.Builder
	for pair := range strings.SplitSeq(form, "&") {
		name, value, _ := strings.Cut(pair, "=")
		b.WriteString(filePart("name="+name, value))
	}
	return b.String() + "--xx--\r\n"
}

func fine[In any](context.Context, In) (string, error) { return "fine", nil }

func ruledRoutes(app *tako.Router) {
	tako.Post(app, "/json", fine[tako.JSON[ruledBody]])
	tako.Post(app, "/simd", fine[tako.JSON[ruledBody]], tako.WithCodec(simdjson.Codec{}))
	tako.Post(app, "/typed", fine[struct{ Body *ruledBody }])
	tako.Post(app, "/optional", fine[tako.Optional[tako.JSON[ruledBody]]])
	tako.Post(app, "/cbor", fine[cbor.Body[ruledBody]])
	tako.Post(app, "/typed-cbor", fine[struct{ Body ruledBody }], tako.WithCodec(cbor.Codec{}))
	tako.Post(app, "/msgpack", fine[msgpack.Body[ruledBody]])
	tako.Post(app, "/form", fine[tako.Form[ruledForm]])
	tako.Get(app, "/query", fine[tako.Query[ruledForm]])
	tako.Post(app, "/multipart", fine[extract.MultipartForm[ruledForm]])
	tako.Get(app, "/path/{name}/{depth}/{pin}", fine[tako.Path[ruledPath]])
	tako.Get(app, "/params", fine[ruledParams])
	tako.Post(app, "/all/{name}/{depth}/{pin}", fine[struct {
		ruledParams
		ruledPath
		Kind string   `query:"kind" enum:"reef,rock"`
		Tags []string `query:"tag" items.maxLength:"3"`
		Body ruledBody
	}])
}

// keepsRules demands that all that is wrong is said at once, and no secret with it.
func keepsRules(row ruled) func(x *T) {
	return func(x *T) {
		s := x.serve(tako.Limits{}, ruledRoutes)
		s.ask(row.good, 200)
		s.ask(row.bad, 422).broke(x, row.want)
	}
}

// broke compares what a problem lists.
func (r *response) broke(x *T, want []string) {
	x.Helper()
	var problem struct {
		Errors []struct {
			In, Name, Detail, Rule string
			Value                  json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(r.body), &problem); err != nil {
		x.Fatalf("%v in %s", err, r.body)
	}
	var got []string
	for _, e := range problem.Errors {
		value := string(e.Value)
		if value == "" {
			value = "-"
		}
		got = append(got, e.In+" "+e.Name+" "+e.Rule+" "+value)
		if e.Detail == "" {
			x.Errorf("%s %s: it is not said what was wrong", e.In, e.Name)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		x.Errorf("got  %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
	if contains(r.body, "987") {
		x.Errorf("the answer shows a secret: %s", r.body)
	}
}

// allSources has something wrong everywhere.
func allSources(x *T) {
	s := x.serve(tako.Limits{}, ruledRoutes)
	r := s.ask(request("POST", "/all/ab/100/987?kind=wreck&tag=abc&tag=long", encodedBy(tako.JSONCodec{}, &worstBody),
		"Content-Type: application/json", "X-Name: ab", "X-Depth: 100", "Cookie: theme=987"), 422)
	want := slices.Concat(brokenByBody, brokenByPath, brokenByParams, []string{`query kind enum "wreck"`, `query tag maxLength "long"`})
	slices.Sort(want)
	r.broke(x, want)
}
