package conformance_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// seen is the answer of /info.
type seen struct {
	Protocol, ALPN, Host, Scheme     string
	Client, Transport, Remote, Local string
	Fields                           map[string][]string
	Peer                             *tako.PeerCred
	PID                              int
	Proxy                            *seenProxy
}

type seenProxy struct {
	Version         int
	Local           bool
	Proxy           string
	ALPN, Authority string
	UniqueID        string `json:"unique_id"`
	TLS             *tako.ProxyTLS
	Types           []int
}

// A front is a proxy between the clients of a test and the server.
type front struct {
	addrs []string
	log   logBuffer
}

// startFront runs a proxy until the test ends. It has listening sockets as the descriptors from
// 3 on, one for each place, so that the kernel has picked the ports, and clients can
// connect before it is up.
func startFront(t *testing.T, places int, command func(addrs []string) *exec.Cmd) *front {
	t.Helper()
	f := new(front)
	var files []*os.File
	for range places {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		assert.NoError(t, err)
		defer ln.Close()
		file, err := ln.(*net.TCPListener).File()
		assert.NoError(t, err)
		defer file.Close()
		f.addrs = append(f.addrs, ln.Addr().String())
		files = append(files, file)
	}
	cmd := command(f.addrs)
	cmd.ExtraFiles = files
	f.run(t, cmd)
	return f
}

// run runs a program until the test ends.
func (f *front) run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &f.log, &f.log, stopLimit
	assert.NoError(t, cmd.Start())
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	t.Cleanup(func() {
		select {
		case err := <-exited:
			t.Errorf("%s ended by itself: %v", filepath.Base(cmd.Path), err)
		default:
			_ = cmd.Process.Signal(syscall.SIGTERM)
			select {
			case <-exited:
			case <-time.After(stopLimit):
				_ = cmd.Process.Kill()
				<-exited
			}
		}
		if t.Failed() {
			t.Logf("the end of the log of %s:\n%s", filepath.Base(cmd.Path), tail(f.log.String()))
		}
	})
}

// writeFile writes a file of the test.
func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	assert.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// certificate makes a certificate that is its own authority, and a file with it and its key.
func certificate(t *testing.T, name string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	assert.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	assert.NoError(t, err)
	der8, err := x509.MarshalPKCS8PrivateKey(key)
	assert.NoError(t, err)
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der8}))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, writeFile(t, name+".pem", text)
}

// A caller asks through a proxy from a chosen address.
type caller struct {
	client *http.Client
	url    string
	secure bool
}

// callFrom returns a caller that connects from an address of this machine, which the proxy
// is to tell the server.
func callFrom(t *testing.T, from, addr string, config *tls.Config) *caller {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: startLimit}
	transport := &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: config, ForceAttemptHTTP2: config != nil}
	t.Cleanup(transport.CloseIdleConnections)
	c := &caller{client: &http.Client{Transport: transport, Timeout: peerLimit}, url: "http://" + addr, secure: config != nil}
	if c.secure {
		c.url = "https://" + addr
	}
	return c
}

// info asks what the server sees, with lies about the client, and returns that with the
// address that the client really has.
func (c *caller) info(ctx context.Context) (got seen, from string, err error) {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { from = i.Conn.LocalAddr().String() }})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/info", nil)
	if err != nil {
		return got, from, err
	}
	req.Header.Set("X-Forwarded-For", "192.0.2.1")
	req.Header.Set("X-Real-Ip", "192.0.2.2")
	resp, err := c.client.Do(req)
	if err != nil {
		return got, from, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(body, &got)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w in %.200q", resp.Status, err, body)
	}
	return got, from, err
}

func hostOf(addr string) string {
	host, _, _ := net.SplitHostPort(addr)
	return host
}

// text gets a page by its path.
func (c *caller) text(t *testing.T, path string) string {
	t.Helper()
	resp, err := c.client.Get(c.url + path)
	assert.NoError(t, err)
	defer resp.Body.Close()
	return strings.TrimSpace(string(read(t, resp.Body)))
}

func read(t *testing.T, r io.Reader) []byte {
	t.Helper()
	all, err := io.ReadAll(r)
	assert.NoError(t, err)
	return all
}
