package tcp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/handshake"
)

// tlsLayer is what [TLS] returns.
type tlsLayer struct {
	certs     tako.Certs
	protocols []string
}

// TLS does a handshake with certificates, offering these protocols by ALPN, the best first. Who
// offers only others is refused; without any, nothing is agreed. Info tells the state. It takes no
// longer than Limits.HandshakeTimeout. The certificates are checked by Listen.
func TLS(certs tako.Certs, protocols ...string) Layer { return tlsLayer{certs, protocols} }

// Wrap implements [Layer].
func (t tlsLayer) Wrap(ctx context.Context, setup Setup, next Handler) (Handler, error) {
	if t.certs == nil {
		return nil, errors.New("tcp: TLS without certificates")
	}
	config, err := t.certs.TLS(ctx, t.protocols, setup.Log)
	if err != nil {
		return nil, fmt.Errorf("tcp: certificates: %w", err)
	}
	return func(ctx context.Context, c *Conn) error {
		if err := c.shake(config); err != nil {
			return err
		}
		return next(ctx, c)
	}, nil
}

// Reload reads the certificates again.
func (t tlsLayer) Reload(ctx context.Context) error { return t.certs.Reload(ctx) }

func (c *Conn) shake(config *tls.Config) error {
	secured := tls.Server(c.enter(), config)
	result := handshake.Do(secured, c.s.limits.HandshakeTimeout)
	c.entered()
	if result.Err != nil {
		if !c.idled.Load() && !c.cutOff.Load() {
			result.Count(c.s.log, c.info.Remote, &c.s.stats.refusedHandshakes, &c.s.stats.timedOut)
		}
		_ = c.raw.Close()
		c.closed.Store(true)
		return settledError{fmt.Errorf("tcp: %w", result.Err)}
	}
	state := secured.ConnectionState()
	info := *c.info
	info.TLS = &state
	c.install(&info, secured)
	return nil
}
