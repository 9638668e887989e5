package tako

import (
	"fmt"
	"net/http"
	"reflect"
	"time"
)

// Operation is the record of a route: what listings, documents and clients read
// and route options write. It is not changed once the router is built.
type Operation struct {
	// Method is "" for a route that serves every other method.
	Method string
	// Host is the host pattern, "" for any host.
	Host string
	// Pattern is the path pattern as registered, below the prefix of its group.
	Pattern string
	// Location is the file:line where the route was registered.
	Location string
	// Name is unique in a router and used to build URLs.
	Name string
	// Summary and Description document the operation.
	Summary, Description string
	// Tags group operations in documents.
	Tags []string
	// Inputs lists what a typed handler reads from the request.
	Inputs []Param
	// Body is the type that the request body is decoded into, nil if none is.
	Body reflect.Type
	// BodyMedia lists the media types the body may have; empty for those of the
	// codecs of the route.
	BodyMedia []string
	// BodyOptional says that the body may be absent.
	BodyOptional bool
	// Output is the type that a typed handler returns, nil for raw handlers.
	Output reflect.Type
	// Responses lists what the operation answers, beside what Output tells.
	Responses []Response
	// Security lists what the operation wants the client to prove.
	Security []Requirement
	// Errors are those that Throws declared.
	Errors []error
	// Hidden keeps the operation out of documents.
	Hidden bool
	// Deprecated marks an operation that clients should leave.
	Deprecated bool

	handler   Handler
	typed     typedHandler
	timeout   *time.Duration
	bodyLimit *int64
	slash     *SlashPolicy
	protocols []Protocol
	features  []Feature
	use       []Middleware
	codecs    []Codec
	dispatch  DispatchMode
	needs     []reflect.Type // supplied values that extractors read
	allParams bool           // the input takes whatever parameters the pattern has
	bodies    []string       // inputs that read the body
	problems  []string       // what extractors found wrong with their types
	failures  []Failure
	examples  []BodyExample
	callbacks []Called
	values    []value
}

// Param is one input of an operation outside the body.
type Param struct {
	// In is "path", "query", "header" or "cookie".
	In string
	// Name is the name on the wire.
	Name string
	// Type is the Go type it is parsed into.
	Type reflect.Type
	// Doc is the text of the field's doc tag.
	Doc string
	// Default is the text used when the parameter is absent, "" for none.
	Default string
	// Required says that absence is an error.
	Required bool
	// Tag is the tag of the field, with the constraints of the value.
	Tag reflect.StructTag
}

// An Option describes or adjusts one route.
type Option func(*Operation)

// apply runs the options of a registration.
func (op *Operation) apply(options []Option) {
	for _, option := range options {
		if option == nil {
			op.problems = append(op.problems, "an option is nil")
			continue
		}
		option(op)
	}
}

// once sets what a route can have one of.
func once[T any](op *Operation, field **T, value T, name string) {
	if *field != nil {
		op.problems = append(op.problems, name+" set twice")
	}
	*field = &value
}

// String returns method and pattern.
func (op *Operation) String() string {
	if op.Method == "" {
		return op.Host + op.Pattern
	}
	return op.Method + " " + op.Host + op.Pattern
}

// Name gives the route a name for [Router.URL].
func Name(name string) Option { return func(op *Operation) { op.Name = name } }

// Summary documents the operation in one line.
func Summary(text string) Option { return func(op *Operation) { op.Summary = text } }

// Describe documents the operation at length.
func Describe(text string) Option { return func(op *Operation) { op.Description = text } }

// Tags groups the operation in documents.
func Tags(tags ...string) Option { return func(op *Operation) { op.Tags = append(op.Tags, tags...) } }

// Deprecated marks the operation as one that clients should leave.
func Deprecated() Option { return func(op *Operation) { op.Deprecated = true } }

// Throws documents the errors an operation answers with.
func Throws(errs ...error) Option {
	return func(op *Operation) { op.Errors = append(op.Errors, errs...) }
}

// Timeout sets the route's timeout in place of its group's; zero turns it off.
// See [Router.Timeout].
func Timeout(d time.Duration) Option {
	return func(op *Operation) { once(op, &op.timeout, d, "timeout") }
}

// BodyLimit sets the route's body limit in bytes in place of its group's;
// [NoLimit] turns it off.
func BodyLimit(n int64) Option {
	return func(op *Operation) { once(op, &op.bodyLimit, n, "body limit") }
}

// TrailingSlash sets the route's slash policy in place of its group's.
func TrailingSlash(p SlashPolicy) Option {
	return func(op *Operation) {
		once(op, &op.slash, p, "trailing slash policy")
		if p > SlashSame {
			op.problems = append(op.problems, fmt.Sprintf("unknown trailing slash policy %d", p))
		}
	}
}

// OnlyProtocols guards the route: requests with another version of HTTP are
// answered 505 inside the group's middleware.
func OnlyProtocols(protocols ...Protocol) Option {
	return func(op *Operation) {
		if len(protocols) == 0 {
			op.problems = append(op.problems, "OnlyProtocols names no protocol")
		}
		op.protocols = append(op.protocols, protocols...)
		op.AddFailure(http.StatusHTTPVersionNotSupported, "the version of HTTP is not one that this operation is served over")
	}
}

// adjusted reports whether options did more than document.
func (op *Operation) adjusted() bool {
	return op.timeout != nil || op.bodyLimit != nil || op.slash != nil || op.protocols != nil ||
		op.use != nil || op.codecs != nil || op.dispatch != DispatchLearned || op.Name != ""
}

// WithCodec puts a codec for the bodies of this route in front of those of its
// groups.
func WithCodec(codec Codec) Option {
	return func(op *Operation) {
		if codec == nil || len(codec.MediaTypes()) == 0 {
			op.AddProblem("codec without a media type: MediaTypes must name one, since bodies are told apart by it")
			return
		}
		op.codecs = append(op.codecs, codec)
	}
}

// With puts middleware around this route alone, inside that of its groups.
func With(mws ...Middleware) Option {
	return func(op *Operation) { op.use = append(op.use, mws...) }
}
