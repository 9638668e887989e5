package transport

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// hostTable finds the certificates for a server name, as positions in the
// configuration. Stated names come before those read from certificates, and exact
// names before wildcards.
type hostTable struct {
	stated  map[string][]int
	derived map[string][]int
	others  []int // for handshakes without a name, or with another one
}

// find returns the certificates for a name, or the default with false.
func (t *hostTable) find(name string) (certs []int, known bool) {
	if name = normalHost(name); name != "" {
		wildcard := wildcardOf(name)
		for _, names := range []map[string][]int{t.stated, t.derived} {
			for _, key := range []string{name, wildcard} {
				if certs, known = names[key]; known {
					return certs, true
				}
			}
		}
	}
	return t.others, false
}

// normalHost is the form in which names are compared.
func normalHost(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// wildcardOf returns the pattern with a wildcard that stands for name, "" if there
// is none.
func wildcardOf(name string) string {
	first, rest, ok := strings.Cut(name, ".")
	if !ok || first == "" || first == "*" {
		return ""
	}
	return "*." + rest
}

// normalPattern checks a name from the configuration.
func normalPattern(name string) (string, error) {
	host := normalHost(name)
	rest := strings.TrimPrefix(host, "*.")
	if _, err := netip.ParseAddr(host); err == nil {
		return "", fmt.Errorf("host %q: clients name no addresses in a handshake; leave it to the default certificate", name)
	}
	for label := range strings.SplitSeq(rest, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, notInLabel) {
			return "", fmt.Errorf("host %q: no host name in ASCII, and no wildcard for its first label", name)
		}
	}
	return host, nil
}

func notInLabel(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// hostname returns the host of an authority, without port and brackets.
func hostname(authority string) string {
	if host, _, err := net.SplitHostPort(authority); err == nil {
		return host
	}
	return strings.TrimSuffix(strings.TrimPrefix(authority, "["), "]")
}

// hosts returns the stated names of cert.
func (cert *Cert) hosts() []string {
	if cert.ACME != nil {
		return cert.ACME.Hosts
	}
	return cert.Hosts
}

// checkHosts checks the stated names, and that they have one rule each. Which rule a
// name has must not change with a reload: connections from before would be taken for
// what they are not.
func (cfg *CertConfig) checkHosts() error {
	rules := map[string]*ClientAuth{}
	several := slices.ContainsFunc(cfg.Certs, func(cert Cert) bool { return cert.ClientAuth != nil })
	for i := range cfg.Certs {
		cert := &cfg.Certs[i]
		if cfg.Strict && cert.Get != nil && len(cert.Hosts) == 0 {
			return fmt.Errorf("transport: CertConfig.Certs[%d]: Hosts must be stated, as with Strict Get is asked for these only", i)
		}
		if i > 0 && len(cert.hosts()) == 0 && (several || cert.Get != nil) {
			return fmt.Errorf("transport: CertConfig.Certs[%d]: Hosts must be stated, as it has Get or a Cert has its own ClientAuth", i)
		}
		for _, name := range cert.hosts() {
			host, err := normalPattern(name)
			if err != nil {
				return fmt.Errorf("transport: CertConfig.Certs[%d]: %w", i, err)
			}
			if rule, twice := rules[host]; twice && rule != cert.ClientAuth {
				return fmt.Errorf("transport: CertConfig.Certs[%d]: host %q has another ClientAuth already", i, name)
			}
			rules[host] = cert.ClientAuth
		}
	}
	return nil
}
