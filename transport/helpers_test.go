package transport_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// patience is ten times and more what anything here takes.
const patience = 30 * time.Second

// An authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

// A pair is a certificate with its key, as text too.
type pair struct {
	cert, key []byte
	tls       tls.Certificate
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	assert.NoError(t, err)
	return key
}

func newCA(t testing.TB, name string) *authority {
	t.Helper()
	ca := &authority{key: newKey(t)}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(10000 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, ca.key.Public(), ca.key)
	assert.NoError(t, err)
	ca.cert, err = x509.ParseCertificate(der)
	assert.NoError(t, err)
	ca.pem = block("CERTIFICATE", der)
	return ca
}

func (ca *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// issue signs a certificate for servers; change makes it another one.
func (ca *authority) issue(t testing.TB, change ...func(*x509.Certificate)) pair {
	t.Helper()
	key := newKey(t)
	template := ca.template(change)
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	assert.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	assert.NoError(t, err)
	return newPair(t, block("CERTIFICATE", der), block("PRIVATE KEY", keyDER))
}

func (ca *authority) issueRSA(t testing.TB, change ...func(*x509.Certificate)) pair {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	assert.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, ca.template(change), ca.cert, key.Public(), ca.key)
	assert.NoError(t, err)
	return newPair(t, block("CERTIFICATE", der), block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)))
}

func (ca *authority) template(change []func(*x509.Certificate)) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	template := &x509.Certificate{SerialNumber: serial, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(5000 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, f := range change {
		f(template)
	}
	return template
}

func newPair(t testing.TB, cert, key []byte) pair {
	t.Helper()
	loaded, err := tls.X509KeyPair(cert, key)
	assert.NoError(t, err)
	return pair{cert: cert, key: key, tls: loaded}
}

func (p pair) serial() string { return p.tls.Leaf.SerialNumber.String() }

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func names(hosts ...string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.DNSNames = hosts }
}

// forClient makes a certificate one for clients, by this name.
func forClient(name string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.DNSNames = []string{name}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
}

func expired(c *x509.Certificate) {
	c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
}

// A result is what both ends know of a handshake. An error of the client may come with
// the first byte it reads.
type result struct {
	client, server       tls.ConnectionState
	clientErr, serverErr error
}

func (r result) serial(t testing.TB) string {
	t.Helper()
	assert.NoError(t, r.clientErr)
	assert.NoError(t, r.serverErr)
	return r.client.PeerCertificates[0].SerialNumber.String()
}

// accept ends a handshake on the side of the server, sends a byte and waits for the
// client to go, so that alerts arrive.
func accept(conn net.Conn, cfg *tls.Config) (tls.ConnectionState, error) {
	defer conn.Close()
	srv := tls.Server(conn, cfg)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := srv.HandshakeContext(ctx)
	if err == nil {
		_, err = srv.Write([]byte("!"))
	}
	if err == nil {
		_, err = io.Copy(io.Discard, srv)
	} else if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.CloseWrite()
		io.Copy(io.Discard, conn)
	}
	return srv.ConnectionState(), err
}

// connected returns both ends of a connection over loopback.
func connected(t testing.TB) (client, server net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	defer ln.Close()
	if client, err = net.Dial("tcp", ln.Addr().String()); err == nil {
		server, err = ln.Accept()
	}
	assert.NoError(t, err)
	client.SetDeadline(time.Now().Add(patience))
	server.SetDeadline(time.Now().Add(patience))
	return client, server
}

func shake(t testing.TB, server, client *tls.Config) (r result) {
	t.Helper()
	near, far := connected(t)
	defer near.Close()
	var done sync.WaitGroup
	done.Go(func() { r.server, r.serverErr = accept(far, server) })
	conn := tls.Client(near, client)
	r.clientErr = conn.Handshake()
	if r.clientErr == nil {
		_, r.clientErr = io.ReadFull(conn, make([]byte, 1))
	}
	r.client = conn.ConnectionState()
	conn.Close()
	done.Wait()
	return r
}

// cutShort is what a server says of a handshake that may last a tenth of a second.
func cutShort(t testing.TB, server, client *tls.Config) error {
	t.Helper()
	near, far := connected(t)
	defer near.Close()
	defer far.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var done sync.WaitGroup
	done.Go(func() { tls.Client(near, client).Handshake() })
	defer done.Wait()
	ended := make(chan error, 1)
	go func() { ended <- tls.Server(far, server).HandshakeContext(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-time.After(patience / 6):
		t.Fatal("the handshake goes on")
		return nil
	}
}

// serverConfig is what a server makes of certs.
func serverConfig(t testing.TB, certs tako.Certs) *tls.Config {
	t.Helper()
	cfg, err := certs.TLS(t.Context(), []string{"h2", "http/1.1"}, quiet())
	assert.NoError(t, err)
	return cfg
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// A journal is a log that can be read.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) log() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

// put replaces a file by renaming another over it.
func put(t testing.TB, name string, text []byte) {
	t.Helper()
	assert.NoError(t, os.WriteFile(name+".new", text, 0o600))
	assert.NoError(t, os.Rename(name+".new", name))
}

// files writes p into a new directory.
func files(t testing.TB, p pair) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	put(t, cert, p.cert)
	put(t, key, p.key)
	return cert, key
}

// goroutines counts those that have name in their stack.
func goroutines(name string) int {
	buf := make([]byte, 4<<20)
	count := 0
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, name) {
			count++
		}
	}
	return count
}
