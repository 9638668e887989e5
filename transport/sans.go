package transport

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// SANs are names that a client's certificate may have as subject alternative names; one of
// them is enough. The common name never counts, nor does a wildcard in the certificate.
type SANs struct {
	// DNS are DNS names, or "*.example.com" for any one label in its place.
	DNS []string
	// URIs are URIs such as SPIFFE IDs. One that ends with "/*" is for all below:
	// "spiffe://example.org/ns/prod/*". Scheme and host may differ in case.
	URIs []string
	// Emails are addresses, or "@example.com" for all of a domain. The case of the
	// local part counts.
	Emails []string
}

func (s *SANs) empty() bool { return len(s.DNS)+len(s.URIs)+len(s.Emails) == 0 }

func (s *SANs) check() error {
	for _, name := range s.DNS {
		if _, err := normalPattern(name); err != nil {
			return err
		}
	}
	for _, text := range s.URIs {
		if u, err := url.Parse(text); err != nil || u.Scheme == "" {
			return fmt.Errorf("match %q: no URI with a scheme", text)
		} else if !plainURI(u) {
			return fmt.Errorf("match %q: only scheme, host and path can be matched, without dot segments", text)
		}
	}
	for _, address := range s.Emails {
		if strings.Count(address, "@") != 1 || strings.HasSuffix(address, "@") {
			return fmt.Errorf("match %q: no e-mail address", address)
		}
	}
	return nil
}

// Match reports whether cert has one of the names. It does not verify it.
func (s *SANs) Match(cert *x509.Certificate) bool {
	return slices.ContainsFunc(cert.DNSNames, func(name string) bool { return matchDNS(s.DNS, name) }) ||
		slices.ContainsFunc(cert.URIs, func(u *url.URL) bool { return matchURI(s.URIs, u) }) ||
		slices.ContainsFunc(cert.EmailAddresses, func(address string) bool { return matchEmail(s.Emails, address) })
}

// MatchState reports whether the client of a connection has a verified certificate with one
// of the names. It is false for a nil state, as without TLS.
func (s *SANs) MatchState(state *tls.ConnectionState) bool {
	return state != nil && len(state.VerifiedChains) > 0 && s.Match(state.VerifiedChains[0][0])
}

func matchDNS(patterns []string, name string) bool {
	name = normalHost(name)
	if name == "" || strings.Contains(name, "*") {
		return false
	}
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		pattern = normalHost(pattern)
		return pattern == name || pattern == wildcardOf(name)
	})
}

func matchURI(patterns []string, u *url.URL) bool {
	if !plainURI(u) {
		return false
	}
	return slices.ContainsFunc(patterns, func(text string) bool {
		p, err := url.Parse(text)
		if err != nil || !strings.EqualFold(p.Scheme, u.Scheme) || !strings.EqualFold(p.Host, u.Host) || p.Opaque != u.Opaque {
			return false
		}
		if below, all := strings.CutSuffix(p.EscapedPath(), "*"); all && strings.HasSuffix(below, "/") {
			return len(u.EscapedPath()) > len(below) && strings.HasPrefix(u.EscapedPath(), below)
		}
		return p.EscapedPath() == u.EscapedPath()
	})
}

// plainURI leaves out what could be read in two ways.
func plainURI(u *url.URL) bool {
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return false
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

func matchEmail(patterns []string, address string) bool {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 {
		return false
	}
	local, domain := address[:at], address[at+1:]
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		l, d, _ := strings.Cut(pattern, "@")
		return strings.EqualFold(d, domain) && (l == "" || l == local)
	})
}
