package runtimetest

import (
	"context"
	"strings"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/codec/simdjson"
	"github.com/tako-go/tako/extract"
)

func inputCases() []testCase {
	t400, t415, t422 := turned("400"), turned("415"), turned("422")
	fine := replies("refused", "HTTP/1.1 200 ", "HTTP/1.1 400 ")
	all := []testCase{
		{id: "EX-04/json", run: mediaTypes("/json", `{"text":"a"}`, "application/json"), faults: []fault{t415, fine}},
		{id: "EX-04/typed", run: mediaTypes("/typed", `{"text":"a"}`, "application/json"), faults: []fault{t415, fine}},
		{id: "EX-04/optional", run: mediaTypes("/optional", `{"text":"a"}`, "application/json"), faults: []fault{t415, fine}},
		{id: "EX-04/form", run: mediaTypes("/form", "text=a", "application/x-www-form-urlencoded"), faults: []fault{t415, fine}},
		{id: "EX-04/text", run: mediaTypes("/text", "abc", "text/plain"), faults: []fault{t415, fine}},
		{id: "EX-04/cbor", run: mediaTypes("/cbor", bodyOf("cbor", 20), "application/cbor"), faults: []fault{t415, fine}},
		{id: "EX-04/msgpack", run: mediaTypes("/msgpack", bodyOf("msgpack", 20), "application/msgpack"), faults: []fault{t415, fine}},
		{id: "EX-04/protobuf", run: mediaTypes("/protobuf", bodyOf("protobuf", 20), "application/protobuf"), faults: []fault{t415, fine}},
		{id: "EX-04/multipart", run: multipartTypes, faults: []fault{t415, fine}},
		{id: "EX-05/duplicates", run: jsonDuplicates, faults: []fault{t400, replies("place-lost", `"/text"`, `"/next"`)}},
		{id: "EX-05/duplicates-allowed", run: jsonPolicy, faults: []fault{replies("first-wins", `last`, `first`)}},
		{id: "EX-05/strict", run: jsonStrict, faults: []fault{t400, replies("refused", "HTTP/1.1 200 ", "HTTP/1.1 400 ")}},
		{id: "EX-06/each-source", run: validates, faults: []fault{t422, replies("fields-lost", `"errors"`, `"others"`)}},
		{id: "EX-06/wrapped", run: validatesWrapped, faults: []fault{t422}},
		{id: "EX-07/defaults", run: queryDefaults, faults: []fault{bodies("default-lost", "limit=20", "limit=0")}},
		{id: "EX-07/repeated", run: queryRepeats, faults: []fault{replies("last-wins", "limit=1 ", "limit=2 "), replies("order", "[a b,c d]", "[d b,c a]")}},
		{id: "EX-07/forms", run: formRules, faults: []fault{bodies("default-lost", "limit=20", "limit=0"), bodies("order", "[a b,c d]", "[d b,c a]"), t400}},
		{id: "EX-07/too-many", run: queryTooMany, faults: []fault{t400}},
		{id: "EX-07/broken-escapes", run: queryBroken, faults: []fault{t400}},
		{id: "EX-13/two-bodies", run: twoBodies, faults: []fault{planted("one-body"), serverFault("error-swallowed", swallowListen)}},
		{id: "EX-13/optional", run: optionalBody, faults: []fault{bodies("silent", "present=false", "present=true"), t400}},
		{id: "EX-13/optional-extractors", run: optionalBodies, faults: []fault{bodies("silent", "present=false", "present=true"), t400}},
		{id: "EX-13/broken-body", run: brokenBody, faults: []fault{around("upload-completed", completing)}},
		{id: "EX-17/parse", run: pathParse, faults: []fault{t400, replies("leaks", `"name":"`, `"type":"int32","name":"`)}},
		{id: "EX-17/our-fault", run: pathFault, faults: []fault{turned("500")}},
	}
	for kind := range badBinary {
		all = append(all, testCase{id: "EX-05/" + kind, run: badBinaries(kind), faults: []fault{t400, around("text-leaked", leakGo)}})
	}
	for id, body := range badJSON {
		all = append(all, testCase{id: "EX-05/" + id, run: badBody(body), faults: []fault{t400, around("text-leaked", leakGo)}})
	}
	return all
}

// The same rule for each place a name can come from.
type (
	checked struct {
		Name string `json:"name" form:"name"`
	}
	checkedQuery struct {
		Name string `query:"name"`
	}
	checkedPath struct {
		Name string `path:"name"`
	}
)

var errName = &tako.Error{Status: 422, Detail: "the name is too short", Fields: []tako.FieldError{{In: "body", Name: "/name", Detail: "too short"}}}

func checkName(name string) error {
	if len(name) < 3 {
		return errName
	}
	return nil
}

// Validate refuses short names.
func (c *checked) Validate(context.Context) error { return checkName(c.Name) }

// Validate refuses short names.
func (c *checkedQuery) Validate(context.Context) error { return checkName(c.Name) }

// Validate refuses short names.
func (c checkedPath) Validate(context.Context) error { return checkName(c.Name) }

type page struct {
	Limit int      `query:"limit" default:"20"`
	Tags  []string `query:"tag"`
	On    *bool    `query:"on"`
}

func inputRoutes(app *tako.Router) {
	bodyRoutes(app)
	tako.Post(app, "/simd", func(_ context.Context, in tako.JSON[textBody]) (string, error) { return in.Value.Text, nil }, tako.WithCodec(simdjson.Codec{}))
	ok := func() (string, error) { return "fine", nil }
	tako.Post(app, "/optional", func(_ context.Context, in tako.Optional[tako.JSON[textBody]]) (string, error) {
		return "present=" + map[bool]string{true: "true", false: "false"}[in.Present] + " text=" + in.Value.Value.Text, nil
	})
	tako.Post(app, "/v/json", func(context.Context, tako.JSON[checked]) (string, error) { return ok() })
	tako.Post(app, "/v/body", func(context.Context, struct{ Body checked }) (string, error) { return ok() })
	tako.Post(app, "/v/pointer", func(context.Context, struct{ Body *checked }) (string, error) { return ok() })
	tako.Post(app, "/v/form", func(context.Context, tako.Form[checked]) (string, error) { return ok() })
	tako.Get(app, "/v/query", func(context.Context, tako.Query[checkedQuery]) (string, error) { return ok() })
	tako.Get(app, "/v/path/{name}", func(context.Context, tako.Path[checkedPath]) (string, error) { return ok() })
	tako.Get(app, "/v/field", func(context.Context, struct{ Q tako.Query[checkedQuery] }) (string, error) { return ok() })
	tako.Post(app, "/v/optional", func(context.Context, tako.Optional[tako.JSON[checked]]) (string, error) { return ok() })
	tako.Post(app, "/v/nested", func(context.Context, struct {
		B tako.Optional[tako.Form[checked]]
	}) (string, error) {
		return ok()
	})
	app.Get("/page", func(c *tako.Context) error {
		q, err := tako.Extract[tako.Query[page]](c)
		if err != nil {
			return err
		}
		return c.Text(200, "limit="+itoa(q.Value.Limit)+" tags=["+strings.Join(q.Value.Tags, " ")+"] on="+map[bool]string{true: "set", false: "unset"}[q.Value.On != nil])
	})
	tako.Get(app, "/id/{id}", func(_ context.Context, in struct {
		ID int32 `path:"id"`
	}) (string, error) {
		return "id=" + itoa(int(in.ID)), nil
	})
	tako.Get(app, "/when/{d}", func(_ context.Context, in struct {
		D time.Duration `path:"d"`
	}) (string, error) {
		return in.D.String(), nil
	})
}

// mediaTypes sends the same body under types that are right and wrong.
func mediaTypes(path, body, right string) func(x *T) {
	return func(x *T) {
		s := x.serve(tako.Limits{}, inputRoutes)
		wrong := []string{"", "text/plain", right + "x", "application", "a/b/c", "application/jsonx", "multipart/form-data; boundary=x"}
		if right == "text/plain" {
			wrong = []string{"", "texts/plain", "text", "text/plain/x", "text/plain; charset=latin1", "application/json"}
		}
		for _, bad := range wrong {
			var lines []string
			if bad != "" {
				lines = []string{"Content-Type: " + bad}
			}
			s.ask(request("POST", path, body, lines...), 415)
		}
		good := []string{right, strings.ToUpper(right), right + "; charset=utf-8", right + " ;charset=UTF-8"}
		if strings.HasSuffix(right, "json") {
			good = append(good, "Application/JSON; charset=utf-8", "application/problem+json", "application/vnd.api+json")
		}
		for _, g := range good {
			s.ask(request("POST", path, body, "Content-Type: "+g), 200)
		}
	}
}

// multipartTypes has the same rule for forms with files, whose type needs a boundary.
func multipartTypes(x *T) {
	s := x.serve(tako.Limits{}, bodyRoutes)
	for contentType, status := range map[string]int{"": 415, "text/plain": 415, "multipart/form-datax; boundary=xx": 415, "multipart/mixed; boundary=xx": 415,
		"application/x-www-form-urlencoded": 415, asMultipart: 200, "Multipart/Form-Data; charset=utf-8; boundary=\"xx\"": 200, "multipart/form-data ;Boundary=xx": 200} {
		var lines []string
		if contentType != "" {
			lines = []string{"Content-Type: " + contentType}
		}
		for _, path := range []string{"/multipart", "/multipart-form"} {
			s.ask(request("POST", path, bodyOf("multipart", 100), lines...), status)
		}
	}
}

func validates(x *T) {
	s := x.serve(tako.Limits{}, inputRoutes)
	const asJSON, asForm = "Content-Type: application/json", "Content-Type: application/x-www-form-urlencoded"
	for _, row := range [][3]string{{"POST", "/v/json", asJSON}, {"POST", "/v/body", asJSON}, {"POST", "/v/pointer", asJSON}, {"POST", "/v/form", asForm}, {"GET", "/v/query", "X-A: b"}, {"GET", "/v/path/", "X-A: b"}} {
		for name, status := range map[string]int{"ab": 422, "abc": 200} {
			target, body := row[1], ""
			switch {
			case row[2] == asJSON:
				body = `{"name":"` + name + `"}`
			case row[2] == asForm:
				body = "name=" + name
			case target == "/v/query":
				target += "?name=" + name
			default:
				target += name
			}
			r := s.ask(request(row[0], target, body, row[2]), status)
			if status == 422 && !contains(r.body, `"errors":[{"in":"body","name":"/name"`) {
				x.Errorf("%s: got %s", target, r.body)
			}
		}
	}
}

// validatesWrapped looks that no wrapper skips the check.
func validatesWrapped(x *T) {
	s := x.serve(tako.Limits{}, inputRoutes)
	s.ask(request("POST", "/v/optional", `{"name":"ab"}`, "Content-Type: application/json"), 422)
	s.ask(request("POST", "/v/nested", "name=ab", "Content-Type: application/x-www-form-urlencoded"), 422)
	s.get("/v/field?name=ab", 422)
	s.get("/v/field?name=abc", 200)
}

func queryDefaults(x *T) {
	s := x.serve(tako.Limits{}, inputRoutes)
	for query, want := range map[string]string{"": "limit=20 tags=[] on=unset", "?": "limit=20 tags=[] on=unset", "?other=1": "limit=20 tags=[] on=unset",
		"?limit=7&on=true": "limit=7 tags=[] on=set", "?&&limit=8&": "limit=8 tags=[] on=unset"} {
		if got := s.get("/page"+query, 200).body; got != want {
			x.Errorf("%q: got %q, want %q", query, got, want)
		}
	}
}

func queryRepeats(x *T) {
	s := x.serve(tako.Limits{}, inputRoutes)
	for query, want := range map[string]string{"?limit=1&limit=2": "limit=1 tags=[] on=unset", "?tag=a&tag=b%2Cc&tag=d": "limit=20 tags=[a b,c d] on=unset",
		"?%74ag=a&tag=b,c&%74%61%67=d": "limit=20 tags=[a b,c d] on=unset", "?tag=a+b": "limit=20 tags=[a b] on=unset", "?tag=a%2Bb": "limit=20 tags=[a+b] on=unset"} {
		if got := s.get("/page"+query, 200).body; got != want {
			x.Errorf("%q: got %q, want %q", query, got, want)
		}
	}
}

type formPage struct {
	Limit int      `form:"limit" default:"20"`
	Tags  []string `form:"tag"`
	On    *bool    `form:"on"`
}

// formRules has forms of both kinds keep to the rules of queries.
func formRules(x *T) {
	show := func(c *tako.Context, in formPage) error {
		return c.Text(200, "limit="+itoa(in.Limit)+" tags=["+strings.Join(in.Tags, " ")+"] on="+map[bool]string{true: "set", false: "unset"}[in.On != nil])
	}
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Post("/form", func(c *tako.Context) error {
			in, err := tako.Extract[tako.Form[formPage]](c)
			if err != nil {
				return err
			}
			return show(c, in.Value)
		})
		app.Post("/multipart", func(c *tako.Context) error {
			in, err := tako.Extract[extract.MultipartForm[formPage]](c)
			if err != nil {
				return err
			}
			return show(c, in.Value)
		})
	})
	for form, want := range map[string]string{"other=1": "limit=20 tags=[] on=unset", "limit=7&on=true": "limit=7 tags=[] on=set", "limit=1&limit=2": "limit=1 tags=[] on=unset",
		"tag=a&tag=b,c&other=x&tag=d": "limit=20 tags=[a b,c d] on=unset", "limit=x": "", "limit=99999999999999999999": "", "on=maybe": "", "limit=1.5": "", "limit=": ""} {
		status := 200
		if want == "" {
			status = 400
		}
		for _, raw := range []string{request("POST", "/form", form, "Content-Type: application/x-www-form-urlencoded"), postMultipart("/multipart", asParts(form))} {
			if got := s.ask(raw, status).body; status == 200 && got != want {
				x.Errorf("%q: got %q, want %q", form, got, want)
			}
		}
	}
}

func queryTooMany(x *T) {
	s := x.serve(tako.Limits{TargetBytes: 1 << 20, HeaderBytes: 1 << 20}, inputRoutes)
	pairs := strings.Repeat("a=b&", 100_000)
	s.get("/page?"+pairs, 400)
	s.get("/page?"+pairs[:4*999]+"limit=3", 200)
	s.ask(request("POST", "/form", pairs, "Content-Type: application/x-www-form-urlencoded"), 400)
}

func queryBroken(x *T) {
	s := x.serve(tako.Limits{}, inputRoutes)
	for _, query := range []string{"tag=%", "tag=%zz", "tag=%f", "limit=x", "limit=99999999999999999999", "limit=1%", "on=maybe"} {
		s.get("/page?"+query, 400)
	}
	for _, body := range []string{"text=%", "text=%zz", "%=a"} {
		s.ask(request("POST", "/form", body, "Content-Type: application/x-www-form-urlencoded"), 400)
	}
}

func pathParse(x *T) {
	s := x.serve(tako.Limits{}, inputRoutes)
	for _, path := range []string{"/id/x", "/id/1.5", "/id/2147483648", "/id/-2147483649", "/id/%20", "/id/0x10", "/when/soon"} {
		r := s.get(path, 400, "Accept: application/json")
		name := "id"
		if strings.HasPrefix(path, "/when") {
			name = "d"
		}
		if !contains(r.body, `"name":"`+name+`"`) {
			x.Errorf("%s: the answer does not name the parameter: %s", path, r.body)
		}
		for _, inner := range []string{"int32", "strconv", "time.Duration", "ParseInt", "runtimetest"} {
			if contains(r.body, inner) {
				x.Errorf("%s: the answer tells of the inside: %s", path, r.body)
			}
		}
	}
	if got := s.get("/id/-2147483648", 200).body; got != `"id=-2147483648"` {
		x.Errorf("got %s", got)
	}
}

// pathFault asks for parameters that the pattern does not have.
func pathFault(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/none", func(c *tako.Context) error {
			id, err := tako.Extract[tako.Path[int64]](c)
			if err != nil {
				return err
			}
			return c.Text(200, itoa(int(id.Value)))
		})
	})
	if r := s.get("/none", 500); contains(r.body, "pattern") || contains(r.body, "int64") {
		x.Errorf("the answer tells of the inside: %s", r.body)
	}
}
