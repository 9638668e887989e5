package tcp

import (
	"context"
	"fmt"

	"github.com/tako-go/tako/internal/connlimit"
)

// capLayer is what [Limit] and [PerAddress] return.
type capLayer struct {
	name           string
	total, perAddr int
	n              int
}

// Limit lets n connections in at the same time, and closes more at once. Limits.Conns lets them
// wait instead.
func Limit(n int) Layer { return capLayer{"Limit", n, -1, n} }

// PerAddress lets n connections of one client address in at the same time, IPv6 addresses counted
// by /64, and closes more at once. Clients without an address are not counted.
func PerAddress(n int) Layer { return capLayer{"PerAddress", -1, n, n} }

// Wrap implements [Layer].
func (l capLayer) Wrap(_ context.Context, _ Setup, next Handler) (Handler, error) {
	if l.n <= 0 {
		return nil, fmt.Errorf("tcp: %s(%d): it must be positive", l.name, l.n)
	}
	count := connlimit.New(l.total, l.perAddr)
	return func(ctx context.Context, c *Conn) error {
		if !count.Try() {
			return fmt.Errorf("%w: there are too many", ErrRefused)
		}
		slot := count.Admit(c.info.Remote)
		if slot == nil {
			return fmt.Errorf("%w: its address has too many", ErrRefused)
		}
		defer slot.Release()
		return next(ctx, c)
	}, nil
}
