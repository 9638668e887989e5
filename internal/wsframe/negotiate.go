package wsframe

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Deflate is what client and server have agreed on, the parameters of permessage-deflate (RFC
// 7692, section 7.1). Its zero value is no compression.
type Deflate struct {
	// Agreed says that messages may be compressed.
	Agreed bool
	// ServerNoContext and ClientNoContext say that the server, or the client, compresses each
	// message without those before it (no_context_takeover).
	ServerNoContext, ClientNoContext bool
	// ServerBits and ClientBits bound the window that the server, or the client, compresses
	// with to 2^bits bytes: 8 to 15, where 0 is 15.
	ServerBits, ClientBits uint8
}

// DeflateConfig is what one end wants of permessage-deflate. A server imposes it as far as the
// protocol allows, a client asks for it.
type DeflateConfig struct {
	// ServerNoContext and ClientNoContext want compression without context takeover, which
	// saves the memory of windows: 4 KiB for what is sent and up to 32 KiB for what is
	// received.
	ServerNoContext, ClientNoContext bool
	// ServerBits and ClientBits want windows of no more than 2^bits bytes. 0 is 15, others are
	// held to 8 to 15. A server can bound the client only if that says that it understands.
	ServerBits, ClientBits uint8
}

// The names of RFC 7692, section 7.1.
const (
	deflateName     = "permessage-deflate"
	serverNoContext = "server_no_context_takeover"
	clientNoContext = "client_no_context_takeover"
	serverMaxBits   = "server_max_window_bits"
	clientMaxBits   = "client_max_window_bits"
)

var (
	errDeflateParams = errors.New("permessage-deflate with parameters that are not valid")
	errUnoffered     = errors.New("extension that was not offered")
)

// deflateParams are those of one element. Bits are 0 if there are none.
type deflateParams struct {
	serverNoContext, clientNoContext bool
	serverBits, clientBits           uint8
	clientUnderstands                bool // client_max_window_bits is there
}

// parseDeflate reads the parameters of an offer or response; only in an offer may
// client_max_window_bits lack a value.
func parseDeflate(e extension, offer bool) (d deflateParams, err error) {
	seen := map[string]bool{}
	for _, p := range e.params {
		if seen[p.name] {
			return d, errDeflateParams
		}
		seen[p.name] = true
		ok := true
		switch p.name {
		case serverNoContext:
			d.serverNoContext, ok = true, !p.valued
		case clientNoContext:
			d.clientNoContext, ok = true, !p.valued
		case serverMaxBits:
			d.serverBits, ok = parseBits(p)
		case clientMaxBits:
			d.clientUnderstands = true
			if p.valued || !offer {
				d.clientBits, ok = parseBits(p)
			}
		default:
			ok = false
		}
		if !ok {
			return d, errDeflateParams
		}
	}
	return d, nil
}

// parseBits reads 8 to 15, without leading zeros.
func parseBits(p param) (uint8, bool) {
	n, err := strconv.ParseUint(p.value, 10, 8)
	return uint8(n), err == nil && n >= 8 && n <= 15 && p.value[0] != '0'
}

// AcceptDeflate chooses the first offer of permessage-deflate that a server can take, from all
// Sec-WebSocket-Extensions fields of a request, and returns the field to answer with. Offers
// whose parameters are unknown, doubled or not valid are declined, and all of them if a field
// is malformed. Without an agreement response is "".
func AcceptDeflate(fields []string, want DeflateConfig) (agreed Deflate, response string) {
	list, err := parseExtensions(fields)
	if err != nil {
		return Deflate{}, ""
	}
	for _, e := range list {
		if e.name != deflateName {
			continue
		}
		d, err := parseDeflate(e, true)
		if err != nil {
			continue
		}
		agreed = Deflate{
			Agreed:          true,
			ServerNoContext: d.serverNoContext || want.ServerNoContext,
			ClientNoContext: d.clientNoContext || want.ClientNoContext,
			ServerBits:      lesserBits(d.serverBits, want.ServerBits),
		}
		if d.clientUnderstands {
			agreed.ClientBits = lesserBits(d.clientBits, want.ClientBits)
		}
		params := deflateParams{agreed.ServerNoContext, agreed.ClientNoContext, agreed.ServerBits, agreed.ClientBits, false}
		if d.serverBits == 15 && params.serverBits == 0 {
			params.serverBits = 15 // what was asked for is confirmed
		}
		return agreed, params.String()
	}
	return Deflate{}, ""
}

// lesserBits returns the lesser of two bounds, 0 for 15.
func lesserBits(a, b uint8) uint8 {
	least := min(clampBits(a), clampBits(b))
	if least == 15 {
		return 0
	}
	return least
}

func clampBits(b uint8) uint8 {
	if b == 0 {
		return 15
	}
	return min(max(b, 8), 15)
}

// OfferDeflate returns the Sec-WebSocket-Extensions field of a client.
func OfferDeflate(want DeflateConfig) string {
	return deflateParams{want.ServerNoContext, want.ClientNoContext, lesserBits(0, want.ServerBits), lesserBits(0, want.ClientBits), true}.String()
}

// ConfirmDeflate reads the Sec-WebSocket-Extensions fields of the response to the offer of want,
// or to no offer if offered is false. After an error the client has to fail the connection:
// something is malformed, or was not offered, or what was asked for is not granted.
func ConfirmDeflate(fields []string, want DeflateConfig, offered bool) (agreed Deflate, err error) {
	list, err := parseExtensions(fields)
	if err != nil || len(list) == 0 {
		return Deflate{}, err
	}
	if !offered || len(list) > 1 || list[0].name != deflateName {
		return Deflate{}, fmt.Errorf("%w: %q", errUnoffered, strings.Join(fields, ", "))
	}
	d, err := parseDeflate(list[0], false)
	if err != nil {
		return Deflate{}, err
	}
	if want.ServerNoContext && !d.serverNoContext || clampBits(d.serverBits) > clampBits(want.ServerBits) ||
		d.clientBits > clampBits(want.ClientBits) {
		return Deflate{}, errDeflateParams
	}
	return Deflate{
		Agreed:          true,
		ServerNoContext: d.serverNoContext,
		ClientNoContext: d.clientNoContext || want.ClientNoContext,
		ServerBits:      lesserBits(d.serverBits, 0),
		ClientBits:      lesserBits(d.clientBits, want.ClientBits),
	}, nil
}

// String is d as an element of the field.
func (d deflateParams) String() string {
	var b strings.Builder
	b.WriteString(deflateName)
	if d.serverNoContext {
		b.WriteString("; " + serverNoContext)
	}
	if d.clientNoContext {
		b.WriteString("; " + clientNoContext)
	}
	if d.serverBits != 0 {
		fmt.Fprintf(&b, "; %s=%d", serverMaxBits, d.serverBits)
	}
	if d.clientBits != 0 {
		fmt.Fprintf(&b, "; %s=%d", clientMaxBits, d.clientBits)
	} else if d.clientUnderstands {
		b.WriteString("; " + clientMaxBits)
	}
	return b.String()
}
