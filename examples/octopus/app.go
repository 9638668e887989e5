package main

import (
	"errors"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/examples/octopus/account"
	"github.com/tako-go/tako/examples/octopus/reef"
	"github.com/tako-go/tako/examples/octopus/upload"
	"github.com/tako-go/tako/middleware"
)

const (
	maxUpload = 16 << 20
	maxJSON   = 64 << 10
)

// service is the stores and what the handlers share.
type service struct {
	accounts *account.Store
	reefs    *reef.Store
	uploads  *upload.Store
	meter    meter
	began    time.Time

	profileAt tako.Route[byName, account.User]
	reefAt    tako.Route[byReef, reef.Reef]
	messageAt tako.Route[byMessage, reef.Message]
}

func newService(cost int) (*service, error) {
	uploads, err := upload.New()
	if err != nil {
		return nil, err
	}
	return &service{accounts: account.New(cost), reefs: reef.New(), uploads: uploads, began: time.Now()}, nil
}

// close removes what the service left on disk.
func (s *service) close() error { return s.uploads.Close() }

// contentPolicy lets the page load what the binary serves and nothing else.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// app puts the parts together. Each is a file with its handlers and one function
// that adds them; a store, if it needs one, is a folder.
func (s *service) app() *tako.Router {
	r := tako.New()
	r.Use(
		middleware.RequestID(),
		middleware.AccessLogWith(middleware.AccessLogConfig{Skip: isProbe}),
		s.meter.count,
		middleware.Recover(),
		middleware.SecurityHeadersWith(middleware.SecurityConfig{ContentSecurityPolicy: contentPolicy, OpenerPolicy: "same-origin"}),
	)
	r.Get("/healthz", func(c *tako.Context) error { return c.Text(200, "ok\n") }, tako.Summary("Is the process alive?"))
	r.Get("/ready", tako.Ready(), tako.Summary("May new clients come?"))
	s.addPage(r)

	api := r.Group("/api/v1", middleware.ETag())
	api.Timeout(10 * time.Second)
	api.BodyLimit(maxJSON)
	api.OnError(explain)
	tako.Provide(api, s.authenticate)
	members := api.Group("", membersOnly)

	s.addAccounts(api, members)
	s.addReefs(api, members)
	s.addMessages(api, members)
	s.addLive(api)
	s.addUploads(api, members)
	s.addStats(api)
	addRoutes(api, r)
	return r
}

// isProbe is true for requests that would fill the log.
func isProbe(c *tako.Context) bool { return c.Pattern() == "/healthz" || c.Pattern() == "/ready" }

// kinds says what the errors of the stores mean to a client.
var kinds = []struct {
	err    error
	status int
	kind   string
}{
	{account.ErrTaken, 409, "name-taken"},
	{account.ErrUnknown, 404, "no-such-user"},
	{account.ErrRefused, 401, "wrong-credentials"},
	{account.ErrFull, 507, "full"},
	{reef.ErrNoReef, 404, "no-such-reef"},
	{reef.ErrNoMessage, 404, "no-such-message"},
	{reef.ErrTaken, 409, "reef-taken"},
	{reef.ErrNotYours, 403, "not-yours"},
	{reef.ErrFull, 507, "full"},
	{upload.ErrNoFile, 404, "no-such-file"},
	{upload.ErrNotYours, 403, "not-yours"},
	{upload.ErrFull, 507, "full"},
}

// explain makes problem documents of the errors of the stores and adds the id of
// the request, for those who ask for help. Rendering is left to the framework.
func explain(c *tako.Context, err error) error {
	problem := *tako.AsError(err)
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			problem = tako.Error{Status: k.status, Type: "/problems/" + k.kind, Detail: k.err.Error(), Err: err}
			if k.status == 401 {
				problem.With("WWW-Authenticate", challenge)
			}
		}
	}
	problem.Extra = map[string]any{"requestId": middleware.RequestIDOf(c)}
	return &problem
}
