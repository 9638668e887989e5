package extract

import (
	"net/http"
	"reflect"

	"github.com/tako-go/tako"
)

var stringType = reflect.TypeFor[string]()

// Method is the method of the request, such as "GET": for routes that serve several.
// It never fails.
type Method string

// Extract asks for the method.
func (m *Method) Extract(c *tako.Context) error {
	*m = Method(c.Method())
	return nil
}

// Describe records nothing: the route tells.
func (m *Method) Describe(*tako.Operation, string) {}

// Protocol is the version of HTTP the request arrived with. It never fails.
type Protocol struct {
	tako.Protocol
}

// Extract asks for the version.
func (p *Protocol) Extract(c *tako.Context) error {
	p.Protocol = c.Protocol()
	return nil
}

// Describe records nothing: a version is no input.
func (p *Protocol) Describe(*tako.Operation, string) {}

// RawPath is the path in normal form with its escapes, by [tako.Context.Path]. It
// never fails.
type RawPath string

// Extract asks for the path.
func (p *RawPath) Extract(c *tako.Context) error {
	*p = RawPath(c.Path())
	return nil
}

// Describe records that any parameter of the pattern is read.
func (p *RawPath) Describe(op *tako.Operation, _ string) { op.TakesAllParams() }

// RawQuery is the query as it was sent, without the question mark. It never fails.
type RawQuery string

var _ tako.RequestEncoder = (*RawQuery)(nil)

// Extract asks for the query.
func (q *RawQuery) Extract(c *tako.Context) error {
	*q = RawQuery(c.RawQuery())
	return nil
}

// Absent reports whether there is none.
func (q *RawQuery) Absent() bool { return *q == "" }

// Describe records nothing: no parameter is wanted by name.
func (q *RawQuery) Describe(*tako.Operation, string) {}

// EncodeRequest adds the query behind what is there.
func (q *RawQuery) EncodeRequest(req *http.Request) error {
	switch {
	case *q == "":
	case req.URL.RawQuery == "":
		req.URL.RawQuery = string(*q)
	default:
		req.URL.RawQuery += "&" + string(*q)
	}
	return nil
}
