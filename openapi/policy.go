package openapi

import (
	"net/url"
	"slices"
	"strings"
)

// policy is the Content-Security-Policy of the page: nothing but what the service
// itself has, the assets, not all that is on their hosts, and what Policy adds. connect lists the
// origins of the servers that the page may call.
func (p Page) policy(connect []string) string {
	directives := [][]string{
		{"default-src", "'none'"},
		{"script-src", "'self'"},
		{"style-src", "'self'"},
		{"img-src", "'self'", "data:"},
		{"font-src", "'self'"},
		{"connect-src", "'self'"},
		{"base-uri", "'none'"},
		{"form-action", "'none'"},
		{"frame-ancestors", "'self'"},
	}
	add := func(directive, source string) {
		for i, d := range directives {
			if d[0] == directive {
				if !slices.Contains(d, source) {
					directives[i] = append(d, source)
				}
				return
			}
		}
		directives = append(directives, []string{directive, source})
	}
	for _, a := range p.Scripts {
		if source := sourceOf(a); source != "" {
			add("script-src", source)
		}
	}
	for _, a := range p.Styles {
		if source := sourceOf(a); source != "" {
			add("style-src", source)
		}
	}
	for _, o := range connect {
		add("connect-src", o)
	}
	for _, extra := range p.Policy {
		add(extra[0], extra[1])
	}
	lines := make([]string, len(directives))
	for i, d := range directives {
		lines[i] = strings.Join(d, " ")
	}
	return strings.Join(lines, "; ")
}

// origin returns scheme and host of an absolute URL of http, else "".
func origin(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.ContainsAny(u.Host, policyBreakers) {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// policyBreakers would end a source of a policy, or be no part of a host.
const policyBreakers = ";, '\"{}"

// sourceOf is what a policy calls an asset: the file alone where that can be
// written, "" for one of the service.
func sourceOf(a Asset) string {
	if o := origin(a.URL); o == "" || strings.ContainsAny(a.URL, policyBreakers+"?#") {
		return o
	}
	return a.URL
}

// origins lists those of a server, with each value that its variables are told to
// have.
func (s Server) origins() []string {
	fill := func(chosen, value string) string {
		filled := s.URL
		for _, v := range s.Variables {
			if v.Name == chosen {
				filled = strings.ReplaceAll(filled, "{"+v.Name+"}", value)
			}
			filled = strings.ReplaceAll(filled, "{"+v.Name+"}", v.Default)
		}
		return origin(filled)
	}
	list := []string{fill("", "")}
	for _, v := range s.Variables {
		for _, value := range v.Enum {
			list = append(list, fill(v.Name, value))
		}
	}
	return slices.DeleteFunc(list, func(o string) bool { return o == "" })
}
