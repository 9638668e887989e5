package tako

import (
	"fmt"
	"net"
	"net/netip"
	"time"
)

// ProxyMode says what a server does with the PROXY protocol, by which a balancer tells
// who it connects for.
type ProxyMode uint8

const (
	// ProxyOff knows no PROXY protocol: a header is taken for what it is not, and refused.
	ProxyOff ProxyMode = iota
	// ProxyRequired closes connections that do not begin with a header, or that are not from a
	// trusted source.
	ProxyRequired
	// ProxyOptional believes a header of a trusted source, which need not send one, but something:
	// until it does nobody knows which it is. What others send is not taken for a header.
	ProxyOptional
	// ProxyIgnore reads the headers of trusted sources and drops them: the addresses are those
	// of the socket. What others send is not taken for a header.
	ProxyIgnore
)

// String returns "off", "required", "optional" or "ignore".
func (m ProxyMode) String() string {
	switch m {
	case ProxyOff:
		return "off"
	case ProxyRequired:
		return "required"
	case ProxyOptional:
		return "optional"
	case ProxyIgnore:
		return "ignore"
	}
	return fmt.Sprintf("ProxyMode(%d)", uint8(m))
}

// ProxyConfig configures the PROXY protocol, versions 1 and 2, of a server. It comes first
// on a connection, before TLS. The zero value is without.
type ProxyConfig struct {
	// Mode says what is done with headers.
	// Default: ProxyOff.
	Mode ProxyMode
	// Trusted are the networks, as CIDR, and addresses of who may send a header. Unless Mode is
	// ProxyOff there must be some; "0.0.0.0/0" and "::/0" trust everybody. Peers without an IP
	// address, as those of Unix sockets, are trusted: who may connect is a matter of the file. Where
	// there are no others, "unix" says so.
	Trusted []string
	// Timeout bounds the time from the connection to the end of its header.
	// Default: 5 s. NoLimit is an error.
	Timeout time.Duration
	// MaxBytes bounds a header of version 2, which may have up to 65551 bytes.
	// Default: 4 KiB.
	MaxBytes int
}

// Limits of ProxyConfig.MaxBytes: the addresses of Unix sockets have to fit, and the
// length field cannot tell more.
const (
	minProxyBytes = 16 + 216
	maxProxyBytes = 16 + 65535
)

// WithDefaults returns c with defaults for what is zero. The error names what is wrong.
func (c ProxyConfig) WithDefaults() (ProxyConfig, error) {
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 4 << 10
	}
	switch {
	case c.Mode > ProxyIgnore:
		return c, fmt.Errorf("tako: proxy: unknown Mode %d", c.Mode)
	case c.Timeout < 0:
		return c, fmt.Errorf("tako: proxy: Timeout is %v: it must be positive, or 0 for the default", c.Timeout)
	case c.MaxBytes < minProxyBytes || c.MaxBytes > maxProxyBytes:
		return c, fmt.Errorf("tako: proxy: MaxBytes is %d: it must be %d to %d, or 0 for the default", c.MaxBytes, minProxyBytes, maxProxyBytes)
	case c.Mode != ProxyOff && len(c.Trusted) == 0:
		return c, fmt.Errorf("tako: proxy: Trusted is empty: name who may send headers, such as 10.0.0.0/8")
	}
	_, err := c.Networks()
	return c, err
}

// Networks returns Trusted as networks.
func (c ProxyConfig) Networks() ([]netip.Prefix, error) {
	networks := make([]netip.Prefix, 0, len(c.Trusted))
	for _, s := range c.Trusted {
		if s == "unix" {
			continue
		}
		p, err := parseNetwork(s)
		if err != nil {
			return nil, fmt.Errorf("tako: proxy: Trusted: %q is neither a network nor an address", s)
		}
		networks = append(networks, p)
	}
	return networks, nil
}

// ProxyHeader is what a trusted proxy told of a connection by the PROXY protocol. It is
// read-only.
type ProxyHeader struct {
	// Version is 1 or 2.
	Version int
	// Local says that the connection is the proxy's own, as for a health check, or that it does
	// not tell for whom it is: LOCAL of version 2, UNKNOWN of version 1, or an unspecified family.
	Local bool
	// Proxy and ProxyLocal are the two ends of the socket. Those of the client are in
	// ConnInfo, unless Local is set.
	Proxy, ProxyLocal net.Addr
	// ALPN is the protocol that the client agreed on with the proxy, "" if unknown.
	ALPN string
	// Authority is the host name that the client asked the proxy for, as SNI; "" if unknown.
	Authority string
	// UniqueID is the proxy's id of the connection, up to 128 bytes.
	UniqueID []byte
	// NetNS is the name of the proxy's network namespace.
	NetNS string
	// TLS is what the client agreed on with the proxy, nil if that does not tell.
	TLS *ProxyTLS
	// AWSEndpoint is the id of an AWS VPC endpoint, AzureLink that of an Azure private endpoint,
	// GCPConnection that of a Private Service Connect of Google: as the bytes that came.
	AWSEndpoint, AzureLink, GCPConnection []byte
	// TLVs are all that came but padding, in their order, those above included.
	TLVs []ProxyTLV
}

// ProxyTLS is what a proxy tells of the TLS between it and the client.
type ProxyTLS struct {
	// Used says that the client came over TLS.
	Used bool
	// ConnCert says that this connection had a client certificate, SessCert that the session had.
	ConnCert, SessCert bool
	// Verified says that the certificate was there and was found good.
	Verified bool
	// Version, CommonName, Cipher, SigAlg, KeyAlg and Group are texts of the proxy, such as "TLSv1.3".
	Version, CommonName, Cipher, SigAlg, KeyAlg, Group string
	// Cert is the client certificate in DER, if the proxy sends it.
	Cert []byte
}

// ProxyTLV is a field of a header of version 2.
type ProxyTLV struct {
	Type  byte
	Value []byte
}
