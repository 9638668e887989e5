package transport_test

import (
	"context"
	"crypto/tls"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
)

func serves(t *testing.T, server *tls.Config, ca *authority, p pair) bool {
	t.Helper()
	return shake(t, server, &tls.Config{RootCAs: ca.pool(), ServerName: "example.com"}).serial(t) == p.serial()
}

func TestTL08Reload(t *testing.T) {
	ca := newCA(t, "ca")
	p, next, other := ca.issue(t, names("example.com")), ca.issue(t, names("example.com")), ca.issue(t, names("example.com"))
	cert, key := files(t, p)
	certs := transport.NewCerts(transport.CertConfig{Certs: []transport.Cert{{CertFile: cert, KeyFile: key}}, NoWatch: true})
	var j journal
	server, err := certs.TLS(t.Context(), nil, j.log())
	assert.NoError(t, err)

	for name, bad := range map[string]struct{ cert, key []byte }{
		"half written": {next.cert[:len(next.cert)/2], next.key},
		"cut key":      {next.cert, next.key[:len(next.key)-30]},
		"no match":     {next.cert, other.key},
		"empty":        {nil, nil},
		"cut chain":    {slices.Concat(next.cert, ca.pem[:len(ca.pem)/2]), next.key},
	} {
		failures := certs.Stats().Failures
		put(t, cert, bad.cert)
		put(t, key, bad.key)
		err := certs.Reload(t.Context())
		if err == nil {
			t.Fatalf("%s: no error", name)
		}
		got := certs.Stats()
		assert.Equal(t, got.Failures, failures+1, name)
		assert.ErrorIs(t, got.LastError, err, name)
		assert.Equal(t, got.Expires, p.tls.Leaf.NotAfter, name)
		assert.Equal(t, strings.Count(j.String(), "the old ones stay"), int(failures+1), name)
		assert.Equal(t, serves(t, server, ca, p), true, name)
	}
	assert.NoError(t, os.Remove(cert))
	assert.ErrorIs(t, certs.Reload(t.Context()), os.ErrNotExist)

	old, _, ended := begin(t, server, &tls.Config{RootCAs: ca.pool(), ServerName: "example.com"})
	put(t, cert, next.cert)
	put(t, key, next.key)
	assert.NoError(t, certs.Reload(t.Context()))
	assert.Equal(t, serves(t, server, ca, next), true)
	_, err = old.Write([]byte("still here"))
	assert.NoError(t, err)
	old.Close()
	assert.NoError(t, ended())
	got := certs.Stats()
	got.Failures = 0
	assert.Equal(t, got, transport.CertStats{Reloads: 1, Expires: next.tls.Leaf.NotAfter})
	assert.NoError(t, certs.Reload(t.Context()))
	assert.Equal(t, certs.Stats().Reloads, uint64(1), "nothing had changed")
}

func TestTL08UnderLoad(t *testing.T) {
	ca := newCA(t, "ca")
	pairs := []pair{ca.issue(t, names("example.com")), ca.issue(t, names("example.com"))}
	cert, key := files(t, pairs[0])
	certs := transport.CertFiles(cert, key)
	server := serverConfig(t, certs)
	var stop atomic.Bool
	var done sync.WaitGroup
	for range 4 {
		done.Go(func() {
			client := &tls.Config{RootCAs: ca.pool(), ServerName: "example.com", ClientSessionCache: tls.NewLRUClientSessionCache(1)}
			for !stop.Load() {
				if r := shake(t, server, client); r.clientErr != nil || r.serverErr != nil {
					t.Errorf("client: %v, server: %v", r.clientErr, r.serverErr)
					return
				}
				certs.Stats()
				certs.Misdirected(&tls.ConnectionState{ServerName: "example.com"}, "a")
			}
		})
	}
	for i := range 30 {
		p := pairs[(i+1)%2]
		put(t, cert, p.cert)
		certs.Reload(t.Context()) // the key does not match yet
		put(t, key, p.key)
		assert.NoError(t, certs.Reload(t.Context()))
	}
	stop.Store(true)
	done.Wait()
	assert.Equal(t, serves(t, server, ca, pairs[0]), true)
}

func TestTL08Watch(t *testing.T) {
	ca := newCA(t, "ca")
	p, next := ca.issue(t, names("example.com")), ca.issue(t, names("example.com"))
	for name, tt := range map[string]struct {
		lay     func(t *testing.T, dir string) (cert, key string)
		replace func(t *testing.T, dir string, certs *transport.Certs)
	}{
		"renamed over": {
			func(t *testing.T, dir string) (string, string) { return lay(t, dir, p) },
			func(t *testing.T, dir string, _ *transport.Certs) { lay(t, dir, next) },
		},
		"written in place": {
			func(t *testing.T, dir string) (string, string) { return lay(t, dir, p) },
			func(t *testing.T, dir string, _ *transport.Certs) {
				assert.NoError(t, os.WriteFile(filepath.Join(dir, "cert.pem"), next.cert, 0o600))
				assert.NoError(t, os.WriteFile(filepath.Join(dir, "key.pem"), next.key, 0o600))
			},
		},
		"Kubernetes": {
			func(t *testing.T, dir string) (string, string) {
				lay(t, filepath.Join(dir, "..1"), p)
				link(t, "..1", filepath.Join(dir, "..data"))
				link(t, "..data/cert.pem", filepath.Join(dir, "cert.pem"))
				link(t, "..data/key.pem", filepath.Join(dir, "key.pem"))
				return filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
			},
			func(t *testing.T, dir string, _ *transport.Certs) {
				lay(t, filepath.Join(dir, "..2"), next)
				link(t, "..2", filepath.Join(dir, "..data"))
				assert.NoError(t, os.RemoveAll(filepath.Join(dir, "..1")))
			},
		},
		"links to another directory": {
			func(t *testing.T, dir string) (string, string) {
				lay(t, filepath.Join(dir, "archive"), p)
				assert.NoError(t, os.Mkdir(filepath.Join(dir, "live"), 0o700))
				link(t, "../archive/cert.pem", filepath.Join(dir, "live", "cert.pem"))
				link(t, "../archive/key.pem", filepath.Join(dir, "live", "key.pem"))
				return filepath.Join(dir, "live", "cert.pem"), filepath.Join(dir, "live", "key.pem")
			},
			func(t *testing.T, dir string, _ *transport.Certs) { lay(t, filepath.Join(dir, "archive"), next) },
		},
		"link to the directory": {
			func(t *testing.T, dir string) (string, string) {
				lay(t, filepath.Join(dir, "1"), p)
				link(t, filepath.Join(dir, "1"), filepath.Join(dir, "now"))
				return filepath.Join(dir, "now", "cert.pem"), filepath.Join(dir, "now", "key.pem")
			},
			func(t *testing.T, dir string, _ *transport.Certs) {
				lay(t, filepath.Join(dir, "2"), next)
				link(t, filepath.Join(dir, "2"), filepath.Join(dir, "now"))
			},
		},
		"directory exchanged": {
			func(t *testing.T, dir string) (string, string) { return lay(t, filepath.Join(dir, "now"), p) },
			func(t *testing.T, dir string, _ *transport.Certs) {
				lay(t, filepath.Join(dir, "next"), next)
				assert.NoError(t, os.Rename(filepath.Join(dir, "now"), filepath.Join(dir, "old")))
				assert.NoError(t, os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "now")))
			},
		},
		"directory made again": {
			func(t *testing.T, dir string) (string, string) { return lay(t, filepath.Join(dir, "now"), p) },
			func(t *testing.T, dir string, certs *transport.Certs) {
				assert.NoError(t, os.RemoveAll(filepath.Join(dir, "now")))
				assert.Eventually(t, patience, "the loss noticed", func() bool { return certs.Stats().LastError != nil })
				lay(t, filepath.Join(dir, "now"), next)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			certs := transport.CertFiles(tt.lay(t, dir))
			server := serverConfig(t, certs)
			comes := func(about string, change func(pair)) {
				t.Helper()
				p := next
				if change != nil {
					p = ca.issue(t, names("example.com"))
					change(p)
				}
				assert.Eventually(t, patience, about, func() bool { return serves(t, server, ca, p) })
			}
			// The first may be found when watching begins, the second is found by watching.
			comes("the second certificate", func(p pair) { lay(t, place(t, dir), p) })
			comes("the third certificate", func(p pair) { lay(t, place(t, dir), p) })
			tt.replace(t, dir, certs)
			comes("the certificate in its new place", nil)
			comes("the one after that", func(p pair) { lay(t, place(t, dir), p) })
		})
	}
}

// place finds where the files of a layout are now.
func place(t *testing.T, dir string) string {
	t.Helper()
	for _, sub := range []string{"..data", "archive", "now", "."} {
		if _, err := os.Stat(filepath.Join(dir, sub, "cert.pem")); err == nil {
			return filepath.Join(dir, sub)
		}
	}
	t.Fatal("no cert.pem in ", dir)
	return ""
}

// lay puts a pair into a directory, by renaming.
func lay(t *testing.T, dir string, p pair) (cert, key string) {
	t.Helper()
	assert.NoError(t, os.MkdirAll(dir, 0o700))
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	put(t, cert, p.cert)
	put(t, key, p.key)
	return cert, key
}

// link puts a symbolic link in the place of another.
func link(t *testing.T, to, name string) {
	t.Helper()
	if err := os.Symlink(to, name+".new"); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	assert.NoError(t, os.Rename(name+".new", name))
}

func TestTL08WatchKeepsOld(t *testing.T) {
	ca := newCA(t, "ca")
	p, next := ca.issue(t, names("example.com")), ca.issue(t, names("example.com"))
	cert, key := files(t, p)
	certs := transport.CertFiles(cert, key)
	var j journal
	server, err := certs.TLS(t.Context(), nil, j.log())
	assert.NoError(t, err)
	put(t, cert, next.cert)
	assert.Eventually(t, patience, "the mismatch noticed", func() bool { return certs.Stats().Failures == 1 })
	assert.Contains(t, j.String(), "private key does not match")
	assert.Equal(t, serves(t, server, ca, p), true)
	put(t, key, next.key)
	assert.Eventually(t, patience, "the pair taken over", func() bool { return certs.Stats().Reloads == 1 })
	assert.Equal(t, certs.Stats().LastError, nil)
	assert.Equal(t, serves(t, server, ca, next), true)
}

func TestTL06WatchesAuthorities(t *testing.T) {
	old, next := newCA(t, "old"), newCA(t, "next")
	p, c := old.issue(t, names("example.com")), old.issue(t, forClient("client.example"))
	caFile, _ := files(t, pair{cert: old.pem})
	certs := transport.NewCerts(transport.CertConfig{Certs: []transport.Cert{{CertPEM: p.cert, KeyPEM: p.key}}, ClientAuth: transport.ClientAuth{CAFile: caFile}})
	server := serverConfig(t, certs)
	client := &tls.Config{RootCAs: old.pool(), ServerName: "example.com", ClientSessionCache: tls.NewLRUClientSessionCache(1),
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c.tls, nil }}
	shake(t, server, client).serial(t)
	put(t, caFile, next.pem)
	assert.Eventually(t, patience, "the client refused", func() bool { return shake(t, server, client).clientErr != nil })
}

// Two servers share the certificates; watching ends with the last of them.
func TestWatchEnds(t *testing.T) {
	watching := func() int { return goroutines("transport.(*certWatch).run") }
	assert.Eventually(t, patience, "the watchers of other tests to end", func() bool { return watching() == 0 })
	ca := newCA(t, "ca")
	p, next := ca.issue(t, names("example.com")), ca.issue(t, names("example.com"))
	cert, key := files(t, p)
	certs := transport.CertFiles(cert, key)
	one, endOne := context.WithCancel(t.Context())
	two, endTwo := context.WithCancel(t.Context())
	defer endTwo()
	first, err := certs.TLS(one, []string{"h2"}, quiet())
	assert.NoError(t, err)
	second, err := certs.TLS(two, []string{"http/1.1"}, quiet())
	assert.NoError(t, err)
	client := &tls.Config{RootCAs: ca.pool(), ServerName: "example.com", NextProtos: []string{"h2", "http/1.1"}}
	assert.Equal(t, shake(t, first, client).client.NegotiatedProtocol, "h2")
	assert.Equal(t, shake(t, second, client).client.NegotiatedProtocol, "http/1.1")

	assert.Eventually(t, patience, "one watcher for both", func() bool { return watching() == 1 })

	endOne()
	lay(t, filepath.Dir(cert), next)
	assert.Eventually(t, patience, "the new certificate", func() bool { return serves(t, second, ca, next) })
	assert.Equal(t, certs.Stats().Reloads, uint64(1))
	endTwo()
	assert.Eventually(t, patience, "the watcher to end", func() bool { return watching() == 0 && goroutines("fsnotify") == 0 })
	assert.Equal(t, serves(t, second, ca, next), true, "handshakes go on while a server drains")

	lay(t, filepath.Dir(cert), p)
	third, err := certs.TLS(t.Context(), nil, quiet())
	assert.NoError(t, err)
	assert.Equal(t, serves(t, third, ca, p), true)
	assert.Eventually(t, patience, "watching again", func() bool { return watching() == 1 })
}

// A reload changes nothing for connections that are there.
func TestOldConnections(t *testing.T) {
	ca := newCA(t, "ca")
	p, next := ca.issue(t, names("example.com")), ca.issue(t, names("example.com"))
	cert, key := files(t, p)
	certs := transport.CertFiles(cert, key)
	server := serverConfig(t, certs)
	near, far := connected(t)
	defer near.Close()
	var done sync.WaitGroup
	done.Go(func() {
		defer far.Close()
		srv := tls.Server(far, server)
		io.Copy(srv, srv)
	})
	conn := tls.Client(near, &tls.Config{RootCAs: ca.pool(), ServerName: "example.com"})
	echo := func() {
		t.Helper()
		_, err := conn.Write([]byte("x"))
		assert.NoError(t, err)
		_, err = io.ReadFull(conn, make([]byte, 1))
		assert.NoError(t, err)
	}
	echo()
	lay(t, filepath.Dir(cert), next)
	assert.Eventually(t, patience, "the new certificate", func() bool { return serves(t, server, ca, next) })
	echo()
	conn.Close()
	done.Wait()
}
