package extract

import (
	"net/http"
	"net/url"

	"github.com/tako-go/tako"
)

// OriginalURL is the URL that the client asked for: scheme and host as [Scheme] and
// [Host] have them, path and query as they were sent, whatever prefix a handler
// around this one has taken off. The path of "OPTIONS *" is empty. A request that
// names no host, or whose target is no URL, is 400.
type OriginalURL struct {
	// URL is never nil after Extract. It may be changed and kept.
	URL *url.URL
}

var _ tako.Describer = (*OriginalURL)(nil)

// Extract puts the URL together.
func (o *OriginalURL) Extract(c *tako.Context) error {
	var host Host
	if err := host.Extract(c); err != nil {
		return err
	}
	o.URL = new(url.URL)
	if target := c.Target(); target != "*" {
		parsed, err := url.ParseRequestURI(target)
		if err != nil {
			return &tako.Error{Status: http.StatusBadRequest, Detail: "the target of the request is no URL", Err: err}
		}
		o.URL = &url.URL{Path: parsed.Path, RawPath: parsed.RawPath, RawQuery: parsed.RawQuery, ForceQuery: parsed.ForceQuery}
	}
	o.URL.Scheme, o.URL.Host = c.Scheme(), string(host)
	return nil
}

// Describe records the failure.
func (o *OriginalURL) Describe(op *tako.Operation, _ string) {
	op.AddFailure(http.StatusBadRequest, "the request names no host, or its target is no URL")
}
