package transport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/tako-go/tako"
)

// passedMark begins the address of a socket that was passed.
const passedMark = "fd:"

// maxSocketName is what systemd allows.
const maxSocketName = 255

// parseAddress is called after parseScheme. It makes the address canonical.
func (e *Endpoint) parseAddress(text string) (err error) {
	name, passed := strings.CutPrefix(text, passedMark)
	switch {
	case e.Network == "unix":
		e.Address, err = parsePath(text)
	case e.Network == "vsock":
		cid, port, parseErr := parseVSock(text)
		e.Address, err = vsockText(cid, port), parseErr
	case passed:
		e.Network = "fd"
		e.Address, err = parsePassed(name)
	default:
		e.Address, err = parseHostPort(text)
	}
	return err
}

// addressText is what parseAddress has parsed.
func (e Endpoint) addressText() string {
	switch e.Network {
	case "fd":
		return passedMark + escape(e.Address)
	case "unix":
		return escape(e.Address)
	}
	return e.Address
}

func parsePath(text string) (string, error) {
	path, err := url.PathUnescape(text)
	switch {
	case err != nil:
		return "", fmt.Errorf("path %q: %w", text, err)
	case !strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "@"):
		return "", fmt.Errorf("path %q must begin with / or @, as in unix:///run/app.sock and unix://@app", path)
	case len(path) == 1:
		return "", fmt.Errorf("path %q has no name", path)
	case strings.ContainsRune(path, 0):
		return "", fmt.Errorf("path %q has a NUL byte", path)
	}
	return path, nil
}

func parsePassed(text string) (string, error) {
	name, err := url.PathUnescape(text)
	switch {
	case err != nil:
		return "", fmt.Errorf("socket name %q: %w", text, err)
	case name == "" || len(name) > maxSocketName:
		return "", fmt.Errorf("socket name %q must have 1 to %d bytes, as in fd:3 and fd:web", name, maxSocketName)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == ':' || r == 0x7f }):
		return "", fmt.Errorf("socket name %q must not have a colon or control characters", name)
	}
	if n, err := strconv.ParseUint(name, 10, 31); err == nil {
		return strconv.FormatUint(n, 10), nil
	}
	return name, nil
}

func isNumber(text string) bool {
	_, err := strconv.ParseUint(text, 10, 31)
	return err == nil
}

func passedOf(address string) tako.ListenFunc {
	if n, err := strconv.ParseUint(address, 10, 31); err == nil {
		return FD(int(n))
	}
	return Activated(address)
}

func passedPacketOf(address string) tako.ListenPacketFunc {
	if n, err := strconv.ParseUint(address, 10, 31); err == nil {
		return FDPacket(int(n))
	}
	return ActivatedPacket(address)
}

func parseHostPort(text string) (string, error) {
	if strings.ContainsAny(text, "/#@") {
		return "", fmt.Errorf("address %q must be host:port only, such as :8080", text)
	}
	host, service, err := net.SplitHostPort(text)
	if err != nil {
		var wrong *net.AddrError
		if errors.As(err, &wrong) {
			return "", fmt.Errorf("address %q: %s: it must be host:port, such as :8080, 127.0.0.1:8080 or [::1]:8080", text, wrong.Err)
		}
		return "", err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return "", fmt.Errorf("port %q must be a number from 0 to 65535", service)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.String()
	} else if host = strings.ToLower(host); !isHostName(host) {
		return "", fmt.Errorf("host %q is neither a name nor an IP address", host)
	}
	return net.JoinHostPort(host, strconv.FormatUint(port, 10)), nil
}

// isHostName allows "", which is any address.
func isHostName(host string) bool {
	return len(host) <= 253 && !strings.ContainsFunc(host, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_'
	})
}

// escape leaves what needs no escape in a list, in a path or in an option.
func escape(text string) string {
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~/@:", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
