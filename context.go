package tako

import (
	"context"
	"io"
	"iter"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/lifetime"
)

// maxParams is the most parameters a pattern may have.
const maxParams = 16

// Context is one request and its response in the hands of a handler. It is used
// by one goroutine at a time, and reused after the handler has returned: it must
// not be kept. Strings it returns stay valid for ever. It is not a
// [context.Context]; [Context.Context] is.
type Context struct {
	ex     Exchange
	params [maxParams]string

	// Memory that is kept from one request to the next, emptied.
	header   Header
	layers   []layer
	wraps    []func(BodyWriter) BodyWriter
	done     []func(Outcome)
	adopted  []*Context // inner Contexts whose hooks are to be told
	values   []value
	provided []any // by provider slot

	requestState
	responseState
	std netHTTP // the Exchange of net/http requests, kept here so that attaching it allocates nothing
}

type requestState struct {
	table   *table
	route   *route
	scope   *scope // where the request belongs if it has no route
	method  string
	path    string
	query   string
	ctx     context.Context
	start   time.Time
	peer    client
	input   bodyReader
	refusal error    // why the target cannot be routed
	joined  *Context // the outer Context, once this one has become part of it
	inner   bool     // what surrounds the Context ends the response
	pinned  bool     // a handler that timed out may still look at the Context
}

type responseState struct {
	body      BodyWriter // the innermost stage; nil while nothing wraps the body
	trailer   *Header
	head      Head
	status    int
	left      int64 // bytes the declared length still allows, -1 if unknown
	written   int64 // by the handler
	inside    int64 // by the handler on an inner Context that began the response
	sentBytes int64
	allow     string // methods of the path, where the request's has no route
	redirect  string // the path that the slash policy leads to
	err       error
	saved     *Header // the header before hooks changed it
	headErr   error   // why the head could not be sent
	opening   bool    // head hooks are running
	opened    bool    // the handler began the response
	sent      bool    // the head went to the exchange
	discard   bool    // body bytes are counted and dropped
	upgraded  bool    // the connection was taken over
	ended     bool    // the stages of the body were closed
}

var contexts = sync.Pool{New: func() any { return new(Context) }}

// acquire returns a Context for a request. With ex nil the caller attaches one.
func acquire(ex Exchange) *Context {
	c := contexts.Get().(*Context)
	c.ex = ex
	c.left = -1
	return c
}

// recycle makes c ready for another request, or unusable where stale uses shall
// be found.
func (c *Context) recycle() {
	for _, inner := range c.adopted {
		inner.recycle()
	}
	if c.pinned {
		return
	}
	if c.route != nil {
		clear(c.params[:len(c.route.params)])
	}
	c.header.reset()
	c.layers = emptied(c.layers)
	c.values = emptied(c.values)
	c.done = emptied(c.done)
	c.adopted = emptied(c.adopted)
	c.provided = emptied(c.provided)
	c.requestState = requestState{}
	c.responseState = responseState{}
	c.std = netHTTP{}
	c.ex = nil
	if !lifetime.IsStrict() {
		contexts.Put(c)
	}
}

func emptied[T any](s []T) []T {
	if len(s) > 0 {
		clear(s)
	}
	return s[:0]
}

// live panics if the request of c is over.
func (c *Context) live() {
	if c.ex == nil {
		panic("tako: Context used after its handler returned")
	}
}

// at returns the Context that ends the response: hooks that were registered on an
// inner one run for the outer one once that is alone.
func (c *Context) at() *Context {
	c.live()
	for c.joined != nil {
		c = c.joined
	}
	return c
}

// Method returns the request method, such as "GET".
func (c *Context) Method() string {
	c.live()
	return c.method
}

// Target returns the request-target as it was sent.
func (c *Context) Target() string {
	c.live()
	return c.ex.Target()
}

// Path returns the path in normal form, the one that routing saw: dot segments
// and repeated slashes resolved, needless escapes decoded, the others kept.
func (c *Context) Path() string {
	c.live()
	return c.path
}

// RawQuery returns the query as sent, without the question mark.
func (c *Context) RawQuery() string {
	c.live()
	return c.query
}

// Protocol returns the version of HTTP the request arrived with.
func (c *Context) Protocol() Protocol {
	c.live()
	return c.ex.Protocol()
}

// Param returns the decoded value of a path parameter, "" if the pattern has none
// of this name.
func (c *Context) Param(name string) string {
	value, _ := unescapeSegment(c.RawParam(name)) // the normal form has no bad escapes
	return value
}

// RawParam returns the value of a path parameter as the normal form of the path
// has it, escapes kept: %2F can be told from a slash.
func (c *Context) RawParam(name string) string {
	c.live()
	var names []string
	switch {
	case c.route != nil:
		names = c.route.params
	case c.scope != nil:
		names = c.scope.params
	}
	for i, p := range names {
		if p == name {
			return c.params[i]
		}
	}
	return ""
}

// Query returns the first value of a query parameter, "" if there is none or its
// escapes are broken. Typed handlers refuse broken ones with 400.
func (c *Context) Query(name string) string {
	c.live()
	for key, value := range queryPairs(c.query) {
		if k, ok := unescapeQuery(key); ok && k == name {
			value, err := decodePair(value, "query")
			if err != nil {
				return ""
			}
			return value
		}
	}
	return ""
}

// QueryValues parses the whole query. The error, a 400, is for broken escapes and
// for more than 1000 parameters.
func (c *Context) QueryValues() (url.Values, error) {
	c.live()
	return parseValues(c.query, "query")
}

// RequestHeader returns the first value of a field of the request that is not empty, "" if there
// is none.
func (c *Context) RequestHeader(name string) string {
	c.live()
	return c.ex.RequestHeader(canonical(name))
}

// RequestHeaderValues returns all values of a field of the request.
func (c *Context) RequestHeaderValues(name string) []string {
	c.live()
	return headerValues(c.ex, canonical(name))
}

func headerValues(ex Exchange, name string) (values []string) {
	ex.EachRequestHeader(func(n, v string) bool {
		if ascii.EqualFold(n, name) {
			values = append(values, v)
		}
		return true
	})
	return values
}

// RequestHeaders yields every field line of the request.
func (c *Context) RequestHeaders() iter.Seq2[string, string] {
	c.live()
	return c.ex.EachRequestHeader
}

// RequestTrailers yields the trailer fields, once the body was read to its end.
// Those that must not stand in a trailer are left out (RFC 9110, section 6.5.1).
func (c *Context) RequestTrailers() iter.Seq2[string, string] {
	c.live()
	return func(yield func(string, string) bool) {
		c.ex.EachRequestTrailer(func(name, value string) bool {
			return forbiddenTrailers[canonical(name)] || yield(name, value)
		})
	}
}

// forbiddenTrailers are about framing, routing, content, authentication, and how a request is
// meant. They are neither taken nor sent behind a body.
var forbiddenTrailers = map[string]bool{
	"Connection": true, "Content-Length": true, "Keep-Alive": true, "Proxy-Connection": true, "Te": true,
	"Trailer": true, "Transfer-Encoding": true, "Upgrade": true, "Host": true,
	"Content-Encoding": true, "Content-Range": true, "Content-Type": true,
	"Authorization": true, "Cookie": true, "Proxy-Authenticate": true, "Proxy-Authorization": true,
	"Set-Cookie": true, "Www-Authenticate": true,
	"Cache-Control": true, "Expect": true, "If-Match": true, "If-Modified-Since": true, "If-None-Match": true,
	"If-Range": true, "If-Unmodified-Since": true, "Max-Forwards": true, "Pragma": true, "Range": true,
}

// ContentLength returns the declared length of the request body, -1 if unknown.
func (c *Context) ContentLength() int64 {
	c.live()
	return c.ex.ContentLength()
}

// ConnInfo describes the connection, with the socket's own addresses. It is never
// nil. See [Context.ClientIP] for the client behind trusted proxies.
func (c *Context) ConnInfo() *ConnInfo {
	c.live()
	return c.ex.ConnInfo()
}

// Draining is closed when the server begins to drain: a handler that streams
// without end ends then. It is nil where the server never drains.
func (c *Context) Draining() <-chan struct{} {
	c.live()
	return c.ex.Draining()
}

// Context returns the request's context. It is cancelled when the handler has
// returned, the client went away, or a deadline or the drain limit passed. It may
// be kept and used by other goroutines.
func (c *Context) Context() context.Context {
	c.live()
	if c.ctx == nil {
		c.ctx = c.ex.Context()
	}
	return c.ctx
}

// SetContext replaces the request's context by one derived from it.
func (c *Context) SetContext(ctx context.Context) {
	c.live()
	c.ctx = ctx
}

// Route returns the operation that matched, nil if none did.
func (c *Context) Route() *Operation {
	c.live()
	if c.route == nil {
		return nil
	}
	return c.route.op
}

// Pattern returns the pattern of the route that matched, "" if none did. It has
// few values and suits as a label.
func (c *Context) Pattern() string {
	c.live()
	if c.route == nil {
		return ""
	}
	return c.route.pattern
}

// Body returns the request body, up to the body limit of the route: reading
// beyond it gives an error that matches [ErrBodyTooLarge]. If the declared length
// is over the limit, the first read fails. It is valid until the handler returns.
//
// Once [Context.ReadBody] or an extractor has read it as a whole, the reader returns
// [ErrBodyRead].
func (c *Context) Body() io.Reader {
	c.live()
	c.input.init(c)
	if c.input.taken {
		return readAlready{}
	}
	return &c.input
}

// ReadBody reads the rest of the request body into new memory, up to the body
// limit. Its errors have a status: 413, 408 or 400; [ErrBodyRead] if the whole of it was
// read before.
func (c *Context) ReadBody() ([]byte, error) {
	return c.appendBody(nil)
}

// Cookie returns the first cookie of this name, or [http.ErrNoCookie].
func (c *Context) Cookie(name string) (string, error) {
	c.live()
	if value, ok := findCookie(c.ex, name); ok {
		return value, nil
	}
	return "", http.ErrNoCookie
}

// Cookies yields the cookies of the request in order; malformed ones are skipped.
func (c *Context) Cookies() iter.Seq2[string, string] {
	c.live()
	return func(yield func(string, string) bool) {
		c.ex.EachRequestHeader(func(name, value string) bool {
			if name != "Cookie" {
				return true
			}
			for k, v := range cookiePairs(value) {
				if !yield(k, v) {
					return false
				}
			}
			return true
		})
	}
}
