package tako

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
)

// request returns the request with path and query in normal form, for handlers
// of net/http that are mounted inside. With limited its body has the body limit.
func (c *Context) request(ctx context.Context, limited bool) *http.Request {
	if c.ex.Proxied() {
		ctx = context.WithValue(ctx, proxiedKey{}, true)
	}
	c.ex.Retain() // such handlers keep requests, and some run on when they have answered
	req := originalRequest(c.ex)
	if req != nil {
		req = req.WithContext(ctx)
	} else {
		req = makeRequest(ctx, c.ex)
	}
	u := *req.URL
	if decoded, ok := unescapeSegment(c.path); ok && c.path != "*" {
		u.Path, u.RawPath = decoded, ""
		if u.EscapedPath() != c.path {
			u.RawPath = c.path
		}
	}
	req.URL = &u
	if decodedOf(c.ex) != nil {
		req.Header = req.Header.Clone() // that of the server keeps what was sent
		req.Header.Del("Content-Encoding")
		req.Header.Del("Content-Length")
		req.ContentLength = c.ex.ContentLength()
	}
	if c.route != nil {
		req.Pattern = c.route.label()
		for i, name := range c.route.params {
			value, _ := unescapeSegment(c.params[i])
			req.SetPathValue(name, value)
		}
	}
	if c.ex.Body() == http.NoBody {
		req.Body = http.NoBody
	} else {
		req.Body = c.detachedBody(req, limited)
	}
	return req
}

// requestBody is the body of a request that a handler of net/http gets, which
// finds the trailers in it behind the end. Such a handler, or a client that it gave
// the body to, may go on reading when the Context serves another request, so nothing
// in it belongs to the Context.
type requestBody struct {
	from    io.Reader
	source  io.Reader // of the exchange
	trailer func(yield func(name, value string) bool)
	req     *http.Request
	closed  atomic.Bool
}

// detachedBody makes the body of req; with limited it has the body limit.
func (c *Context) detachedBody(req *http.Request, limited bool) *requestBody {
	source := c.ex.Body()
	body := &requestBody{from: source, source: source, trailer: c.ex.EachRequestTrailer, req: req}
	if original := originalExchange(c.ex); original != nil {
		body.trailer = (&netHTTP{r: original.r, scrubs: original.scrubs}).EachRequestTrailer
		if original.scrubs { // net/http fills in those of its own request
			req.Trailer = maps.Clone(req.Trailer)
			maps.DeleteFunc(req.Trailer, func(name string, _ []string) bool { return forwards(name) })
		}
	}
	if limited {
		c.input.init(c)
		rest := c.input
		rest.from = body.from
		body.from = &rest
	}
	return body
}

func (b *requestBody) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.from.Read(p)
	if err == io.EOF {
		b.trailer(func(name, value string) bool {
			if !forbiddenTrailers[name] {
				if b.req.Trailer == nil {
					b.req.Trailer = http.Header{}
				}
				b.req.Trailer[name] = []string{value}
			}
			return true
		})
	}
	return n, err
}

// Close leaves the rest to the runtime.
func (b *requestBody) Close() error {
	b.closed.Store(true)
	if c, ok := b.source.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// originalRequest returns the request of net/http that ex holds, nil if it holds none.
func originalRequest(ex Exchange) *http.Request {
	if x := originalExchange(ex); x != nil {
		return x.r
	}
	return nil
}

func originalExchange(ex Exchange) *netHTTP {
	switch x := ex.(type) {
	case *netHTTP:
		return x
	case *timeoutExchange:
		return originalExchange(x.Exchange)
	case *decodedExchange:
		return originalExchange(x.Exchange)
	}
	return nil
}

// makeRequest makes a request of net/http out of any Exchange.
func makeRequest(ctx context.Context, ex Exchange) *http.Request {
	info := ex.ConnInfo()
	req := &http.Request{Method: ex.Method(), RequestURI: ex.Target(), Host: ex.Authority(), TLS: info.TLS,
		Header: http.Header{}, ContentLength: ex.ContentLength(), ProtoMajor: 1, ProtoMinor: 1}
	switch ex.Protocol() {
	case HTTP10:
		req.ProtoMinor = 0
	case HTTP2:
		req.ProtoMajor, req.ProtoMinor = 2, 0
	case HTTP3:
		req.ProtoMajor, req.ProtoMinor = 3, 0
	}
	req.Proto = "HTTP/" + strconv.Itoa(req.ProtoMajor) + "." + strconv.Itoa(req.ProtoMinor)
	if info.Remote != nil {
		req.RemoteAddr = info.Remote.String()
	}
	ex.EachRequestHeader(func(name, value string) bool {
		if name != "Host" {
			req.Header[name] = append(req.Header[name], value)
		}
		return true
	})
	req.URL, _ = url.ParseRequestURI(req.RequestURI)
	if req.URL == nil {
		req.URL = &url.URL{Path: "/"}
	}
	return req.WithContext(ctx)
}
