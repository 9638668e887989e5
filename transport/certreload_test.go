package transport_test

import (
	"context"
	"crypto/tls"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
)

// swapped is a file system that is exchanged after its first file was opened.
type swapped struct {
	now, next fstest.MapFS
}

func (s *swapped) Open(name string) (fs.File, error) {
	file, err := s.now.Open(name)
	if s.next != nil {
		s.now, s.next = s.next, nil
	}
	return file, err
}

func TestTL08ReadWhileReplaced(t *testing.T) {
	ca := newCA(t, "ca")
	disk := func(p pair) fstest.MapFS { return fstest.MapFS{"cert.pem": {Data: p.cert}, "key.pem": {Data: p.key}} }
	first, second, third := ca.issue(t, names("example.com")), ca.issue(t, names("example.com")), ca.issue(t, names("example.com"))
	fsys := &swapped{now: disk(first), next: disk(second)}
	certs := transport.CertFS(fsys, "cert.pem", "key.pem")
	server := serverConfig(t, certs)
	assert.Equal(t, serves(t, server, ca, second), true, "at start")
	fsys.next = disk(third)
	assert.NoError(t, certs.Reload(t.Context()))
	assert.Equal(t, serves(t, server, ca, third), true, "at a reload")
	assert.Equal(t, certs.Stats(), transport.CertStats{Reloads: 1, Expires: third.tls.Leaf.NotAfter})
}

// A second server finds other files than the first.
func TestTL08SecondServer(t *testing.T) {
	ca := newCA(t, "ca")
	p, next, other := ca.issue(t, names("example.com")), ca.issue(t, names("example.com")), ca.issue(t)
	cert, key := files(t, p)
	certs := transport.NewCerts(transport.CertConfig{Certs: []transport.Cert{{CertFile: cert, KeyFile: key}}, NoWatch: true})
	first := serverConfig(t, certs)
	lay(t, filepath.Dir(cert), next)
	var j journal
	second, err := certs.TLS(t.Context(), nil, j.log())
	assert.NoError(t, err)
	for _, server := range []*tls.Config{first, second} {
		assert.Equal(t, serves(t, server, ca, next), true)
	}
	assert.Equal(t, certs.Stats().Reloads, uint64(1))
	assert.Equal(t, strings.Count(j.String(), "certificates reloaded"), 1)

	put(t, key, other.key)
	third, err := certs.TLS(t.Context(), nil, j.log())
	assert.NoError(t, err, "there is a good one")
	assert.Equal(t, serves(t, third, ca, next), true)
	assert.Equal(t, certs.Stats().Failures, uint64(1))
	assert.Contains(t, j.String(), "the old ones stay")
}

// An emptied file is no change of authorities, also beside others.
func TestTL06EmptiedAuthorities(t *testing.T) {
	ca, more := newCA(t, "ca"), newCA(t, "more")
	p, c := ca.issue(t, names("example.com")), ca.issue(t, forClient("client.example"))
	caFile, _ := files(t, pair{cert: ca.pem})
	for name, auth := range map[string]transport.ClientAuth{"text": {CAFile: caFile, CAPEM: more.pem}, "pool": {CAFile: caFile, CAs: more.pool()}} {
		put(t, caFile, ca.pem)
		certs := transport.NewCerts(transport.CertConfig{Certs: []transport.Cert{{CertPEM: p.cert, KeyPEM: p.key}}, ClientAuth: auth, NoWatch: true})
		server := serverConfig(t, certs)
		put(t, caFile, nil)
		if certs.Reload(t.Context()) == nil {
			t.Error(name, ": an empty file was taken over")
		}
		client := &tls.Config{RootCAs: ca.pool(), ServerName: "example.com",
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c.tls, nil }}
		shake(t, server, client).serial(t)
	}
}

// A key that could not be read is read when its mode changes, which is no change of
// what is in it.
func TestTL08ModeChanged(t *testing.T) {
	ca := newCA(t, "ca")
	p, next := ca.issue(t, names("example.com")), ca.issue(t, names("example.com"))
	cert, key := files(t, p)
	// By its other name the key can be written without an event: it stands for a
	// permission that an administrator does not need.
	other := filepath.Join(t.TempDir(), "key.pem")
	if err := os.Link(key, other); err != nil {
		t.Skip("no hard links here: ", err)
	}
	certs := transport.CertFiles(cert, key)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server, err := certs.TLS(ctx, nil, quiet())
	assert.NoError(t, err)
	put(t, cert, next.cert)
	assert.Eventually(t, patience, "the mismatch noticed", func() bool { return certs.Stats().LastError != nil })
	assert.NoError(t, os.WriteFile(other, next.key, 0o600))
	assert.NoError(t, os.Chmod(key, 0o640))
	assert.Eventually(t, patience, "the pair taken over", func() bool { return certs.Stats().Reloads == 1 })
	assert.Equal(t, serves(t, server, ca, next), true)
}
