package runtimetest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"sync"
	"time"
)

// authority issues the certificates of a run.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
	site *tls.Certificate // of the servers of ordinary cases
}

// The suite has one authority: keys take time.
var suiteAuthority = sync.OnceValue(func() *authority { return newAuthority("suite") })

// authority returns what the certificates of the run come from.
func (t Target) authority() *authority { return suiteAuthority() }

func newAuthority(name string) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // the system has no randomness
	}
	a := &authority{key: key, pool: x509.NewCertPool()}
	a.cert = a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign}, &key.PublicKey)
	a.pool.AddCert(a.cert)
	a.site = a.issue(x509.ExtKeyUsageServerAuth, "a.example", "b.example", "localhost")
	return a
}

// sign makes a certificate that is valid now unless the template says when.
func (a *authority) sign(template *x509.Certificate, public *ecdsa.PublicKey) *x509.Certificate {
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	}
	parent := a.cert
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, a.key)
	if err != nil {
		panic(err) // the template is ours
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return cert
}

// issue makes a certificate for names.
func (a *authority) issue(usage x509.ExtKeyUsage, names ...string) *tls.Certificate {
	return a.issueUntil(time.Now().Add(24*time.Hour), usage, names...)
}

func (a *authority) issueUntil(end time.Time, usage x509.ExtKeyUsage, names ...string) *tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	cert := a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage},
		NotBefore: end.Add(-48 * time.Hour), NotAfter: end}, &key.PublicKey)
	return &tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

// pemOf returns certificate and key as they are in files.
func pemOf(cert *tls.Certificate) (certPEM, keyPEM []byte) {
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		panic(err) // the key is ours
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
}

// authorityPEM is the certificate of the authority for a file.
func (a *authority) authorityPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// siteCerts is the tako.Certs of servers where certificates are not the subject, or
// shall be spoilt: it does what the case says.
type siteCerts struct {
	mu     sync.Mutex
	cert   *tls.Certificate // nil is an error
	reload func(c *siteCerts) error
	log    *slog.Logger
	weak   bool // takes what must be refused
}

var errNoCert = errors.New("no certificate")

// certs are those of ordinary cases, for a case to change.
func (x *T) certs() *siteCerts { return &siteCerts{cert: x.target.authority().site} }

// TLS returns a configuration that asks the receiver at each handshake.
func (c *siteCerts) TLS(_ context.Context, protocols []string, log *slog.Logger) (*tls.Config, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cert == nil {
		return nil, errNoCert
	}
	c.log = log
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: protocols, GetCertificate: c.find,
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}}
	if c.weak {
		config.MinVersion = tls.VersionTLS10
		config.CipherSuites = append(config.CipherSuites, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA)
	}
	return config, nil
}

func (c *siteCerts) find(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cert, nil
}

// Reload runs what the case has prepared.
func (c *siteCerts) Reload(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reload == nil {
		return nil
	}
	err := c.reload(c)
	if err != nil && c.log != nil {
		c.log.Error("certificates are not reloaded", "err", err)
	}
	return err
}

// Misdirected is false: all hosts ask the same of clients.
func (c *siteCerts) Misdirected(*tls.ConnectionState, string) bool { return false }
