package proxyproto

import (
	"net/netip"
	"unsafe"
)

// maxLine is what a header of version 1 can have, CRLF included.
const maxLine = 107

// parse1 reads a line of which the signature is there.
func (h *Header) parse1(b []byte) (int, error) {
	end, err := lineEnd(b)
	if end == 0 || err != nil {
		return 0, err
	}
	*h = Header{Version: 1}
	family, rest := word(b[len(signature1):end])
	switch string(family) {
	case "UNKNOWN":
		h.Local = true
		return end + 2, nil
	case "TCP4", "TCP6":
	default:
		return 0, malformed("unknown family")
	}
	var fields [4][]byte
	for i := range fields {
		if rest == nil {
			return 0, malformed("too few words")
		}
		fields[i], rest = word(rest)
	}
	if rest != nil {
		return 0, malformed("too many words")
	}
	var ok bool
	if h.Source, ok = end1(fields[0], fields[2], family[3] == '4'); !ok {
		return 0, malformed("invalid source")
	}
	if h.Destination, ok = end1(fields[1], fields[3], family[3] == '4'); !ok {
		return 0, malformed("invalid destination")
	}
	return end + 2, nil
}

// lineEnd returns where CRLF stands, 0 if it has not come yet.
func lineEnd(b []byte) (int, error) {
	for i := len(signature1); i < min(len(b), maxLine); i++ {
		switch {
		case b[i] == '\n':
			return 0, malformed("LF without CR")
		case b[i] != '\r':
		case i == maxLine-1:
			return 0, malformed("line too long")
		case i+1 == len(b):
			return 0, nil
		case b[i+1] != '\n':
			return 0, malformed("CR without LF")
		default:
			return i, nil
		}
	}
	if len(b) >= maxLine {
		return 0, malformed("line too long")
	}
	return 0, nil
}

// word cuts b at the first space; rest is nil if there is none.
func word(b []byte) (first, rest []byte) {
	for i, c := range b {
		if c == ' ' {
			return b[:i], b[i+1:]
		}
	}
	return b, nil
}

// end1 reads an address and a port.
func end1(address, port []byte, v4 bool) (netip.AddrPort, bool) {
	if len(address) == 0 {
		return netip.AddrPort{}, false
	}
	for _, c := range address {
		if c == '%' { // a zone means nothing here
			return netip.AddrPort{}, false
		}
	}
	// netip wants a string, and keeps nothing of one without a zone.
	addr, err := netip.ParseAddr(unsafe.String(&address[0], len(address)))
	if err != nil || addr.Is4() != v4 {
		return netip.AddrPort{}, false
	}
	n, ok := decimal(port)
	return netip.AddrPortFrom(addr, n), ok
}

// decimal reads a port.
func decimal(b []byte) (uint16, bool) {
	if len(b) == 0 || len(b) > 5 || b[0] == '0' && len(b) > 1 {
		return 0, false
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return uint16(n), n <= 65535
}
