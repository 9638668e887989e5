//go:build unix

package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

const patience = 30 * time.Second

// mainEnv makes this test binary the example.
const mainEnv = "TAKO_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(mainEnv) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// certify writes a certificate with a number, and its key.
func certify(t *testing.T, cert, key string, number int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	assert.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(number), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	assert.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	assert.NoError(t, err)
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	write(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
}

// One signal brings new pages and a new certificate.
func TestHangup(t *testing.T) {
	dir := t.TempDir()
	pages, cert, key := filepath.Join(dir, "pages.json"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, pages, `{"/": "page 1"}`)
	certify(t, cert, key, 1)
	exe, err := os.Executable()
	assert.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, exe, "-addr", "127.0.0.1:0", "-pages", pages, "-cert", cert, "-key", key)
	cmd.Env = append(os.Environ(), mainEnv+"=1", "GORACE=atexit_sleep_ms=0")
	log, err := cmd.StderrPipe()
	assert.NoError(t, err)
	assert.NoError(t, cmd.Start())
	addr := ""
	lines := bufio.NewScanner(log) // ends with the process, which the test ends
	for addr == "" && lines.Scan() {
		if found := regexp.MustCompile(`on (127\.0\.0\.1:\d+)`).FindStringSubmatch(lines.Text()); found != nil {
			addr = found[1]
		}
	}
	rest := make(chan struct{})
	go func() {
		defer close(rest)
		_, _ = io.Copy(io.Discard, log)
	}()
	defer func() {
		assert.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		<-rest
		assert.NoError(t, cmd.Wait())
	}()
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // its number says which it is
	seen := func() string {
		res, err := client.Get("https://" + addr + "/")
		assert.NoError(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		assert.NoError(t, err)
		return fmt.Sprintf("%s, certificate %v", text, res.TLS.PeerCertificates[0].SerialNumber)
	}
	assert.Equal(t, seen(), "page 1, certificate 1")
	write(t, pages, `{"/": "page 2"}`)
	certify(t, cert, key, 2)
	assert.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	assert.Eventually(t, patience, "the new page and certificate", func() bool { return seen() == "page 2, certificate 2" })
}
