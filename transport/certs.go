package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"

	"github.com/tako-go/tako"
)

// CertConfig configures [Certs]. All but Certs may be left out.
type CertConfig struct {
	// Certs are the certificates of the server. The first is the default, together with
	// those of other key types for the same names.
	Certs []Cert
	// Strict refuses handshakes that name no host, or one that no certificate is for,
	// with the alert unrecognized_name. Otherwise they get the default certificate. With it
	// each Cert must have names: Hosts, or DNS names in its certificate.
	Strict bool
	// MinVersion is the oldest version of TLS that is spoken: tls.VersionTLS12 or
	// tls.VersionTLS13.
	// Default: tls.VersionTLS12.
	MinVersion uint16
	// ClientAuth is what is asked of clients where a Cert does not say otherwise.
	// Default: nothing.
	ClientAuth ClientAuth
	// Tickets configures session resumption.
	Tickets Tickets
	// NoWatch leaves changes of files to Reload.
	NoWatch bool
}

// Cert is one certificate of a server, with its private key. Exactly one of CertFile,
// CertPEM, Get and ACME is set. Several may be for the same host, of different key types: a
// client gets the first that it supports.
type Cert struct {
	// Hosts are the names it is for, as "example.com" or "*.example.com", which stands
	// for one label. Upper case and a dot at the end do not matter; other than ASCII is
	// written with xn--.
	// Default: the DNS names in the certificate; names that are stated here win over
	// those.
	Hosts []string
	// CertFile and KeyFile name PEM files with the chain, the leaf first, and the key.
	// KeyFile may be empty if the key is in CertFile too.
	CertFile, KeyFile string
	// FS has these files, and those of ClientAuth. What is in it is not watched.
	// Default: the file system of the machine.
	FS fs.FS
	// CertPEM and KeyPEM are what would be in the files.
	CertPEM, KeyPEM []byte
	// Get is asked at each handshake, by many goroutines at once. An error fails the
	// handshake; nil without an error refuses it with unrecognized_name. It should heed
	// hello.Context(), which ends with the handshake: a call that does not goes on alone, and
	// where 1024 are under way handshakes wait for one to end.
	Get func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// ACME gets the certificates; its hosts are those of the Cert.
	ACME *ACME
	// ClientAuth is what these hosts ask of clients; one that has Off asks for nothing.
	// If one Cert has its own, all but the first must state Hosts.
	// Default: CertConfig.ClientAuth.
	ClientAuth *ClientAuth
}

// Certs has the certificates of servers and takes over changes of them. It implements
// [tako.Certs]; several servers may share one, and all methods may be called concurrently.
type Certs struct {
	cfg     CertConfig
	tickets *ticketKeys
	mistake error // of the configuration, told by TLS

	loading sync.Mutex // held while files are read
	current atomic.Pointer[snapshot]

	mu       sync.Mutex
	users    map[*certUser]struct{} // what TLS was called for
	watching context.CancelFunc
	stats    CertStats
}

var _ tako.Certs = (*Certs)(nil)

// CertStats counts what happened to certificates.
type CertStats struct {
	// Reloads is how often changed certificates were taken over.
	Reloads uint64
	// Failures is how often that was not possible and the old ones stayed.
	Failures uint64
	// LastError is of the last attempt, nil if that went well.
	LastError error
	// WatchError is why changes of some files are not noticed, nil if those of all are
	// or need not be.
	WatchError error
	// Expires is when the first of the current certificates expires; zero if none is
	// known in advance.
	Expires time.Time
}

// NewCerts returns Certs with this configuration. What is wrong with it is an
// error of TLS, and so of a server's Listen.
func NewCerts(cfg CertConfig) *Certs {
	cfg.Certs = slices.Clone(cfg.Certs)
	c := &Certs{cfg: cfg, users: map[*certUser]struct{}{}}
	for i := range cfg.Certs {
		if get := cfg.Certs[i].Get; get != nil {
			cfg.Certs[i].Get = bounded(get, c.log)
		}
	}
	c.tickets, c.mistake = newTicketKeys(cfg.Tickets)
	if err := cfg.check(); err != nil {
		c.mistake = err
	}
	return c
}

// CertFiles has its certificate and key in PEM files, and watches them.
func CertFiles(cert, key string) *Certs {
	return NewCerts(CertConfig{Certs: []Cert{{CertFile: cert, KeyFile: key}}})
}

// CertFS is [CertFiles] for a file system such as an embed.FS. It is read again by
// Reload only.
func CertFS(fsys fs.FS, cert, key string) *Certs {
	return NewCerts(CertConfig{Certs: []Cert{{FS: fsys, CertFile: cert, KeyFile: key}}})
}

// CertPEM is [CertFiles] for what would be in the files.
func CertPEM(cert, key []byte) *Certs {
	return NewCerts(CertConfig{Certs: []Cert{{CertPEM: cert, KeyPEM: key}}})
}

// CertFunc asks get at each handshake, also for its host; see [Cert.Get].
func CertFunc(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *Certs {
	return NewCerts(CertConfig{Certs: []Cert{{Get: get}}})
}

// TLS reads the certificates and returns the configuration of a server that offers these
// protocols by ALPN. Files are watched until ctx ends. If another server has read good
// certificates before, bad ones are no error: it is as with Reload.
func (c *Certs) TLS(ctx context.Context, protocols []string, log *slog.Logger) (*tls.Config, error) {
	if c.mistake != nil {
		return nil, c.mistake
	}
	if log == nil {
		log = slog.Default()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	user := &certUser{certs: c, protocols: slices.Clone(protocols), log: log}
	if err := c.load(log); err != nil {
		return nil, err
	}
	for i := range c.cfg.Certs {
		if a := c.cfg.Certs[i].ACME; a != nil {
			a.log.Store(log)
		}
	}
	c.join(ctx, user)
	return user.config(), nil
}

// SetTicketKeys replaces the keys of session tickets from now on, as [Tickets.Keys]
// does from the beginning.
func (c *Certs) SetTicketKeys(keys ...[32]byte) error {
	if c.mistake != nil {
		return c.mistake
	}
	return c.tickets.set(keys)
}

// Misdirected reports whether host has another rule for client certificates than the
// server name that the handshake was for. Without a server name, and for hosts without
// a certificate, the rule is that of the default certificate; with Strict and several
// rules such hosts are misdirected. Over the handshake of an ACME server, which is asked
// for nothing, every host is.
func (c *Certs) Misdirected(state *tls.ConnectionState, host string) bool {
	now := c.current.Load()
	if now == nil || state == nil {
		return false
	}
	if state.NegotiatedProtocol == acme.ALPNProto {
		return true
	}
	if now.rules < 2 {
		return false
	}
	asked, known := now.hosts.find(hostname(host))
	if !known && c.cfg.Strict {
		return true
	}
	shaken, _ := now.hosts.find(state.ServerName)
	return now.entries[asked[0]].rule != now.entries[shaken[0]].rule
}

func (cfg *CertConfig) check() error {
	if len(cfg.Certs) == 0 {
		return errors.New("transport: no certificate: CertConfig.Certs is empty")
	}
	switch cfg.MinVersion {
	case 0, tls.VersionTLS12, tls.VersionTLS13:
	default:
		return fmt.Errorf("transport: CertConfig.MinVersion is %s: it must be TLS 1.2 or TLS 1.3", tls.VersionName(cfg.MinVersion))
	}
	if err := cfg.ClientAuth.check(); err != nil {
		return fmt.Errorf("transport: CertConfig.ClientAuth: %w", err)
	}
	for i := range cfg.Certs {
		if err := cfg.Certs[i].check(); err != nil {
			return fmt.Errorf("transport: CertConfig.Certs[%d]: %w", i, err)
		}
	}
	return cfg.checkHosts()
}

func (cert *Cert) check() error {
	sources := 0
	for _, set := range []bool{cert.CertFile != "", len(cert.CertPEM) > 0, cert.Get != nil, cert.ACME != nil} {
		if set {
			sources++
		}
	}
	switch {
	case sources != 1:
		return errors.New("exactly one of CertFile, CertPEM, Get and ACME must be set")
	case cert.KeyFile != "" && cert.CertFile == "", len(cert.KeyPEM) > 0 && len(cert.CertPEM) == 0:
		return errors.New("a key without its certificate")
	case cert.ACME != nil && len(cert.Hosts) > 0:
		return errors.New("state the hosts in ACME")
	case cert.ACME != nil:
		return cert.ACME.check()
	}
	if cert.ClientAuth == nil {
		return nil
	}
	if err := cert.ClientAuth.checkOwn(); err != nil {
		return fmt.Errorf("ClientAuth: %w", err)
	}
	return nil
}
