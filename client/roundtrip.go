package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// RoundTrip sends a request to the service, whatever scheme and host its URL
// names, below the path of the base URL.
func (c *Client) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := req.Context(), context.CancelFunc(func() {})
	if c.cfg.Timeout > 0 {
		ctx, cancel = context.WithTimeoutCause(ctx, c.cfg.Timeout, fmt.Errorf("client: no answer within %v: %w", c.cfg.Timeout, context.DeadlineExceeded))
	}
	out, err := c.prepare(ctx, req)
	if err != nil {
		cancel()
		if req.Body != nil {
			_ = req.Body.Close() // as every RoundTripper does
		}
		return nil, err
	}
	resp, err := c.cfg.Transport.RoundTrip(out)
	if err != nil {
		err = timedOut(ctx, err)
		cancel()
		return nil, err
	}
	resp.Body = &body{from: resp.Body, ctx: ctx, cancel: cancel, left: c.cfg.MaxResponse, limit: c.cfg.MaxResponse}
	if c.cfg.MaxResponse >= 0 && resp.ContentLength > c.cfg.MaxResponse && req.Method != http.MethodHead {
		_ = resp.Body.Close()
		return nil, tooLarge(c.cfg.MaxResponse)
	}
	return resp, nil
}

// prepare returns the request as it is sent; the caller's stays as it is.
func (c *Client) prepare(ctx context.Context, req *http.Request) (*http.Request, error) {
	out := req.Clone(ctx)
	if out.Host == req.URL.Host { // nobody asked for another than that of the URL
		out.Host = ""
	}
	out.URL.Scheme, out.URL.Host, out.URL.User = c.base.Scheme, c.base.Host, nil
	prefix := strings.TrimSuffix(c.base.Path, "/")
	escaped := strings.TrimSuffix(c.base.EscapedPath(), "/") + req.URL.EscapedPath()
	out.URL.Path, out.URL.RawPath = prefix+req.URL.Path, escaped
	if out.Header == nil {
		out.Header = http.Header{}
	}
	for name, values := range c.cfg.Header {
		if _, set := out.Header[http.CanonicalHeaderKey(name)]; !set {
			out.Header[http.CanonicalHeaderKey(name)] = append([]string(nil), values...)
		}
	}
	if c.cfg.Auth != nil {
		if err := c.cfg.Auth(out); err != nil {
			return nil, fmt.Errorf("client: credentials: %w", err)
		}
	}
	return out, nil
}

// timedOut puts our own timeout in the place of what the transport made of it.
func timedOut(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && ctx.Err() == context.DeadlineExceeded && errors.Is(err, context.DeadlineExceeded) {
		return cause
	}
	return err
}

func tooLarge(limit int64) error {
	return fmt.Errorf("%w: over the limit of %d bytes", ErrResponseTooLarge, limit)
}

// body holds a response body to its limit, and ends the call when it is read or
// closed.
type body struct {
	from   io.ReadCloser
	ctx    context.Context
	cancel context.CancelFunc
	left   int64 // negative without a limit
	limit  int64
	err    error
}

// Read reads at most one byte more than allowed, to tell a full body from one
// that is too large.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.limit >= 0 && int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.from.Read(p)
	if b.limit >= 0 && int64(n) > b.left {
		n, err = int(b.left), tooLarge(b.limit)
	}
	b.left -= int64(n)
	if err != nil {
		if err != io.EOF {
			err = timedOut(b.ctx, err)
		}
		b.err = err
		b.cancel()
	}
	return n, err
}

// Close ends the call.
func (b *body) Close() error {
	err := b.from.Close()
	b.cancel()
	return err
}
