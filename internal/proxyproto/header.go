// Package proxyproto reads the PROXY protocol, versions 1 and 2, by which a balancer tells
// at the beginning of a connection who it connects for, and applies a [tako.ProxyConfig].
package proxyproto

import (
	"bytes"
	"errors"
	"net/netip"
)

// ErrMalformed is matched by the errors of headers that break the protocol, with the reason.
var ErrMalformed = errors.New("proxyproto: malformed header")

// malformed is the reason.
type malformed string

func (m malformed) Error() string        { return ErrMalformed.Error() + ": " + string(m) }
func (m malformed) Is(target error) bool { return target == ErrMalformed }

const (
	signature1 = "PROXY "
	signature2 = "\r\n\r\n\x00\r\nQUIT\n"
)

// Header is one header, over the memory it was parsed from.
type Header struct {
	// Version is 1 or 2.
	Version byte
	// Local says that the ends are those of the socket: LOCAL and UNSPEC of version 2, UNKNOWN of version 1.
	Local bool
	// Source and Destination are the ends of the client's connection, zero unless they are of IP.
	Source, Destination netip.AddrPort
	// SourcePath and DestinationPath are the names of Unix sockets without padding, nil unless they
	// are of Unix. Abstract ones begin with NUL; one without a name is empty.
	SourcePath, DestinationPath []byte
	// TLVs is the block of fields behind the addresses, well formed.
	TLVs []byte
}

// Begins reports whether b begins with the signature of a header, and if not, whether it may
// when more comes.
func Begins(b []byte) (whole, part bool) {
	for _, s := range [...]string{signature1, signature2} {
		n := min(len(b), len(s))
		if string(b[:n]) == s[:n] {
			return n == len(s), n < len(s)
		}
	}
	return false, false
}

// Parse reads the header that b begins with, all that has come so far, and returns its length.
// n is 0, without an error, when more is needed. A header of version 2 that is longer than max is
// malformed. The fields of h point into b. They are not to be used unless n is above 0.
func (h *Header) Parse(b []byte, max int) (n int, err error) {
	switch whole, part := Begins(b); {
	case part:
		return 0, nil
	case !whole:
		return 0, malformed("no signature")
	case b[0] == signature1[0]:
		return h.parse1(b)
	}
	return h.parse2(b, max)
}

// trimName returns the name of a Unix socket without its padding.
func trimName(b []byte) []byte {
	if b[0] == 0 {
		return bytes.TrimRight(b, "\x00")
	}
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}
