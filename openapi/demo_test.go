package openapi_test

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
	"github.com/tako-go/tako/openapi"
)

// The demo has one of everything that a document can tell.

type size string

type reef struct {
	ID       int64             `json:"id" readOnly:"true" doc:"given by the server"`
	Name     string            `json:"name" required:"true" minLength:"1" maxLength:"80" example:"Osprey"`
	Depth    float64           `json:"depth" minimum:"0" doc:"in metres"`
	Size     size              `json:"size" enum:"small,large"`
	Tags     []string          `json:"tags" maxItems:"10"`
	Labels   map[string]string `json:"labels,omitempty"`
	Found    time.Time         `json:"found"`
	Parts    []reef            `json:"parts,omitempty"`
	Within   *reef             `json:"within,omitempty"`
	Password string            `json:"password,omitempty" format:"password" writeOnly:"true"`
}

type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

type listReefs struct {
	Ocean  string        `path:"ocean" doc:"name of an ocean"`
	Tags   []string      `query:"tag" doc:"all of them"`
	Limit  int           `query:"limit" default:"20" minimum:"1" maximum:"100"`
	After  *time.Time    `query:"after"`
	Within time.Duration `query:"within" default:"1h"`
	From   netip.Addr    `query:"from" deprecated:"true"`
	Trace  []string      `header:"X-Trace"`
	Accept string        `header:"Accept"`
	Theme  string        `cookie:"theme" enum:"light,dark"`
}

type login struct {
	User     string   `form:"user" required:"true" doc:"a name"`
	Password string   `form:"password" required:"true" format:"password"`
	Scopes   []string `form:"scope"`
}

type photo struct {
	Title string         `form:"title" required:"true" maxLength:"80"`
	Tags  []string       `form:"tag"`
	Photo extract.File   `file:"photo" required:"true" accept:"image/png,image/jpeg" maxSize:"5MiB" doc:"of the reef"`
	More  []extract.File `file:"more" maxItems:"3"`
}

type reefChanged struct {
	Body struct {
		ID   int64  `json:"id"`
		What string `json:"what"`
	}
}

var (
	errTaken = &tako.Error{Status: http.StatusConflict, Type: "https://reefs.example/problems/taken", Title: "name taken", Detail: "another reef has this name"}
	errFull  = tako.Errorf(http.StatusConflict, "the ocean is full")
	errAway  = tako.Errorf(http.StatusServiceUnavailable, "%s", "postgres at 10.0.0.7 is away").With("Retry-After", "60")
)

func token() tako.SecurityScheme {
	return tako.SecurityScheme{Name: "token", Type: "http", Scheme: "bearer", BearerFormat: "JWT", Doc: "from POST /login"}
}

func key() tako.SecurityScheme {
	return tako.SecurityScheme{Name: "api key", Type: "apiKey", In: "header", Param: "X-Api-Key"}
}

func oauth() tako.SecurityScheme {
	return tako.SecurityScheme{Name: "oauth", Type: "oauth2", Flows: map[string]tako.OAuthFlow{
		"clientCredentials": {TokenURL: "https://id.reefs.example/token", Scopes: map[string]string{"write": "change reefs", "read": "see reefs"}}}}
}

type member struct{ Name string }

// optionalKey is an extractor of an API key.
type optionalKey struct{ Value string }

func (k *optionalKey) Extract(c *tako.Context) error {
	k.Value = c.RequestHeader("X-Api-Key")
	if k.Value == "" {
		return tako.ErrAbsent
	}
	return nil
}

func (k *optionalKey) Describe(op *tako.Operation, _ string) {
	op.AddSecurity(tako.Requirement{Scheme: key()})
}

func do[I, O any](context.Context, I) (O, error) {
	var out O
	return out, nil
}

func nothing(c *tako.Context) error { return c.NoContent() }

func found(name string) reef {
	return reef{Name: name, Size: "small", Tags: []string{"coral"}, Found: time.Date(2030, 1, 2, 15, 4, 5, 0, time.UTC)}
}

func demo() (*tako.Router, openapi.Config) {
	app := tako.New()
	tako.Provide(app, func(_ context.Context, in struct {
		Name string `header:"X-Member" required:"true" doc:"who asks"`
	}) (member, error) {
		return member{in.Name}, nil
	})

	reefs := app.Group("/oceans/{ocean}/reefs")
	reefs.Describe(tako.Tags("reefs"), tako.Throws(errAway))
	reefs.Timeout(5 * time.Second)
	tako.Get(reefs, "/", do[listReefs, page[reef]], tako.Name("listReefs"), tako.Summary("List reefs"))
	tako.Post(reefs, "/", do[struct {
		Ocean string `path:"ocean"`
		By    member
		Body  reef
	}, tako.Created[reef]], tako.Summary("Add a reef"), tako.Describe("The name must be free."),
		tako.Throws(errTaken, errFull), tako.Secured(token()), tako.Secured(oauth(), "write"),
		tako.Example(map[string]any{"name": "Osprey", "depth": 12.5}), tako.Callback("changed", "{$request.query.callback}", changed()))
	tako.Get(reefs, "/{id}", do[struct {
		Ocean string `path:"ocean"`
		ID    int64  `path:"id" minimum:"1"`
		Key   tako.Optional[optionalKey]
	}, reef], tako.Throws(tako.NotFound("no such reef")), tako.Example(found("Osprey"), 200), tako.Example(found("Ribbon"), 200))
	tako.Delete(reefs, "/{name}", do[struct {
		Ocean string `path:"ocean"`
		Name  string `path:"name"`
	}, tako.NoContent], tako.Deprecated(), tako.Tags("admin"))
	reefs.Get("/{path...}", nothing, tako.Summary("What is below a reef"))

	tako.Post(app, "/login", do[tako.Form[login], struct{}], tako.Tags("users"))
	tako.Post(app, "/photos", do[struct{ Body []byte }, tako.Redirect])
	tako.Put(app, "/photos/{id}", do[struct {
		ID   string `path:"id" format:"uuid"`
		Form extract.MultipartForm[photo]
	}, tako.NoContent])
	app.Get("/photos/{id}", nothing, tako.ReturnsMedia(200, "the photo", "image/jpeg", "image/png"), tako.ReturnsMedia(304, ""))
	app.Post("/raw", nothing, tako.Takes[reef]("application/json", "application/cbor"), tako.Returns[[]reef](200, "all of them"),
		tako.Reads(tako.Param{In: "query", Name: "dry", Doc: "changes nothing"}))
	app.Handle("PURGE", "/photos/{id}", nothing, tako.ReturnsMedia(204, ""))
	app.Get("/reefs/socket", nothing, tako.Needs(tako.NeedsUpgrade))
	app.Get("/reefs/session", nothing, tako.Needs(tako.NeedsWebTransport), tako.ReturnsMedia(200, "the session is open"))
	app.Any("/proxy/{rest...}", nothing)
	app.Get("/proxy/{rest...}", nothing, tako.Name("readThroughProxy"))
	app.Get("/secret", nothing, tako.Hidden())
	app.Host("{tenant}.reefs.example").Get("/raw", nothing)
	app.Host("{tenant}.reefs.example").Post("/raw", nothing)
	app.Get("/{$}", nothing)
	return app, demoConfig()
}

func changed() *tako.Operation {
	op, err := tako.Describes[reefChanged, struct{}]("POST", tako.Summary("A reef has changed"))
	if err != nil {
		panic(err)
	}
	return op
}

func demoConfig() openapi.Config {
	return openapi.Config{
		Title: "Reefs", Version: "1.4.0", Summary: "Reefs and who looks after them", Description: "All the *reefs*.",
		TermsOfService: "https://reefs.example/terms", Contact: &openapi.Contact{Name: "Keepers", Email: "keepers@reefs.example"},
		License: &openapi.License{Name: "Apache 2.0", Identifier: "Apache-2.0"},
		Servers: []openapi.Server{
			{URL: "https://api.reefs.example:8443", Description: "live"},
			{URL: "https://{region}.reefs.example", Variables: []openapi.Variable{{Name: "region", Default: "eu", Enum: []string{"eu", "au"}}}},
		},
		Tags:         []openapi.Tag{{Name: "users", Description: "Who is who.", ExternalDocs: &openapi.Link{URL: "https://reefs.example/users"}}},
		ExternalDocs: &openapi.Link{URL: "https://reefs.example/docs", Description: "Guide"},
		Webhooks:     []tako.Called{{Name: "reef changed", Operation: changed()}},
	}
}
