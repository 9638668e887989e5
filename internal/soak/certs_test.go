package soak

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
)

// renewed is a certificate in files, with a new number each time it is written.
type renewed struct {
	folder string
	serial atomic.Int64
}

func newRenewed(tb testing.TB) (*renewed, *transport.Certs) {
	r := &renewed{folder: tb.TempDir()}
	_, err := r.renew()
	assert.NoError(tb, err)
	return r, transport.CertFiles(r.path("cert.pem"), r.path("key.pem"))
}

func (r *renewed) path(name string) string { return filepath.Join(r.folder, name) }

// renew writes a new pair. In between the two do not belong together.
func (r *renewed) renew() (int64, error) {
	serial := r.serial.Add(1)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return 0, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "soak"}, DNSNames: []string{"soak.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return 0, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return 0, err
	}
	if err := r.replace("cert.pem", "CERTIFICATE", cert); err != nil {
		return 0, err
	}
	return serial, r.replace("key.pem", "PRIVATE KEY", secret)
}

// replace renames, as a file that is written in place can be read half.
func (r *renewed) replace(name, kind string, der []byte) error {
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(r.path(name+".new"), text, 0o600); err != nil {
		return err
	}
	return os.Rename(r.path(name+".new"), r.path(name))
}
