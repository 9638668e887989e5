package main

import (
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/examples/octopus/account"
	"github.com/tako-go/tako/examples/octopus/reef"
	"github.com/tako-go/tako/examples/octopus/upload"
	"github.com/tako-go/tako/middleware"
	"github.com/tako-go/tako/middleware/compress"
	"github.com/tako-go/tako/stream/sse"
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
	hubs     *hubs
	progress *sse.Uploads
	reach    transports // set before it is served
	meter    meter
	began    time.Time

	profileAt tako.Route[byName, account.User]
	reefAt    tako.Route[byReef, reef.Reef]
	messageAt tako.Route[byMessage, reef.Message]
	removeAt  tako.Route[removeFile, tako.NoContent]
}

func newService(cost int) (*service, error) {
	uploads, err := upload.New()
	if err != nil {
		return nil, err
	}
	s := &service{accounts: account.New(cost), reefs: reef.New(), uploads: uploads, began: time.Now(), hubs: newHubs(), progress: newProgress()}
	s.reefs.Observe(s.hubs.tell)
	return s, nil
}

// close removes what the service left on disk.
func (s *service) close() error { return s.uploads.Close() }

// contentPolicy lets the page load what the binary serves and nothing else.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; " +
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
	addProbes(r)
	addDocument(r)
	s.addPage(r)
	s.addFiles(r)

	api := s.group(r, compress.Responses(compress.Config{}), middleware.ETag())
	s.addAccounts(api)
	s.addReefs(api)
	s.addMessages(api)
	s.addUploads(api)
	s.addTransports(api)
	s.addStats(api)
	addRoutes(api, r)

	// What does not end would hold an encoder for each client.
	live := s.group(r)
	s.addLive(live)
	s.addEvents(live)
	s.addSocket(live)
	s.addSession(live)
	s.addProgress(live)
	return r
}

// group is a part of the API. Compression leaves requests with a token alone, as their answers may
// have secrets in them.
func (s *service) group(r *tako.Router, stages ...tako.Middleware) *tako.Router {
	api := r.Group("/api/v1", stages...)
	api.Timeout(10 * time.Second)
	api.BodyLimit(maxJSON)
	api.OnError(explain)
	tako.Provide(api, s.authenticate)
	return api
}

// addProbes adds what balancers and supervisors ask.
func addProbes(r *tako.Router) {
	tag := tako.Tags("service")
	alive := func(c *tako.Context) error { return c.Text(200, "ok\n") }
	r.Get("/healthz", alive, tag, tako.Name("alive"), tako.Summary("Is the process alive?"),
		tako.Describe("It answers as long as requests are served at all."), tako.Returns[string](200, "", "text/plain"))
	r.Get("/ready", tako.Ready(), tag, tako.Name("ready"), tako.Summary("May new clients come?"),
		tako.Describe("They may not while the service drains."), tako.Returns[string](200, "", "text/plain"),
		tako.Returns[string](503, "The service drains.", "text/plain"))
}

// isProbe is true for requests that would fill the log.
func isProbe(c *tako.Context) bool { return c.Pattern() == "/healthz" || c.Pattern() == "/ready" }
