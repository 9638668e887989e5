package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net/netip"
	"time"
)

// selfSignedLife is the longest that browsers accept for a certificate they know by
// its hash, as of WebTransport's serverCertificateHashes.
const selfSignedLife = 14 * 24 * time.Hour

// SelfSignedCerts are [Certs] with a certificate that was made for this process.
type SelfSignedCerts struct {
	*Certs
	leaf *x509.Certificate // nil if it could not be made
}

// SelfSigned makes a certificate for development: ECDSA over P-256, valid for 14 days
// from an hour ago, and not renewed. Hosts are names and IP addresses; a wildcard may be
// among them.
// Default: localhost, 127.0.0.1 and ::1.
func SelfSigned(hosts ...string) *SelfSignedCerts {
	cert, key, err := makeSelfSigned(hosts, time.Now())
	if err != nil {
		certs := NewCerts(CertConfig{})
		certs.mistake = fmt.Errorf("transport: self-signed certificate: %w", err)
		return &SelfSignedCerts{Certs: certs}
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	keyText := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	return &SelfSignedCerts{Certs: CertPEM(text, keyText), leaf: cert}
}

// CertPool returns what a client has as RootCAs to trust the certificate.
func (s *SelfSignedCerts) CertPool() *x509.CertPool {
	pool := x509.NewCertPool()
	if s.leaf != nil {
		pool.AddCert(s.leaf)
	}
	return pool
}

// Fingerprint returns the SHA-256 hash of the certificate.
func (s *SelfSignedCerts) Fingerprint() [32]byte {
	if s.leaf == nil {
		return [32]byte{}
	}
	return sha256.Sum256(s.leaf.Raw)
}

func makeSelfSigned(hosts []string, now time.Time) (cert *x509.Certificate, pkcs8 []byte, err error) {
	if len(hosts) == 0 {
		hosts = []string{"localhost", "127.0.0.1", "::1"}
	}
	from := now.Add(-time.Hour).UTC().Truncate(time.Second) // clocks of clients may be late
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "tako, for development"},
		NotBefore:             from,
		NotAfter:              from.Add(selfSignedLife - time.Second), // both ends count
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, host := range hosts {
		if ip, err := netip.ParseAddr(host); err == nil {
			template.IPAddresses = append(template.IPAddresses, ip.WithZone("").AsSlice())
			continue
		}
		name, err := normalPattern(host)
		if err != nil {
			return nil, nil, err
		}
		template.DNSNames = append(template.DNSNames, name)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	if pkcs8, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		return nil, nil, err
	}
	cert, err = x509.ParseCertificate(der)
	return cert, pkcs8, err
}
