package proxyproto

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"

	"github.com/tako-go/tako"
)

// Ends returns the ends of the client's connection, nil if the header does not tell.
func (h *Header) Ends() (remote, local net.Addr) {
	switch {
	case h.Local:
		return nil, nil
	case h.SourcePath != nil || h.DestinationPath != nil:
		return unixAddr(h.SourcePath), unixAddr(h.DestinationPath)
	}
	return tcpAddr(h.Source), tcpAddr(h.Destination)
}

// introduced is what is told of a connection, in one piece of memory.
type introduced struct {
	info   tako.ConnInfo
	header tako.ProxyHeader
	ends   [2]net.TCPAddr
	ips    [2][16]byte
}

// addr is one of the ends.
func (i *introduced) addr(n int, a netip.AddrPort) net.Addr {
	if !a.IsValid() || a.Addr().Zone() != "" {
		return tcpAddr(a)
	}
	i.ips[n] = a.Addr().As16()
	ip := i.ips[n][:]
	if a.Addr().Is4() {
		ip = ip[12:]
	}
	i.ends[n] = net.TCPAddr{IP: ip, Port: int(a.Port())}
	return &i.ends[n]
}

func tcpAddr(a netip.AddrPort) net.Addr { return net.TCPAddrFromAddrPort(a) }

func unixAddr(name []byte) net.Addr {
	if len(name) > 0 && name[0] == 0 {
		return &net.UnixAddr{Net: "unix", Name: "@" + string(name[1:])}
	}
	return &net.UnixAddr{Net: "unix", Name: string(name)}
}

// fill copies what the header tells; remote and local are the ends of the socket. Of a field that
// came twice the first has the named place; TLVs has both. Padding is left out, and fields of clouds
// have their named place only if they have the form that the cloud gives them.
func (h *Header) fill(p *tako.ProxyHeader, remote, local net.Addr) {
	p.Version, p.Local, p.Proxy, p.ProxyLocal = int(h.Version), h.Local, remote, local
	if len(h.TLVs) == 0 {
		return
	}
	block, text := bytes.Clone(h.TLVs), string(h.TLVs) // all names are parts of the one
	if n := count(block); n > 0 {
		p.TLVs = make([]tako.ProxyTLV, 0, n)
	}
	var seen set
	for len(block) > 0 {
		typ, value, rest, ok := cutTLV(block)
		if !ok {
			break
		}
		behind := len(text) - len(rest)
		name := text[behind-len(value) : behind]
		block = rest
		if typ == typeNoop {
			continue
		}
		p.TLVs = append(p.TLVs, tako.ProxyTLV{Type: typ, Value: value})
		if !seen.has(typ) && place(p, typ, value, name) {
			seen.add(typ)
		}
	}
}

// set is one of types.
type set [4]uint64

func (s *set) has(typ byte) bool { return s[typ>>6]&(1<<(typ&63)) != 0 }
func (s *set) add(typ byte)      { s[typ>>6] |= 1 << (typ & 63) }

// count returns the number of fields that are not padding.
func count(block []byte) (n int) {
	for len(block) > 0 {
		typ, _, rest, ok := cutTLV(block)
		if !ok {
			break
		}
		if block = rest; typ != typeNoop {
			n++
		}
	}
	return n
}

// place sets the named field of p that value, which is the same as text, belongs to. It reports
// whether value is of use there.
func place(p *tako.ProxyHeader, typ byte, value []byte, text string) bool {
	switch typ {
	case typeALPN:
		p.ALPN = text
	case typeAuthority:
		p.Authority = text
	case typeUniqueID:
		p.UniqueID = value
	case typeNetNS:
		p.NetNS = text
	case typeTLS:
		p.TLS = proxyTLS(value, text)
	case typeAWS:
		if len(value) < 1 || value[0] != 1 {
			return false
		}
		p.AWSEndpoint = value[1:]
	case typeAzure:
		if len(value) != 5 || value[0] != 1 {
			return false
		}
		p.AzureLink = value[1:]
	case typeGCP:
		if len(value) != 8 {
			return false
		}
		p.GCPConnection = value
	}
	return true
}

// proxyTLS reads the field of TLS, which Parse has found well formed.
func proxyTLS(b []byte, text string) *tako.ProxyTLS {
	did, certs := b[0], b[0]&6
	t := &tako.ProxyTLS{Used: did&1 != 0, ConnCert: did&2 != 0, SessCert: did&4 != 0}
	t.Verified = certs != 0 && binary.BigEndian.Uint32(b[1:]) == 0
	var seen set
	for b = b[tlsFixed:]; len(b) > 0; {
		typ, value, rest, ok := cutTLV(b)
		if !ok {
			break
		}
		b = rest
		if seen.has(typ) {
			continue
		}
		seen.add(typ)
		behind := len(text) - len(rest)
		name := text[behind-len(value) : behind]
		switch typ {
		case subVersion:
			t.Version = name
		case subCommonName:
			t.CommonName = name
		case subCipher:
			t.Cipher = name
		case subSigAlg:
			t.SigAlg = name
		case subKeyAlg:
			t.KeyAlg = name
		case subGroup:
			t.Group = name
		case subCert:
			t.Cert = value
		}
	}
	return t
}
