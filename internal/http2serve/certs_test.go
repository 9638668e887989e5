package http2serve_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
)

// picky must not answer for some hosts.
type picky struct{ *transport.SelfSignedCerts }

func (picky) Misdirected(state *tls.ConnectionState, host string) bool {
	return state != nil && strings.HasPrefix(host, "other.")
}

// A request for a host that must not be answered over its connection gets 421, and the
// connection goes on.
func TestMisdirected(t *testing.T) {
	over(t, tlsTargets, func(t *testing.T, k target) {
		s := k.serve(t, protocols(), config{certs: picky{transport.SelfSigned("a.example")}})
		for name, c := range map[string]*http.Client{"h2": s.client(t), "http/1.1": s.client1(t)} {
			for _, tt := range []struct {
				host   string
				status int
			}{{"a.example", 200}, {"other.example", 421}, {"other.example:443", 421}, {"a.example", 200}} {
				req := request(t, "GET", s.url("/"), nil)
				req.Host = tt.host
				got, err := ask(c, req)
				assert.NoError(t, err, name, " ", tt.host)
				assert.Equal(t, got.StatusCode, tt.status, name, " ", tt.host)
			}
		}
	})
}

// changing is a file system whose files may change.
type changing struct {
	mu    sync.Mutex
	files fstest.MapFS
}

func (f *changing) Open(name string) (fs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.files == nil {
		return nil, errors.New("unreadable")
	}
	return f.files.Open(name)
}

// put replaces the certificate by one with this serial number, 0 by none.
func (f *changing) put(t *testing.T, serial int64) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if serial == 0 {
		f.files = nil
		return
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	assert.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "a.example"}, DNSNames: []string{"a.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	assert.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	assert.NoError(t, err)
	f.files = fstest.MapFS{
		"cert.pem": {Data: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})},
		"key.pem":  {Data: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})},
	}
}

// Reload changes the certificate of new connections, and nothing about those that there are;
// one that fails changes nothing.
func TestReloadUnderLoad(t *testing.T) {
	over(t, tlsTargets, func(t *testing.T, k target) {
		files := new(changing)
		files.put(t, 1)
		s := k.serve(t, protocols(), config{certs: transport.CertFS(files, "cert.pem", "key.pem")})
		serial := func() int64 {
			return stateOf(s.dial(t, "h2")).PeerCertificates[0].SerialNumber.Int64()
		}
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for i := range 4 {
			c := s.client(t)
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					got, err := ask(c, request(t, "GET", s.url("/"), nil))
					if err != nil || got.body != "HTTP/2" {
						t.Errorf("got %q and %v", got.body, err)
						return
					}
					if i == 0 {
						c.CloseIdleConnections()
					}
				}
			})
		}
		reloader := s.Server.(tako.Reloader)
		old := s.framed(t).settled()
		for n := int64(1); n < 10; n++ {
			files.put(t, n)
			assert.NoError(t, reloader.Reload(t.Context()))
			assert.Equal(t, serial(), n)
		}
		files.put(t, 0)
		if reloader.Reload(t.Context()) == nil {
			t.Error("no error without files")
		}
		assert.Equal(t, serial(), int64(9))
		old.get(1, "/")
		old.answered(200, 1)
		close(stop)
		wg.Wait()
	})
}

// Without certificates there is nothing to reload.
func TestReloadNothing(t *testing.T) {
	over(t, clearTargets, func(t *testing.T, k target) {
		s := k.serve(t, protocols(), config{})
		assert.NoError(t, s.Server.(tako.Reloader).Reload(t.Context()))
	})
}
