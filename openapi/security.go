package openapi

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/tako-go/tako"
)

// security is the list of Security Requirement Objects: one with all that the
// operation wants and takes, and one with what it cannot do without if that is
// less. It is nil for an operation that wants nothing.
func (b *builder) security(r *record) []*object {
	all, needed := map[string][]string{}, map[string][]string{}
	for _, op := range r.all {
		for _, want := range op.Security {
			name := b.scheme(op, want.Scheme)
			all[name] = scopes(all[name], want.Scopes)
			if !want.Optional {
				needed[name] = scopes(needed[name], want.Scopes)
			}
		}
	}
	switch {
	case len(all) == 0:
		return nil
	case len(needed) == len(all):
		return []*object{requirement(all)}
	}
	return []*object{requirement(all), requirement(needed)}
}

// scopes merges two lists; the result is never nil, because it is an empty array
// in the document.
func scopes(a, b []string) []string {
	list := append([]string{}, a...)
	for _, s := range b {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

func requirement(wants map[string][]string) *object {
	o := new(object)
	for _, name := range slices.Sorted(maps.Keys(wants)) {
		o.Set(name, wants[name])
	}
	return o
}

// scheme collects a scheme and returns its name among the components.
func (b *builder) scheme(op *tako.Operation, s tako.SecurityScheme) string {
	name := strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '.' || r == '-' || r == '_' || r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z') {
			return r
		}
		return '_'
	}, cmp.Or(s.Name, s.Scheme, s.Type))
	if have, ok := b.schemes[name]; ok && !reflect.DeepEqual(have, s) {
		b.mistake(op, "the security scheme %q is declared in two ways; give one of them another name", s.Name)
	}
	b.schemes[name] = s
	return name
}

func (b *builder) securitySchemes() *object {
	o := new(object)
	for _, name := range slices.Sorted(maps.Keys(b.schemes)) {
		o.Set(name, schemeObject(b.schemes[name]))
	}
	return o
}

// schemeObject is the Security Scheme Object.
func schemeObject(s tako.SecurityScheme) *object {
	o := new(object).Set("type", s.Type)
	setText(o, "description", s.Doc)
	switch s.Type {
	case "apiKey":
		o.Set("name", s.Param)
		o.Set("in", s.In)
	case "http":
		o.Set("scheme", s.Scheme)
		setText(o, "bearerFormat", s.BearerFormat)
	case "openIdConnect":
		o.Set("openIdConnectUrl", s.URL)
	case "oauth2":
		flows := new(object)
		for _, name := range slices.Sorted(maps.Keys(s.Flows)) {
			flows.Set(name, flowObject(s.Flows[name]))
		}
		o.Set("flows", flows)
	}
	return o
}

func flowObject(f tako.OAuthFlow) *object {
	o := new(object)
	setText(o, "authorizationUrl", f.AuthorizationURL)
	setText(o, "tokenUrl", f.TokenURL)
	setText(o, "refreshUrl", f.RefreshURL)
	list := new(object)
	for _, name := range slices.Sorted(maps.Keys(f.Scopes)) {
		list.Set(name, f.Scopes[name])
	}
	return o.Set("scopes", list)
}
