package tako

import (
	"net/netip"
	"strings"

	"github.com/tako-go/tako/internal/ascii"
)

// host returns the routes of a host pattern, "" for any host.
func (t *table) host(pattern, where string) *hostTable {
	if pattern == "" {
		return t.any
	}
	h, problem := parseHost(pattern)
	if problem != "" {
		t.mistake(where, "host %q %s", pattern, problem)
		return new(hostTable)
	}
	key := strings.Join(h.labels, ".")
	for _, other := range t.hosts {
		if strings.Join(other.labels, ".") != key {
			continue
		}
		if strings.Join(other.names, ".") != strings.Join(h.names, ".") {
			t.mistake(where, "host %q is already there with other parameter names", pattern)
		}
		return other
	}
	t.hosts = append(t.hosts, h)
	return h
}

// pattern returns the host pattern in lower case, but for parameter names.
func (h *hostTable) pattern() string {
	if strings.Contains(h.exact, ":") {
		return "[" + h.exact + "]"
	}
	labels := make([]string, len(h.labels))
	k := 0
	for i, label := range h.labels {
		if label == "" {
			label = "{" + h.names[k] + "}"
			k++
		}
		labels[i] = label
	}
	return strings.Join(labels, ".")
}

func parseHost(pattern string) (*hostTable, string) {
	h := new(hostTable)
	if addr, err := netip.ParseAddr(strings.Trim(pattern, "[]")); err == nil {
		h.exact = addr.String()
		h.labels = []string{h.exact}
		return h, ""
	}
	for label := range strings.SplitSeq(pattern, ".") {
		name, ok := strings.CutPrefix(label, "{")
		if ok {
			name, ok = strings.CutSuffix(name, "}")
			if !ok || !isIdentifier(name) {
				return nil, "has a label that is no {name}"
			}
			h.names = append(h.names, name)
			label = ""
		} else if label = strings.ToLower(label); !isHostLabel(label) {
			return nil, "is no host name; a port does not belong there"
		}
		h.labels = append(h.labels, label)
	}
	if len(h.names) == 0 {
		h.exact = strings.ToLower(pattern)
	}
	return h, ""
}

func isHostLabel(s string) bool {
	for i := range len(s) {
		c := ascii.Lower(s[i])
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return s != ""
}

// match reports whether host, in lower case and without port, fits h, and puts
// the values of its parameters into params from position k on.
func (h *hostTable) match(host string, params *[maxParams]string, k int) bool {
	if h.exact != "" {
		return h.exact == host
	}
	for i, label := range h.labels {
		got, rest, more := strings.Cut(host, ".")
		if more != (i < len(h.labels)-1) || got == "" {
			return false
		}
		if label == "" {
			if k < maxParams {
				params[k] = got
			}
			k++
		} else if label != got {
			return false
		}
		host = rest
	}
	return true
}
