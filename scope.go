package tako

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"time"
)

// scope is a group as it stands at one place of the built router: what it sets
// and what it takes from the scopes around it.
type scope struct {
	table      *table
	parent     *scope
	router     *Router
	prefix     string
	host       string
	params     []string       // of the prefix
	middleware []Middleware   // outside in
	onError    []ErrorHandler // innermost first
	codecs     []Codec        // innermost first
	offers     []string       // the media types that they and JSON encode to
	encoders   []Codec        // which of them does
	formats    map[string]func(string) error
	validator  func(context.Context, any) error
	described  []*Operation // outside in
	checks     *checks
	timeout    time.Duration
	bodyLimit  int64
	slash      SlashPolicy
	supplies   map[reflect.Type]any
	providers  map[reflect.Type]*provided
	overrides  map[reflect.Type]*provided
	fallback   Handler
	miss       Handler // answers requests that belong to this scope and match no route
}

func (t *table) newScope(parent *scope, r *Router, prefix string) *scope {
	s := &scope{table: t, router: r, prefix: prefix, bodyLimit: DefaultBodyLimit, parent: parent,
		providers: map[reflect.Type]*provided{}, overrides: map[reflect.Type]*provided{}}
	if parent != nil {
		s.host, s.timeout, s.bodyLimit, s.slash = parent.host, parent.timeout, parent.bodyLimit, parent.slash
		s.fallback, s.supplies, s.onError, s.codecs = parent.fallback, parent.supplies, parent.onError, parent.codecs
		s.checks, s.formats, s.described = parent.checks, parent.formats, slices.Clip(parent.described)
		s.validator = parent.validator
		s.middleware = slices.Clip(parent.middleware)
	}
	s.prefix = s.outer() + prefix
	if parts, err := parsePattern(s.prefix + "/"); err == nil {
		s.params = paramNames(parts)
	}
	s.middleware = append(s.middleware, r.middleware...)
	s.codecs = append(slices.Clone(r.codecs), s.codecs...)
	s.offer()
	if r.described != nil {
		s.described = append(s.described, r.described)
	}
	if len(r.formats) > 0 {
		s.formats = maps.Clone(s.formats)
		if s.formats == nil {
			s.formats = map[string]func(string) error{}
		}
		maps.Copy(s.formats, r.formats)
		s.checks = nil
	}
	if r.validator != nil {
		s.validator, s.checks = r.validator, nil
	}
	if s.checks == nil {
		s.checks = newChecks(s.formats, s.validator)
	}
	if r.host != "" {
		s.host = r.host
	}
	if r.onError != nil {
		s.onError = append([]ErrorHandler{r.onError}, s.onError...)
	}
	if r.fallback != nil {
		s.fallback = r.fallback
	}
	setIf(&s.timeout, r.timeout)
	setIf(&s.bodyLimit, r.bodyLimit)
	setIf(&s.slash, r.slash)
	if len(r.supplies) > 0 {
		all := make(map[reflect.Type]any, len(s.supplies)+len(r.supplies))
		for _, m := range []map[reflect.Type]any{s.supplies, r.supplies} {
			for k, v := range m {
				all[k] = v
			}
		}
		s.supplies = all
	}
	for _, p := range r.provides {
		s.providers[p.typ] = t.newProvided(p, s)
	}
	for _, p := range r.overrides {
		s.overrides[p.typ] = t.newProvided(p, s)
	}
	s.miss = chain(s.middleware, answerMiss)
	return s
}

func (s *scope) outer() string {
	if s.parent == nil {
		return ""
	}
	return s.parent.prefix
}

func setIf[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// provider returns who provides t here: an override of any scope around, the
// outermost first, else the innermost provider. Nil if nobody does.
func (s *scope) provider(t reflect.Type) *provided {
	var best *provided
	for at := s; at != nil; at = at.parent {
		if p := at.overrides[t]; p != nil {
			best = p
		}
	}
	for at := s; at != nil && best == nil; at = at.parent {
		best = at.providers[t]
	}
	return best
}
