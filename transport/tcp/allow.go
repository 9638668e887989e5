package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/tako-go/tako/internal/connlimit"
)

// list is what [Allow] and [Deny] return.
type list struct {
	name  string
	texts []string
	allow bool
}

// Allow lets in only clients from these networks, as CIDR, and addresses. "unix" and "vsock" stand
// for all clients of such sockets, which have no address. What is neither is an error of Listen.
func Allow(networks ...string) Layer { return list{"Allow", networks, true} }

// Deny is the contrary of [Allow].
func Deny(networks ...string) Layer { return list{"Deny", networks, false} }

// Wrap implements [Layer].
func (l list) Wrap(_ context.Context, _ Setup, next Handler) (Handler, error) {
	var networks []netip.Prefix
	var kinds []string
	if len(l.texts) == 0 {
		return nil, fmt.Errorf("tcp: %s without networks", l.name)
	}
	for _, text := range l.texts {
		if text == "unix" || text == "vsock" {
			kinds = append(kinds, text)
			continue
		}
		network, err := parseNetwork(text)
		if err != nil {
			return nil, fmt.Errorf("tcp: %s: %q is neither a network nor an address", l.name, text)
		}
		networks = append(networks, network)
	}
	return func(ctx context.Context, c *Conn) error {
		if l.allow != matches(c.info.Remote, networks, kinds) {
			return fmt.Errorf("%w: not allowed", ErrRefused)
		}
		return next(ctx, c)
	}, nil
}

func matches(remote net.Addr, networks []netip.Prefix, kinds []string) bool {
	ip := connlimit.IP(remote)
	if !ip.IsValid() {
		return remote != nil && slices.Contains(kinds, remote.Network())
	}
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(ip) })
}

func parseNetwork(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		ip, err := netip.ParseAddr(text)
		if err != nil || ip.Zone() != "" {
			return netip.Prefix{}, errors.New("no address")
		}
		ip = ip.Unmap()
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err == nil && network.Addr().Is4In6() {
		if network.Bits() < 96 {
			return netip.Prefix{}, errors.New("more than the mapped addresses")
		}
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-96)
	}
	return network.Masked(), err
}
