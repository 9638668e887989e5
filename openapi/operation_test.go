package openapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/openapi"
)

// operationOf builds a router of one route and returns its operation.
func operationOf(t *testing.T, register func(*tako.Router)) any {
	t.Helper()
	app := tako.New()
	register(app)
	doc := build(t, app, openapi.Config{})
	for _, item := range at(doc, "paths").(map[string]any) {
		for _, op := range item.(map[string]any) {
			return op
		}
	}
	t.Fatal("the document has no operation")
	return nil
}

// params returns the parameters of an operation by place and name.
func params(op any) map[string]any {
	list, _ := at(op, "parameters").([]any)
	named := map[string]any{}
	for _, p := range list {
		named[at(p, "in").(string)+" "+at(p, "name").(string)] = p
	}
	return named
}

func TestParameters(t *testing.T) {
	op := operationOf(t, func(app *tako.Router) {
		app.Describe(tako.Reads(tako.Param{In: "header", Name: "x-tenant", Doc: "of the group"}), tako.Reads(tako.Param{In: "query", Name: "page"}))
		tako.Get(app, "/a/{id}", do[struct {
			ID      string         `path:"id"`
			Page    *int           `query:"page" doc:"which" deprecated:"true" maximum:"9"`
			Sizes   []int          `query:"size" maxItems:"3" items.minimum:"1"`
			Wait    *time.Duration `query:"wait"`
			Tenant  string         `header:"X-Tenant" required:"true"`
			Names   []string       `header:"X-Name"`
			Session string         `cookie:"session"`
			Type    string         `header:"Content-Type"`
			Auth    string         `header:"Authorization"`
		}, struct{}])
	})
	got := params(op)
	assert.Equal(t, slices.Sorted(maps.Keys(got)), []string{"cookie session", "header X-Name", "header X-Tenant", "path id", "query page", "query size", "query wait"})
	assert.Equal(t, got["query page"], any(map[string]any{"name": "page", "in": "query", "description": "which", "deprecated": true,
		"schema": map[string]any{"type": "integer", "format": "int64", "maximum": 9.0}}))
	assert.Equal(t, got["query size"], any(map[string]any{"name": "size", "in": "query", "style": "form", "explode": true,
		"schema": map[string]any{"type": "array", "maxItems": 3.0, "items": map[string]any{"type": "integer", "format": "int64", "minimum": 1.0}}}))
	assert.Equal(t, at(got["query wait"], "schema", "type"), any("string"))
	assert.Equal(t, got["header X-Tenant"], any(map[string]any{"name": "X-Tenant", "in": "header", "required": true, "schema": map[string]any{"type": "string", "minLength": 1.0}}))
	assert.Equal(t, at(got["header X-Name"], "explode"), nil, "lists of headers are simple")
	assert.Equal(t, got["path id"], any(map[string]any{"name": "id", "in": "path", "required": true, "schema": map[string]any{"type": "string"}}))
}

// A required value is there only if it is not empty, where the wire cannot tell the two
// apart.
func TestRequiredText(t *testing.T) {
	op := operationOf(t, func(app *tako.Router) {
		tako.Post(app, "/a", do[struct {
			Long   string   `header:"X-Long" required:"true" minLength:"3"`
			Zero   string   `header:"X-Zero" required:"true" minLength:"0"`
			Color  string   `header:"X-Color" required:"true" enum:"red,green"`
			Count  int      `header:"X-Count" required:"true"`
			May    string   `header:"X-May"`
			Names  []string `header:"X-Name" required:"true"`
			Tags   []string `query:"tag" required:"true"`
			Some   []string `query:"some" required:"true" minItems:"2"`
			Others []string `query:"other"`
			Q      string   `query:"q" required:"true"`
			C      string   `cookie:"c" required:"true"`
		}, struct {
			Trace string `header:"X-Trace" required:"true"`
		}])
	})
	got := params(op)
	for name, want := range map[string]string{
		"header X-Long": "minLength 3", "header X-Zero": "minLength 1", "header X-Color": "minLength <nil>", "header X-Count": "minLength <nil>",
		"header X-May": "minLength <nil>", "header X-Name": "minItems 1", "query tag": "minItems 1", "query some": "minItems 2",
		"query other": "minItems <nil>", "query q": "minLength <nil>", "cookie c": "minLength <nil>",
	} {
		keyword, _, _ := strings.Cut(want, " ")
		assert.Equal(t, fmt.Sprint(keyword, " ", at(got[name], "schema", keyword)), want, name)
	}
	assert.Equal(t, at(got["header X-Name"], "schema", "items", "minLength"), any(1.0))
	assert.Equal(t, at(got["query tag"], "schema", "items", "minLength"), nil)
	assert.Equal(t, at(op, "responses", "200", "headers", "X-Trace", "schema", "minLength"), nil)
}

// What is read as true and false is more than a boolean.
func TestBooleanText(t *testing.T) {
	op := operationOf(t, func(app *tako.Router) {
		tako.Post(app, "/a", do[struct {
			Plain bool   `query:"plain"`
			Told  *bool  `query:"told" doc:"Which."`
			Many  []bool `query:"many"`
			N     int    `query:"n" doc:"How many."`
			Form  tako.Form[struct {
				B bool `form:"b" doc:"That one."`
			}]
		}, struct{}])
	})
	const note = "1 and 0 are read as true and false."
	got := params(op)
	assert.Equal(t, at(got["query plain"], "description"), any(note))
	assert.Equal(t, at(got["query told"], "description"), any("Which.\n\n"+note))
	assert.Equal(t, at(got["query many"], "description"), any(note))
	assert.Equal(t, at(got["query n"], "description"), any("How many."))
	form := at(op, "requestBody", "content", "application/x-www-form-urlencoded", "schema", "properties", "b")
	assert.Equal(t, form, any(map[string]any{"description": "That one.\n\n" + note, "type": "boolean"}))
}

// How many files there may be is told as it is checked.
func TestFileLists(t *testing.T) {
	op := operationOf(t, func(app *tako.Router) {
		tako.Post(app, "/a", do[extract.MultipartForm[struct {
			Two  []extract.File `file:"two" maxItems:"2"`
			More []extract.File `file:"more" minItems:"2" maxItems:"3" required:"true"`
			Must []extract.File `file:"must" required:"true"`
			Any  []extract.File `file:"any"`
		}], struct{}])
	})
	properties := at(op, "requestBody", "content", "multipart/form-data", "schema", "properties")
	one := map[string]any{"type": "string", "format": "binary"}
	assert.Equal(t, properties, any(map[string]any{
		"two":  map[string]any{"type": "array", "items": one, "maxItems": 2.0},
		"more": map[string]any{"type": "array", "items": one, "minItems": 2.0, "maxItems": 3.0},
		"must": map[string]any{"type": "array", "items": one, "minItems": 1.0},
		"any":  map[string]any{"type": "array", "items": one},
	}))
}

// TestSwitching: routes that switch protocols say so where nobody else has.
func TestSwitching(t *testing.T) {
	answers := func(options ...tako.Option) []string {
		op := operationOf(t, func(app *tako.Router) { app.Get("/", nothing, options...) })
		return slices.Sorted(maps.Keys(at(op, "responses").(map[string]any)))
	}
	assert.Equal(t, answers(tako.Needs(tako.NeedsUpgrade)), []string{"101", "200", "426", "default"})
	assert.Equal(t, answers(tako.Needs(tako.NeedsWebTransport)), []string{"200", "4XX", "501", "default"})
	assert.Equal(t, answers(tako.Needs(tako.NeedsFullDuplex)), []string{"2XX", "4XX", "default"})
	op := operationOf(t, func(app *tako.Router) {
		app.Get("/", nothing, tako.ReturnsMedia(101, "mine"), tako.Needs(tako.NeedsUpgrade), tako.Throws(tako.Errorf(426, "mine too")))
	})
	assert.Equal(t, at(op, "responses", "101", "description"), any("mine"))
	assert.Equal(t, at(op, "responses", "426", "description"), any("Mine too"))
}

func TestBodies(t *testing.T) {
	tests := []struct {
		name     string
		register func(*tako.Router)
		media    []string
		required any
	}{
		{"typed", func(r *tako.Router) { tako.Post(r, "/", do[struct{ Body reef }, struct{}]) }, []string{"application/json"}, true},
		{"pointer", func(r *tako.Router) { tako.Post(r, "/", do[struct{ Body *reef }, struct{}]) }, []string{"application/json"}, nil},
		{"optional", func(r *tako.Router) { tako.Post(r, "/", do[tako.Optional[tako.JSON[reef]], struct{}]) }, []string{"application/json"}, nil},
		{"bytes", func(r *tako.Router) { tako.Post(r, "/", do[struct{ Body []byte }, struct{}]) }, []string{"application/octet-stream"}, true},
		{"reader", func(r *tako.Router) { tako.Post(r, "/", do[struct{ Body io.Reader }, struct{}]) }, []string{"application/octet-stream"}, true},
		{"form", func(r *tako.Router) { tako.Post(r, "/", do[tako.Form[login], struct{}]) }, []string{"application/x-www-form-urlencoded"}, true},
		{"raw", func(r *tako.Router) { r.Post("/", nothing, tako.TakesMedia("image/png", "text/csv")) }, []string{"image/png", "text/csv"}, true},
		{"codec", func(r *tako.Router) {
			tako.Post(r, "/", do[struct{ Body reef }, struct{}], tako.WithCodec(codec{}))
		}, []string{"application/json", "application/x-reef"}, true},
	}
	for _, tt := range tests {
		body := at(operationOf(t, tt.register), "requestBody")
		content, _ := at(body, "content").(map[string]any)
		assert.Equal(t, slices.Sorted(maps.Keys(content)), tt.media, tt.name)
		assert.Equal(t, at(body, "required"), tt.required, tt.name)
	}
}

type codec struct{ tako.JSONCodec }

func (codec) MediaTypes() []string { return []string{"application/x-reef"} }

func TestPatches(t *testing.T) {
	op := operationOf(t, func(r *tako.Router) {
		r.Patch("/", nothing, tako.Takes[reef]("application/merge-patch+json", "application/json-patch+json"))
	})
	merge := at(op, "requestBody", "content", "application/merge-patch+json", "schema")
	assert.Equal(t, at(merge, "required"), nil, "all members may be left out")
	assert.Equal(t, at(merge, "properties", "depth", "anyOf").([]any)[1], any(map[string]any{"type": "null"}))
	wants := map[string]string{}
	for _, step := range at(op, "requestBody", "content", "application/json-patch+json", "schema", "items", "oneOf").([]any) {
		for _, name := range at(step, "properties", "op", "enum").([]any) {
			wants[name.(string)] = fmt.Sprint(at(step, "required"))
		}
	}
	assert.Equal(t, wants, map[string]string{"add": "[op path value]", "replace": "[op path value]", "test": "[op path value]",
		"move": "[op path from]", "copy": "[op path from]", "remove": "[op path]"})
}

// The members of an object inside may be left out as well, and one that is required
// cannot be removed.
func TestMergePatchInside(t *testing.T) {
	type place struct {
		Sea   string `json:"sea" required:"true"`
		Depth int    `json:"depth" required:"true"`
	}
	type reefs struct {
		Name  string  `json:"name" required:"true"`
		Place place   `json:"place"`
		Next  *reefs  `json:"next"`
		List  []place `json:"list"`
	}
	op := operationOf(t, func(r *tako.Router) { r.Patch("/", nothing, tako.Takes[reefs]("application/merge-patch+json")) })
	merge := at(op, "requestBody", "content", "application/merge-patch+json", "schema", "properties")
	assert.Equal(t, at(merge, "name"), any(map[string]any{"type": "string"}))
	inside := at(merge, "place", "anyOf").([]any)[0]
	assert.Equal(t, at(inside, "required"), nil)
	assert.Equal(t, at(inside, "properties", "sea"), any(map[string]any{"type": "string"}))
}

func TestRawSchemas(t *testing.T) {
	op := operationOf(t, func(r *tako.Router) {
		r.Post("/", nothing, tako.TakesMedia("text/csv", "application/geo+json", "image/png"), tako.Example("a,b"))
	})
	content := at(op, "requestBody", "content")
	assert.Equal(t, at(content, "text/csv"), any(map[string]any{"schema": map[string]any{"type": "string"}, "example": "a,b"}))
	assert.Equal(t, at(content, "application/geo+json"), any(map[string]any{"schema": map[string]any{}, "example": "a,b"}))
	assert.Equal(t, at(content, "image/png"), any(map[string]any{"schema": map[string]any{"type": "string", "format": "binary"}}))
}

func TestResponses(t *testing.T) {
	op := operationOf(t, func(app *tako.Router) {
		app.Describe(tako.ReturnsMedia(200, "of the group", "text/plain"), tako.ReturnsMedia(202, "later"))
		app.Get("/", nothing, tako.Returns[reef](200, "one"), tako.ReturnsMedia(0, "anything else", "text/plain"),
			func(op *tako.Operation) {
				op.AddResponse(tako.Response{Status: 206, Media: []string{"image/png"}, Header: []tako.Param{
					{In: "header", Name: "Content-Type"}, {In: "header", Name: "Content-Range", Doc: "which part", Required: true}}})
				op.AddFailure(412, "somebody was faster")
				op.AddFailure(412, "the tag is unknown")
				op.AddFailure(304, "nothing is new")
			})
	})
	got := at(op, "responses").(map[string]any)
	assert.Equal(t, slices.Sorted(maps.Keys(got)), []string{"200", "202", "206", "304", "412", "default"})
	assert.Equal(t, at(got, "200", "description"), any("one"))
	assert.Equal(t, at(got, "206", "headers"), any(map[string]any{"Content-Range": map[string]any{
		"description": "which part", "required": true, "schema": map[string]any{"type": "string"}}}))
	assert.Equal(t, at(got, "304"), any(map[string]any{"description": "Nothing is new"}))
	assert.Equal(t, at(got, "412", "description"), any("- Somebody was faster\n- The tag is unknown"))
	assert.Equal(t, at(got, "default", "description"), any("anything else"))
}

func TestAutomaticFailures(t *testing.T) {
	statuses := func(register func(*tako.Router)) string {
		return strings.Join(slices.Sorted(maps.Keys(at(operationOf(t, register), "responses").(map[string]any))), " ")
	}
	assert.Equal(t, statuses(func(r *tako.Router) { tako.Get(r, "/", do[struct{}, struct{}]) }), "204 4XX default")
	assert.Equal(t, statuses(func(r *tako.Router) {
		tako.Get(r, "/{id}", do[struct {
			ID string `path:"id"`
		}, struct{}])
	}), "204 400 default")
	assert.Equal(t, statuses(func(r *tako.Router) {
		tako.Get(r, "/{id}", do[struct {
			ID string `path:"id" maxLength:"3"`
		}, struct{}])
	}), "204 400 422 default")
	assert.Equal(t, statuses(func(r *tako.Router) {
		r.Timeout(time.Second)
		r.BodyLimit(tako.NoLimit)
		tako.Post(r, "/", do[struct{ Body reef }, reef])
	}), "200 400 415 422 503 default")
	assert.Equal(t, statuses(func(r *tako.Router) { r.Post("/", nothing, tako.Throws(errors.New("private"))) }), "2XX 4XX 500 default")
}

func TestCallbacksAndWebhooks(t *testing.T) {
	op := operationOf(t, func(app *tako.Router) {
		app.Post("/hooks", nothing, tako.Name("subscribe"), tako.Callback("changed", "{$request.body#/url}", changed()), tako.Callback("gone", "{$request.body#/url}", changed()))
	})
	called := at(op, "callbacks", "changed", "{$request.body#/url}", "post")
	assert.Equal(t, at(called, "operationId"), any("subscribeChanged"))
	assert.Equal(t, at(called, "responses"), any(map[string]any{"204": map[string]any{"description": "No Content"}}), "the receiver has no failures of ours")
	if at(op, "callbacks", "gone") == nil {
		t.Error("the second callback is missing")
	}
	app := tako.New()
	app.Get("/", nothing)
	if _, err := openapi.Build(app, openapi.Config{Webhooks: []tako.Called{{Name: "nothing"}}}); err == nil {
		t.Error("got no error for a webhook without an operation")
	}
}

// A type of the service that is called like one of this package keeps apart from it.
type Problem struct {
	Sum int `json:"sum"`
}

func TestTypesCalledProblem(t *testing.T) {
	op := operationOf(t, func(app *tako.Router) { tako.Get(app, "/", do[struct{}, Problem]) })
	own := at(op, "responses", "200", "content", "application/json", "schema", "$ref")
	if own == nil || own == any("#/components/schemas/Problem") {
		t.Errorf("the type of the service has the reference %v", own)
	}
}

func TestProvidedInputs(t *testing.T) {
	op := operationOf(t, func(app *tako.Router) {
		tako.Provide(app, func(_ context.Context, in struct {
			Name string `header:"X-Member"`
			Key  optionalKey
		}) (member, error) {
			return member{in.Name}, nil
		})
		tako.Get(app, "/", do[struct{ By member }, struct{}])
	})
	assert.Equal(t, slices.Collect(maps.Keys(params(op))), []string{"header X-Member"})
	assert.Equal(t, at(op, "security"), any([]any{map[string]any{"api_key": []any{}}}))
}
