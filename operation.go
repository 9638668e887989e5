package tako

import (
	"fmt"
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
	// Output is the type that a typed handler returns, nil for raw handlers.
	Output reflect.Type
	// Errors are those that Throws declared.
	Errors []error
	// Deprecated marks an operation that clients should leave.
	Deprecated bool

	handler   Handler
	typed     typedHandler
	timeout   *time.Duration
	bodyLimit *int64
	slash     *SlashPolicy
	protocols []Protocol
	use       []Middleware
	dispatch  DispatchMode
	needs     []reflect.Type // supplied values that extractors read
	allParams bool           // the input takes whatever parameters the pattern has
	bodies    []string       // inputs that read the body
	problems  []string       // what extractors found wrong with their types
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
	}
}

// With puts middleware around this route alone, inside that of its groups.
func With(mws ...Middleware) Option {
	return func(op *Operation) { op.use = append(op.use, mws...) }
}

// AddParam records an input. Extractors call it to describe themselves.
func (op *Operation) AddParam(p Param) { op.Inputs = append(op.Inputs, p) }

// AddBody records that the input called name reads the request body into t. Two
// inputs that read the body are a mistake, reported when the router is built.
func (op *Operation) AddBody(name string, t reflect.Type) {
	op.bodies = append(op.bodies, name)
	op.Body = t
}

// NeedsSupply records that the operation reads a supplied value of type t.
// Without it the router does not build.
func (op *Operation) NeedsSupply(t reflect.Type) { op.needs = append(op.needs, t) }

// TakesAllParams records that the input reads path parameters by name at run
// time, whatever the pattern has.
func (op *Operation) TakesAllParams() { op.allParams = true }
