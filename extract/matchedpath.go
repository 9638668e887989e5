package extract

import (
	"net/http"

	"github.com/tako-go/tako"
)

// MatchedPath is the pattern of the route, prefixes and host included, such as
// "/users/{id}". It has few values and suits as a label. In a handler that no
// pattern leads to, such as a fallback, it is 500 and matches [tako.ErrAbsent].
type MatchedPath string

var _ tako.Describer = (*MatchedPath)(nil)

// Extract asks for the pattern.
func (p *MatchedPath) Extract(c *tako.Context) error {
	if *p = MatchedPath(c.Pattern()); *p == "" {
		return &tako.Error{Status: http.StatusInternalServerError, Err: tako.ErrAbsent}
	}
	return nil
}

// Describe records nothing: a route has a pattern.
func (p *MatchedPath) Describe(*tako.Operation, string) {}
