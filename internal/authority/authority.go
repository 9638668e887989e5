// Package authority reads the host and port that a request is for.
package authority

import (
	"net"
	"net/netip"
	"strings"

	"github.com/tako-go/tako/internal/ascii"
)

// Split checks an authority and splits it into host, in lower case and
// without brackets and a final dot, and port (RFC 9110, section 4.2).
func Split(authority string) (host, port string, ok bool) {
	host = authority
	if strings.HasPrefix(authority, "[") {
		end := strings.IndexByte(authority, ']')
		if end < 0 {
			return "", "", false
		}
		host, port = authority[1:end], authority[end+1:]
		addr, err := netip.ParseAddr(host)
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return "", "", false
		}
		host = addr.String()
	} else if i := strings.IndexByte(authority, ':'); i >= 0 {
		host, port = authority[:i], authority[i:]
	}
	if port != "" {
		if port = port[1:]; !validPort(port) || authority[len(authority)-len(port)-1] != ':' {
			return "", "", false
		}
	}
	if !strings.HasPrefix(authority, "[") && !isRegName(host) {
		return "", "", false
	}
	if len(host) > 1 {
		host = strings.TrimSuffix(host, ".")
	}
	return strings.ToLower(host), port, host != "" && host != "."
}

func validPort(s string) bool {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
		if n = n*10 + int(s[i]-'0'); n > 65535 {
			return false
		}
	}
	return true
}

// isRegName accepts the characters of a registered name without escapes.
func isRegName(s string) bool {
	for i := range len(s) {
		if c := s[i]; !ascii.IsUnreserved(c) && strings.IndexByte("!$&'()*+,;=", c) < 0 {
			return false
		}
	}
	return true
}

// Join is the inverse of Split.
func Join(host, port string) string {
	if port == "" {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, port)
}
