package proxyproto

import (
	"encoding/binary"
	"math"
	"net/netip"
)

// The fixed part of a header of version 2: signature, version and command, family, length.
const (
	fixed      = 16
	commandAt  = 12
	familyAt   = 13
	lengthAt   = 14
	local      = 0x20
	proxy      = 0x21
	unspecific = 0x00
	tcp4, udp4 = 0x11, 0x12
	tcp6, udp6 = 0x21, 0x22
	stream     = 0x31
	datagram   = 0x32
	unixName   = 108
)

// parse2 reads a header of which the signature is there. It refuses as soon as it can.
func (h *Header) parse2(b []byte, max int) (int, error) {
	if len(b) <= commandAt {
		return 0, nil
	}
	if b[commandAt] != local && b[commandAt] != proxy {
		return 0, malformed("unknown version or command")
	}
	if len(b) <= familyAt {
		return 0, nil
	}
	own := b[commandAt] == local
	addresses, err := addressBytes(b[familyAt], own)
	if err != nil || len(b) < fixed {
		return 0, err
	}
	length := int(binary.BigEndian.Uint16(b[lengthAt:]))
	switch {
	case fixed+length > max:
		return 0, malformed("too long")
	case length < addresses && !own:
		return 0, malformed("shorter than its addresses")
	case len(b) < fixed+length:
		return 0, nil
	}
	b = b[:fixed+length]
	*h = Header{Version: 2, Local: own || b[familyAt] == unspecific}
	if length < addresses {
		return len(b), nil
	}
	h.TLVs = b[fixed+addresses:]
	switch err := check(b, fixed+addresses); {
	case h.Local && err != nil && err != errChecksum:
		h.TLVs = nil // the block of such a connection is skipped
	case err != nil:
		return 0, err
	case !h.Local:
		h.ends(b[familyAt], b[fixed:fixed+addresses])
	}
	return len(b), nil
}

// addressBytes returns the length of the addresses of a family. Those of datagrams can only
// stand where they are skipped: a stream has none for a client. A connection of the proxy's own
// may have any family, which is skipped with all that follows.
func addressBytes(family byte, own bool) (int, error) {
	switch family {
	case unspecific:
		return 0, nil
	case udp4, udp6, datagram:
		if !own {
			return 0, malformed("datagrams over a stream")
		}
	}
	switch family {
	case tcp4, udp4:
		return 2 * (4 + 2), nil
	case tcp6, udp6:
		return 2 * (16 + 2), nil
	case stream, datagram:
		return 2 * unixName, nil
	}
	if own {
		return math.MaxUint16 + 1, nil
	}
	return 0, malformed("unknown family")
}

// ends reads the addresses.
func (h *Header) ends(family byte, b []byte) {
	port := binary.BigEndian.Uint16
	switch family {
	case tcp4:
		h.Source = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[0:])), port(b[8:]))
		h.Destination = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:])), port(b[10:]))
	case tcp6:
		h.Source = netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[0:])), port(b[32:]))
		h.Destination = netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[16:])), port(b[34:]))
	case stream:
		h.SourcePath, h.DestinationPath = trimName(b[:unixName]), trimName(b[unixName:])
	}
}
