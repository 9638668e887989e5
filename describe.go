package tako

import (
	"net/http"
	"reflect"
)

// Response is one answer of an operation, for documents.
type Response struct {
	// Status is the status; 0 stands for every status that is not listed.
	Status int
	// Doc says when it is given; the text of the status if empty.
	Doc string
	// Type is what the body is encoded from, nil if there is no body, or none of
	// a Go type: then Media alone tells what it is.
	Type reflect.Type
	// Media lists the media types of the body; empty for those of the codecs of
	// the route, if there is a Type.
	Media []string
	// Header lists fields of the response; In is "header".
	Header []Param
	// Example is a value of the body.
	Example any
}

// SecurityScheme is one way for a client to prove who it is, in the terms of
// OpenAPI 3.1.
type SecurityScheme struct {
	// Name is what documents call the scheme. Schemes of the same name are the
	// same.
	Name string
	// Type is "http", "apiKey", "mutualTLS", "oauth2" or "openIdConnect".
	Type string
	// Scheme is the authentication scheme of type "http", such as "basic".
	Scheme string
	// BearerFormat is what kind of token a bearer brings, such as "JWT".
	BearerFormat string
	// In is where an "apiKey" stands: "header", "query" or "cookie".
	In string
	// Param is the name of the header, query parameter or cookie.
	Param string
	// URL is the discovery document of type "openIdConnect".
	URL string
	// Flows are those of type "oauth2", by "authorizationCode",
	// "clientCredentials", "implicit" and "password".
	Flows map[string]OAuthFlow
	// Doc describes the scheme.
	Doc string
}

// OAuthFlow is one flow of a [SecurityScheme] of type "oauth2".
type OAuthFlow struct {
	// AuthorizationURL is where users are sent, for flows that have it.
	AuthorizationURL string
	// TokenURL is where tokens are given, for flows that have it.
	TokenURL string
	// RefreshURL is where tokens are renewed; optional.
	RefreshURL string
	// Scopes are the names of scopes with what they are for.
	Scopes map[string]string
}

// Requirement is a scheme that an operation wants.
type Requirement struct {
	// Scheme is how the client proves itself.
	Scheme SecurityScheme
	// Scopes are those it needs; for "oauth2" and "openIdConnect".
	Scopes []string
	// Optional says that the operation can do without.
	Optional bool
}

// AddParam records an input. Extractors call it to describe themselves.
func (op *Operation) AddParam(p Param) { op.Inputs = append(op.Inputs, p) }

// AddBody records that the input called name reads the request body into t, from
// the media types given, or from those of the codecs of the route. t is nil where
// it is read as it comes. Two inputs that read the body are a mistake, reported
// when the router is built.
func (op *Operation) AddBody(name string, t reflect.Type, media ...string) {
	op.bodies = append(op.bodies, name)
	op.Body, op.BodyMedia = t, media
}

// AddResponse records an answer. One of a status that was recorded before
// replaces it.
func (op *Operation) AddResponse(r Response) {
	for i := range op.Responses {
		if op.Responses[i].Status == r.Status {
			op.Responses[i] = r
			return
		}
	}
	op.Responses = append(op.Responses, r)
}

// AddFailure records that the operation may fail with a status, and when. Several
// reasons for one status are all kept.
func (op *Operation) AddFailure(status int, when string) {
	op.failures = append(op.failures, Failure{status, when})
}

// Failure is a status that an operation answers with, and when.
type Failure struct {
	// Status is 400 to 599.
	Status int
	// When says what leads to it.
	When string
}

// Failures lists what AddFailure has recorded.
func (op *Operation) Failures() []Failure { return op.failures }

// AddSecurity records what the client has to prove.
func (op *Operation) AddSecurity(r Requirement) {
	op.Security = append(op.Security, r)
	if !r.Optional {
		op.AddFailure(http.StatusUnauthorized, "the credentials are missing or wrong")
	}
}

// AddProblem records a mistake in a type that an extractor was made with; the
// router then does not build.
func (op *Operation) AddProblem(text string) { op.problems = append(op.problems, text) }

// NeedsSupply records that the operation reads a supplied value of type t.
// Without it the router does not build.
func (op *Operation) NeedsSupply(t reflect.Type) { op.needs = append(op.needs, t) }

// TakesAllParams records that the input reads path parameters by name at run
// time, whatever the pattern has.
func (op *Operation) TakesAllParams() { op.allParams = true }

// Hidden keeps the operation out of documents. It is served as ever.
func Hidden() Option { return func(op *Operation) { op.Hidden = true } }

// Secured documents that middleware around the operation wants the client to
// prove itself. It checks nothing.
func Secured(scheme SecurityScheme, scopes ...string) Option {
	return func(op *Operation) { op.AddSecurity(Requirement{Scheme: scheme, Scopes: scopes}) }
}

// Reads documents an input that a raw handler reads by itself.
func Reads(p Param) Option { return func(op *Operation) { op.AddParam(p) } }

// Takes documents that a raw handler reads the request body: a T in one of the
// media types, or of the codecs of the route if none is given.
func Takes[T any](media ...string) Option {
	return func(op *Operation) { op.AddBody("Takes", reflect.TypeFor[T](), media...) }
}

// TakesMedia documents that a raw handler reads a request body of one of these
// media types as it comes.
func TakesMedia(media ...string) Option {
	return func(op *Operation) { op.AddBody("TakesMedia", nil, media...) }
}

// Returns documents an answer whose body is a T in one of the media types, or of
// the codecs of the route if none is given.
func Returns[T any](status int, doc string, media ...string) Option {
	return func(op *Operation) {
		op.AddResponse(Response{Status: status, Doc: doc, Type: reflect.TypeFor[T](), Media: media})
	}
}

// ReturnsMedia documents an answer whose body has one of these media types; none
// for an answer without a body.
func ReturnsMedia(status int, doc string, media ...string) Option {
	return func(op *Operation) { op.AddResponse(Response{Status: status, Doc: doc, Media: media}) }
}

// Example documents a value of the request body; with a status, one of the body
// of that answer.
func Example(v any, status ...int) Option {
	return func(op *Operation) { op.examples = append(op.examples, BodyExample{v, status}) }
}

// BodyExample is what [Example] has recorded.
type BodyExample struct {
	// Value is the example.
	Value any
	// Statuses are those of the answers it is of; empty for the request.
	Statuses []int
}

// Examples lists what [Example] has recorded.
func (op *Operation) Examples() []BodyExample { return op.examples }

// Callback documents that the operation calls the client back: what it sends, as
// if it were an operation of the client. expression is where it is sent, such as
// {$request.body#/callbackUrl} (OpenAPI 3.1, Callback Object).
func Callback(name, expression string, called *Operation) Option {
	return func(op *Operation) {
		if called == nil {
			op.AddProblem("callback " + name + " is nil")
			return
		}
		op.callbacks = append(op.callbacks, Called{name, expression, called})
	}
}

// Called is a callback of an operation, or a webhook.
type Called struct {
	// Name is what documents call it.
	Name string
	// Expression is where it is sent; "" for a webhook.
	Expression string
	// Operation is what is sent and what must be answered.
	Operation *Operation
}

// Callbacks lists what [Callback] has recorded.
func (op *Operation) Callbacks() []Called { return op.callbacks }

// Describes returns the record of an operation that somebody else serves: a
// callback or a webhook with input I, whose receiver answers an O. Mistakes in
// the types are returned.
func Describes[I, O any](method string, options ...Option) (*Operation, error) {
	op, log := &Operation{Method: method, Pattern: "/", Location: callSite()}, new(mistakes)
	compileInput(op, log, reflect.TypeFor[I]())
	compileOutput(op, log, reflect.TypeFor[O]())
	op.Output = reflect.TypeFor[O]()
	op.apply(options)
	for _, problem := range op.problems {
		log.add(op.Location, "%s: %s", op, problem)
	}
	return op, log.err()
}
