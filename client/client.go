// Package client calls the operations of a service over the network with the types
// that the service is made of: [tako.Route] encodes the input and decodes the
// result, and a [Client] takes the request to the service.
//
//	api, err := client.New("https://reefs.example/v1", client.Config{})
//	reef, err := client.Call(ctx, api, getReef, GetReef{ID: 7})
//
// A Client follows no redirects and tries nothing twice: a call is one request.
package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tako-go/tako"
)

// Defaults of [Config].
const (
	// DefaultTimeout is how long a call may take.
	DefaultTimeout = 30 * time.Second
	// DefaultMaxResponse is the most bytes of a response body.
	DefaultMaxResponse = 10 << 20
)

// NoLimit turns off Timeout or MaxResponse.
const NoLimit = -1

// Config configures a [Client].
type Config struct {
	// Transport sends the requests.
	// Default: one with the settings of [http.DefaultTransport] and at most 64 KiB
	// of header fields in a response.
	Transport http.RoundTripper
	// Header is added to each request, except for fields that the request has.
	Header http.Header
	// Auth is called for each request, last of all, to add credentials: a token, a
	// signature. An error ends the call. It is called by many goroutines at once.
	Auth func(req *http.Request) error
	// Timeout bounds a call from its beginning until the response body is read or
	// closed, [NoLimit] for none beside that of the call's context.
	// Default: [DefaultTimeout].
	Timeout time.Duration
	// MaxResponse bounds response bodies, in bytes after decompression; [NoLimit]
	// for none. Reading more is an [ErrResponseTooLarge].
	// Default: [DefaultMaxResponse].
	MaxResponse int64
}

// ErrResponseTooLarge is in the error of a call whose response body is longer than
// Config.MaxResponse.
var ErrResponseTooLarge = errors.New("client: response body too large")

// Client sends requests to one service. It may be used by many goroutines at once.
type Client struct {
	base url.URL
	cfg  Config
	own  *http.Transport // nil if the transport is the user's
}

var _ http.RoundTripper = (*Client)(nil)

// New returns a client of the service at baseURL, such as
// "https://reefs.example/v1", whose path is put before those of the operations.
// The URL is http or https, without query, fragment and credentials.
func New(baseURL string, cfg Config) (*Client, error) {
	base, err := parseBase(baseURL)
	if err != nil {
		return nil, err
	}
	c := &Client{base: *base, cfg: cfg}
	c.cfg.Header = cfg.Header.Clone()
	if cfg.Transport == nil {
		c.own = newTransport()
		c.cfg.Transport = c.own
	}
	switch {
	case cfg.Timeout < NoLimit:
		return nil, fmt.Errorf("client: timeout %v is negative", cfg.Timeout)
	case cfg.Timeout == 0:
		c.cfg.Timeout = DefaultTimeout
	}
	switch {
	case cfg.MaxResponse < NoLimit:
		return nil, fmt.Errorf("client: response limit %d is negative", cfg.MaxResponse)
	case cfg.MaxResponse == 0:
		c.cfg.MaxResponse = DefaultMaxResponse
	}
	return c, nil
}

// parseBase shows nothing of the URL in its errors: there may be a password in it.
func parseBase(baseURL string) (*url.URL, error) {
	base, err := url.Parse(baseURL)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return nil, fmt.Errorf("client: base URL: %w", err)
	}
	switch {
	case base.Scheme != "http" && base.Scheme != "https":
		return nil, errors.New("client: base URL has no scheme http or https")
	case base.Hostname() == "":
		return nil, errors.New("client: base URL has no host")
	case base.User != nil:
		return nil, errors.New("client: base URL has credentials: set them in Config.Auth")
	case base.RawQuery != "" || base.ForceQuery || strings.Contains(baseURL, "#"):
		return nil, errors.New("client: base URL has a query or fragment")
	}
	return base, nil
}

// maxHeaderBytes bounds the header of a response.
const maxHeaderBytes = 64 << 10

func newTransport() *http.Transport {
	t, ok := http.DefaultTransport.(*http.Transport)
	if ok {
		t = t.Clone()
	} else { // somebody has put another in its place
		t = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: 90 * time.Second,
			TLSHandshakeTimeout: 10 * time.Second}
	}
	t.MaxResponseHeaderBytes = maxHeaderBytes
	t.MaxIdleConnsPerHost = 32
	return t
}

// Close closes idle connections, unless the transport came from the Config. Calls
// that are under way go on.
func (c *Client) Close() {
	if c.own != nil {
		c.own.CloseIdleConnections()
	}
}

// Call calls an operation and decodes its result; see [tako.Route.Do] for what it
// returns. edit changes the request before it is sent.
func Call[I, O any](ctx context.Context, c *Client, route tako.Route[I, O], in I, edit ...func(*http.Request)) (O, error) {
	return route.Do(ctx, c, in, edit...)
}
