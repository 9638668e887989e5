package transport

import (
	"context"
	"crypto/tls"
	"log/slog"
	"sync/atomic"

	"golang.org/x/crypto/acme"
)

// A certUser is what TLS was called for: one server.
type certUser struct {
	certs     *Certs
	protocols []string
	log       *slog.Logger
	view      atomic.Pointer[view]
}

// A view is a snapshot with the protocols of a server.
type view struct {
	snap    *snapshot
	configs []*tls.Config // as snapshot.entries
	refuse  *tls.Config   // for names that are not known
	prove   *tls.Config   // for an ACME server, nil without
}

// config returns the configuration of the server. Everything that may change comes
// from forClient.
func (u *certUser) config() *tls.Config {
	return &tls.Config{
		MinVersion:             u.certs.cfg.minVersion(),
		CipherSuites:           aeadSuites(),
		NextProtos:             u.protocols,
		SessionTicketsDisabled: u.certs.tickets.off,
		GetConfigForClient:     u.forClient,
	}
}

func (u *certUser) forClient(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	v := u.now()
	if v.prove != nil && proves(hello) {
		return v.prove, nil
	}
	i := v.snap.choose(hello, u.certs.cfg.Strict)
	if i < 0 {
		u.log.Debug("no certificate for the server name of a handshake", "name", hello.ServerName)
		return v.refuse, nil
	}
	return v.configs[i], nil
}

// proves tells the handshakes of an ACME server (RFC 8737, section 3) from others.
func proves(hello *tls.ClientHelloInfo) bool {
	return len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acme.ALPNProto
}

// now returns the view of the current snapshot.
func (u *certUser) now() *view {
	snap := u.certs.current.Load()
	if v := u.view.Load(); v != nil && v.snap == snap {
		return v
	}
	v := &view{snap: snap, configs: make([]*tls.Config, len(snap.entries))}
	for i := range snap.entries {
		v.configs[i] = snap.entries[i].base.Clone()
		v.configs[i].NextProtos = u.protocols
	}
	// Without a certificate crypto/tls sends unrecognized_name; a ticket must not get
	// around that.
	v.refuse = &tls.Config{MinVersion: u.certs.cfg.minVersion(), CipherSuites: aeadSuites(),
		NextProtos: u.protocols, SessionTicketsDisabled: true}
	v.prove = u.certs.cfg.proof(u.log)
	u.view.Store(v)
	return v
}

// join begins to watch files for u, until ctx ends.
func (c *Certs) join(ctx context.Context, u *certUser) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users[u] = struct{}{}
	if c.watching == nil && !c.cfg.NoWatch {
		c.watching = c.watch(u.log)
	}
	context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.users, u)
		if len(c.users) == 0 && c.watching != nil {
			c.watching()
			c.watching = nil
		}
	})
}

// log returns the log of one of the servers, as one line is enough for all.
func (c *Certs) log() *slog.Logger {
	c.mu.Lock()
	defer c.mu.Unlock()
	for u := range c.users {
		return u.log
	}
	return slog.Default()
}
