package extract

import (
	"maps"
	"strings"

	"github.com/tako-go/tako"
)

// Params are the path parameters by name, decoded, those of the host and of the
// groups around the route included. It is empty, not nil, where the pattern has
// none. It never fails.
type Params map[string]string

var (
	_ tako.Describer   = (*Params)(nil)
	_ tako.PathEncoder = (*Params)(nil)
)

// Extract reads the parameters.
func (p *Params) Extract(c *tako.Context) error {
	*p = Params{}
	for rest := c.Pattern(); ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			return nil
		}
		name, after, ok := strings.Cut(after, "}")
		if !ok {
			return nil
		}
		rest = after
		if name = strings.TrimSuffix(name, "..."); name != "$" {
			(*p)[name] = c.Param(name)
		}
	}
}

// Absent reports whether there are none.
func (p *Params) Absent() bool { return len(*p) == 0 }

// Describe records that all parameters of the pattern are read.
func (p *Params) Describe(op *tako.Operation, _ string) { op.TakesAllParams() }

// EncodePath sets the parameters.
func (p *Params) EncodePath(params map[string]string) error {
	maps.Copy(params, *p)
	return nil
}
