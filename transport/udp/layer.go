package udp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/tako-go/tako"
)

// Handler serves a datagram. ctx ends when the server does not wait for the handler any
// longer, with [ErrCut] as its cause. An error, or a panic, is counted and logged, and
// concerns no other datagram. It is called by many goroutines at once.
type Handler func(ctx context.Context, p *Packet) error

// A Layer stands around a handler, as a middleware of HTTP does: [Middleware], [Allow],
// [RateLimit].
type Layer interface {
	// Wrap is called once, by Listen.
	Wrap(next Handler) Handler
}

// Middleware is a Layer made of a function.
type Middleware func(next Handler) Handler

// Wrap calls m.
func (m Middleware) Wrap(next Handler) Handler { return m(next) }

// ErrRefused is returned by layers that do not let a datagram pass. It is counted but not
// logged, so that it costs little.
var ErrRefused = errors.New("udp: datagram refused")

// checked is a Layer whose mistakes Listen returns.
type checked interface{ check() error }

// wrap puts the layers around h, the first outermost.
func wrap(h Handler, layers []Layer) (Handler, error) {
	for i := len(layers) - 1; i >= 0; i-- {
		if layers[i] == nil {
			return nil, fmt.Errorf("udp: layer %d is nil", i+1)
		}
		if c, ok := layers[i].(checked); ok {
			if err := c.check(); err != nil {
				return nil, err
			}
		}
		if h = layers[i].Wrap(h); h == nil {
			return nil, fmt.Errorf("udp: layer %d has made no handler", i+1)
		}
	}
	return h, nil
}

type allow []string

// Allow refuses datagrams that are not from one of the networks, as CIDR, or addresses. What
// has no IP address, as on Unix sockets, passes. A sender's address can be forged.
func Allow(networks ...string) Layer { return allow(networks) }

func (a allow) check() error {
	if len(a) == 0 {
		return errors.New("udp: Allow: no network is named")
	}
	_, err := a.networks()
	return err
}

func (a allow) networks() ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, text := range a {
		// Trusted reads addresses in the same way everywhere.
		p, err := tako.ProxyConfig{Trusted: []string{text}}.Networks()
		if err != nil || len(p) == 0 {
			return nil, fmt.Errorf("udp: Allow: %q is neither a network nor an address", text)
		}
		networks = append(networks, p...)
	}
	return networks, nil
}

func (a allow) Wrap(next Handler) Handler {
	networks, _ := a.networks() // checked
	return func(ctx context.Context, p *Packet) error {
		ip := p.remote.Addr().WithZone("")
		if !ip.IsValid() {
			return next(ctx, p)
		}
		for _, n := range networks {
			if n.Contains(ip) {
				return next(ctx, p)
			}
		}
		return ErrRefused
	}
}
