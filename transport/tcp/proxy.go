package tcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/connlimit"
	"github.com/tako-go/tako/internal/proxyproto"
)

type proxyLayer struct{ cfg tako.ProxyConfig }

// Proxy reads the header of the PROXY protocol. It stands before [TLS], as balancers send it before.
// What is malformed, late, or missing where it is required closes the connection. Otherwise Info
// tells the client's address, which counts for Limits.ConnsPerAddr from then on. The configuration
// is checked by Listen; the zero one is without effect.
func Proxy(cfg tako.ProxyConfig) Layer { return proxyLayer{cfg} }

// Wrap implements [Layer].
func (p proxyLayer) Wrap(_ context.Context, _ Setup, next Handler) (Handler, error) {
	gate, err := proxyproto.NewGate(p.cfg)
	if err != nil {
		return nil, fmt.Errorf("tcp: %w", err)
	}
	return func(ctx context.Context, c *Conn) error {
		if err := c.introduce(gate); err != nil {
			return err
		}
		return next(ctx, c)
	}, nil
}

func (c *Conn) introduce(gate *proxyproto.Gate) error {
	switch gate.Admit(connlimit.IP(c.info.Remote)) {
	case proxyproto.Plain:
		return nil
	case proxyproto.Refuse:
		return c.refuseHeader(errors.New("the source is not trusted"))
	}
	e := c.enter()
	pc := proxyproto.NewConn(e, gate)
	info, err := pc.Introduce(c.info, c.began)
	if err != nil {
		c.entered()
		return c.refuseHeader(err)
	}
	e.over = true
	early, _ := io.ReadAll(pc)
	c.entered()
	c.early = early
	c.greeted.Store(true)
	if !c.slot.Rekey(connlimit.Key(info.Remote)) {
		return fmt.Errorf("%w: the address behind the proxy has too many: %v", ErrRefused, info.Remote)
	}
	c.install(info, c.stream)
	return nil
}

// refuseHeader counts and logs a connection that was not introduced as it must be.
func (c *Conn) refuseHeader(err error) error {
	settled := settledError{fmt.Errorf("tcp: PROXY header: %w", err)}
	if c.idled.Load() || c.cutOff.Load() {
		return settled
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.s.stats.timedOut.Add(1)
	}
	if n := c.s.stats.refusedHeaders.Add(1); n&(n-1) == 0 {
		c.s.log.Info("PROXY header refused", "peer", c.info.Remote, "err", err, "after", time.Since(c.began), "refused", n)
	}
	return settled
}
