package transport

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/tako-go/tako"
)

// Protocol is what an [Endpoint] speaks.
type Protocol uint8

// The protocols of endpoints. TCP and TLS are raw streams, without and with TLS, over whatever
// carries streams; UDP is raw datagrams.
const (
	HTTP Protocol = iota + 1
	HTTPS
	H3
	TCP
	TLS
	UDP
)

// String returns the scheme, such as "https".
func (p Protocol) String() string {
	switch p {
	case HTTP:
		return "http"
	case HTTPS:
		return "https"
	case H3:
		return "h3"
	case TCP:
		return "tcp"
	case TLS:
		return "tls"
	case UDP:
		return "udp"
	}
	return fmt.Sprintf("Protocol(%d)", uint8(p))
}

// packets says that it goes over datagrams.
func (p Protocol) packets() bool { return p == H3 || p == UDP }

// Endpoint is an entry of a listen list.
type Endpoint struct {
	// Protocol is what is spoken.
	Protocol Protocol
	// Scheme is what the entry begins with, such as "https+unix".
	Scheme string
	// Network is "tcp", "udp", "unix", "vsock", or "fd" for a socket that was passed.
	Network string
	// Address is a host and port, a path or "@name", a port or CID and port, a number or the
	// name of a passed socket.
	Address string
	// Listen makes the listener; nil with H3 and UDP.
	Listen tako.ListenFunc
	// ListenPacket makes the socket of H3 and UDP; nil with others.
	ListenPacket tako.ListenPacketFunc
	// Proxy is what the options say of the PROXY protocol. Other fields of it can be set before
	// it is used.
	Proxy tako.ProxyConfig
	// Unix is what the options say of the file of a Unix socket.
	Unix UnixConfig
}

// String returns the entry of a list, in one way of writing it.
func (e Endpoint) String() string {
	return e.Scheme + "://" + e.addressText() + e.optionText()
}

// ParseListen parses what a server listens on, as a flag has it: entries "scheme://address",
// between them commas or spaces. The functions that it makes bind nothing before they are
// called. The error says which entry is wrong, and what it should be.
//
// The scheme is http, https, h3, tcp (raw streams), tls (raw streams over TLS) or udp with an
// address "host:port", ":port" or "[ip]:port"; if a service manager has passed the socket of
// this address, that is used (see [Listen]). With "+unix" a stream scheme has a path or an
// abstract name, with "+vsock" PORT or CID:PORT; "unix" and "vsock" alone are those of http. In
// place of host and port there may be fd:N, for the descriptor N, or fd:NAME, for what a
// service manager calls so.
//
//	https://:8443,h3://:8443 unix:///run/app.sock?mode=0600 vsock://8080 tcp://fd:echo
//
// Options follow as a query. Unix sockets have mode, in octal, owner and group; if the socket
// was passed they are the manager's matter. Streams have proxy=required, optional or ignore,
// with proxy-from, an address or a network, once or more, and proxy-timeout, such as 5s: see
// [tako.ProxyConfig]. A comma, a space, "?", "&" and "%" in a path or a value are written as
// %2C and so on.
func ParseListen(list string) ([]Endpoint, error) {
	var endpoints []Endpoint
	seen := map[string]string{}
	for entry := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		e, err := parseEndpoint(entry)
		if err != nil {
			return nil, fmt.Errorf("transport: listen list: entry %d, %q: %w", len(endpoints)+1, entry, err)
		}
		if key := e.key(); key != "" {
			if before, twice := seen[key]; twice {
				return nil, fmt.Errorf("transport: listen list: entry %d, %q: %s is in the list already: %s", len(endpoints)+1, entry, key, before)
			}
			seen[key] = entry
		}
		endpoints = append(endpoints, e)
	}
	if endpoints == nil {
		return nil, errors.New("transport: listen list: it is empty: give entries such as http://:8080")
	}
	return endpoints, nil
}

// key is what two entries cannot both have, "" if there is no such thing: several sockets may
// have one name, and port 0 is always another.
func (e Endpoint) key() string {
	switch {
	case e.Network == "fd" && !isNumber(e.Address):
		return ""
	case e.Network != "fd" && e.Network != "unix" && (e.Address == "0" || strings.HasSuffix(e.Address, ":0")):
		return ""
	}
	return e.Network + " " + e.Address
}

func parseEndpoint(entry string) (Endpoint, error) {
	scheme, rest, ok := strings.Cut(entry, "://")
	if !ok {
		return Endpoint{}, errors.New("it must be scheme://address, such as http://:8080")
	}
	e := Endpoint{Scheme: strings.ToLower(scheme)}
	if err := e.parseScheme(); err != nil {
		return Endpoint{}, err
	}
	address, options, _ := strings.Cut(rest, "?")
	if err := e.parseAddress(address); err != nil {
		return Endpoint{}, err
	}
	if err := e.parseOptions(options); err != nil {
		return Endpoint{}, err
	}
	e.bind()
	return e, nil
}

func (e *Endpoint) parseScheme() error {
	base, carrier, carried := strings.Cut(e.Scheme, "+")
	if e.Scheme == "unix" || e.Scheme == "vsock" {
		base, carrier, carried = "http", e.Scheme, true
	}
	for p := HTTP; p <= UDP; p++ {
		if p.String() == base {
			e.Protocol = p
		}
	}
	switch {
	case e.Protocol == 0, carried && carrier != "unix" && carrier != "vsock":
		return fmt.Errorf("unknown scheme %q: it must be http, https, h3, tcp, tls or udp, or http, https, tcp or tls with +unix or +vsock, or unix or vsock", e.Scheme)
	case carried && e.Protocol.packets():
		return fmt.Errorf("scheme %q: %s needs datagrams, and goes over UDP only", e.Scheme, base)
	case carried:
		e.Network = carrier
	case e.Protocol.packets():
		e.Network = "udp"
	default:
		e.Network = "tcp"
	}
	return nil
}

// bind sets the functions.
func (e *Endpoint) bind() {
	packets := e.Protocol.packets()
	switch {
	case e.Network == "fd" && packets:
		e.ListenPacket = passedPacketOf(e.Address)
	case e.Network == "fd":
		e.Listen = passedOf(e.Address)
	case packets:
		e.ListenPacket = ListenPacket(e.Network, e.Address)
	case e.Network == "unix":
		e.Listen = passedOr(e.Network, e.Address, Unix(e.Address, e.Unix))
	default:
		e.Listen = Listen(e.Network, e.Address)
	}
}
