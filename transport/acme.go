package transport

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/tako-go/tako"
)

// ACME gets certificates from an authority that speaks ACME (RFC 8555), such as
// Let's Encrypt, and renews them. It proves that it owns a host by the handshakes of the
// server itself (tls-alpn-01), which must be reached at port 443, or by
// [ACME.HTTPHandler] (http-01).
//
// The first handshake for a host orders its certificate and waits for it, until its own
// time is over; renewal goes on beside the handshakes. After an order that failed the
// host is not tried again for a minute, then for 4, 16 and 60. It implements [tako.Certs] itself; for the options of
// [CertConfig] put it into a [Cert]. It must not be copied or changed once it is used.
type ACME struct {
	// Hosts are the names that certificates are ordered for, without wildcards. Others
	// get the first one's, or are refused with CertConfig.Strict.
	Hosts []string
	// AcceptTerms says that you accept the authority's terms of service. It must be
	// true.
	AcceptTerms bool
	// Email is where the authority writes to.
	// Default: nowhere.
	Email string
	// CacheDir is a directory for the account's key, the certificates and their keys,
	// made with mode 0700 if it is not there. Authorities limit how many certificates they
	// give, so it must outlive the process. Several processes may share it: where the
	// system has flock, one of them orders a certificate and the others wait for it.
	CacheDir string
	// DirectoryURL is where the authority is found.
	// Default: that of Let's Encrypt.
	DirectoryURL string
	// HTTPClient speaks to the authority.
	// Default: http.DefaultClient.
	HTTPClient *http.Client
	// RenewBefore is how long before their end certificates are renewed; a minute at
	// least, and more than 30 days counts as 30.
	// Default: a third of their life, 30 days at most.
	RenewBefore time.Duration

	once    sync.Once
	manager *autocert.Manager
	certs   *Certs
	orders  acmeOrders
	log     atomic.Pointer[slog.Logger]
}

var _ tako.Certs = (*ACME)(nil)

func (a *ACME) init() {
	a.once.Do(func() {
		a.manager = &autocert.Manager{
			Prompt:      autocert.AcceptTOS,
			HostPolicy:  autocert.HostWhitelist(a.Hosts...),
			Cache:       autocert.DirCache(a.CacheDir),
			Email:       a.Email,
			RenewBefore: a.RenewBefore,
			Client:      &acme.Client{DirectoryURL: a.DirectoryURL, HTTPClient: a.HTTPClient, UserAgent: "tako"},
		}
		if a.DirectoryURL == "" {
			a.manager.Client.DirectoryURL = autocert.DefaultACMEDirectory
		}
		a.orders.get = func(key acmeKey) (*tls.Certificate, error) { return a.manager.GetCertificate(key.hello()) }
		a.orders.cached, a.orders.lock, a.orders.tell = a.cached, a.lock, a.tell
		a.certs = NewCerts(CertConfig{Certs: []Cert{{ACME: a}}})
	})
}

// TLS is [Certs.TLS]. It adds acme-tls/1 to what handshakes may agree on: a server
// closes such connections when their handshake is done.
func (a *ACME) TLS(ctx context.Context, protocols []string, log *slog.Logger) (*tls.Config, error) {
	a.init()
	return a.certs.TLS(ctx, protocols, log)
}

// Reload does nothing: certificates are renewed in time.
func (a *ACME) Reload(ctx context.Context) error {
	a.init()
	return a.certs.Reload(ctx)
}

// Misdirected is false, as all hosts ask the same of clients.
func (a *ACME) Misdirected(state *tls.ConnectionState, host string) bool {
	a.init()
	return a.certs.Misdirected(state, host)
}

// HTTPHandler answers the authority's requests at port 80 (http-01) below
// "/.well-known/acme-challenge/", and passes the others on. Once it was called both ways
// of proof are tried.
// Default of fallback: a redirect to https.
func (a *ACME) HTTPHandler(fallback http.Handler) http.Handler {
	a.init()
	return a.manager.HTTPHandler(fallback)
}

func (a *ACME) check() error {
	switch {
	case len(a.Hosts) == 0:
		return errors.New("ACME.Hosts is empty")
	case !a.AcceptTerms:
		return errors.New("ACME.AcceptTerms is false: the authority's terms of service must be accepted")
	case a.CacheDir == "":
		return errors.New("ACME.CacheDir is empty")
	case a.RenewBefore != 0 && a.RenewBefore < time.Minute:
		return fmt.Errorf("ACME.RenewBefore is %v: it must be a minute at least", a.RenewBefore)
	}
	for _, host := range a.Hosts {
		if strings.HasPrefix(host, "*") {
			return fmt.Errorf("ACME host %q: neither tls-alpn-01 nor http-01 gives wildcards", host)
		}
		if !strings.Contains(strings.TrimSuffix(host, "."), ".") {
			return fmt.Errorf("ACME host %q: authorities give no certificates for single labels", host)
		}
	}
	return nil
}

// get is asked at each handshake. Names that are not known get the first host's.
func (a *ACME) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	a.init()
	key := acmeKey{host: normalHost(a.Hosts[0]), rsa: !takesECDSA(hello)}
	for _, host := range a.Hosts {
		if normalHost(host) == normalHost(hello.ServerName) {
			key.host = normalHost(host)
		}
	}
	cert, err := a.orders.wait(hello.Context(), key)
	if err != nil {
		return nil, fmt.Errorf("transport: acme: certificate for %s: %w", key.host, err)
	}
	return cert, nil
}

// takesECDSA asks for what autocert makes: ECDSA over P-256, or RSA for old clients.
func takesECDSA(hello *tls.ClientHelloInfo) bool {
	p256 := &ecdsa.PrivateKey{PublicKey: ecdsa.PublicKey{Curve: elliptic.P256()}}
	asked := *hello
	asked.ServerName = "" // there is no certificate to compare it with
	return asked.SupportsCertificate(&tls.Certificate{PrivateKey: p256}) == nil
}

// tell logs an order that failed. Handshakes in the pause after it are not logged.
func (a *ACME) tell(host string, err error, again time.Time) {
	if log := a.log.Load(); log != nil {
		log.Error("no certificate from the ACME server", "host", host, "err", err, "again", again)
	}
}

// proof is the configuration for handshakes of ACME servers, nil if no certificate comes
// from one.
func (cfg *CertConfig) proof(log *slog.Logger) *tls.Config {
	var all []*ACME
	for i := range cfg.Certs {
		if a := cfg.Certs[i].ACME; a != nil {
			all = append(all, a)
		}
	}
	if len(all) == 0 {
		return nil
	}
	get := func(hello *tls.ClientHelloInfo) (cert *tls.Certificate, err error) {
		for _, a := range all {
			a.init()
			if cert, err = a.manager.GetCertificate(hello); err == nil {
				return cert, nil
			}
		}
		return nil, err
	}
	get = bounded(get, func() *slog.Logger { return log })
	return &tls.Config{MinVersion: cfg.minVersion(), CipherSuites: aeadSuites(), GetCertificate: get,
		NextProtos: []string{acme.ALPNProto}, SessionTicketsDisabled: true}
}
