//go:build unix

package h3_test

import (
	"context"
	"crypto/tls"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/quic-go/quic-go"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/h3"
)

// pairFiles are those of a certificate, which is not watched.
type pairFiles struct{ cert, key string }

func newPairFiles(t *testing.T) (pairFiles, *transport.Certs) {
	t.Helper()
	f := pairFiles{filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")}
	f.replace(t)
	return f, transport.NewCerts(transport.CertConfig{Certs: []transport.Cert{{CertFile: f.cert, KeyFile: f.key}}, NoWatch: true})
}

func (f pairFiles) replace(t *testing.T) {
	t.Helper()
	cert, key := issue(t, "localhost")
	assert.NoError(t, os.WriteFile(f.cert, cert, 0o600))
	assert.NoError(t, os.WriteFile(f.key, key, 0o600))
}

// serials are those of the certificates that a server shows over QUIC and over TCP.
func serials(t *testing.T, s tako.Server) [2]string {
	t.Helper()
	qc := dial(t, s, func(c *tls.Config, _ *quic.Config) { c.InsecureSkipVerify = true })
	tc, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(within(t), "tcp", s.Addr().String())
	assert.NoError(t, err)
	defer tc.Close()
	return [2]string{qc.ConnectionState().TLS.PeerCertificates[0].SerialNumber.String(),
		tc.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()}
}

// TL-08: SIGHUP has both servers read their certificates again, whatever of them Run was given.
func TestBesideHangup(t *testing.T) {
	survive := make(chan os.Signal, 8)
	signal.Notify(survive, syscall.SIGHUP)
	defer signal.Stop(survive)
	newStd := func(certs tako.Certs) tako.Server {
		return std.New(hello(), std.Config{Listen: twin, Certs: certs, Log: quiet})
	}
	newLoop := func(certs tako.Certs) tako.Server {
		return loop.New(hello(), loop.Config{Listen: twin, Certs: certs, Log: quiet})
	}
	for name, tt := range map[string]struct {
		web         func(tako.Certs) tako.Server
		listed, own bool
	}{
		"std":         {web: newStd},
		"loop":        {web: newLoop},
		"std listed":  {web: newStd, listed: true},
		"loop listed": {web: newLoop, listed: true},
		"own certs":   {web: newStd, own: true},
	} {
		t.Run(name, func(t *testing.T) {
			files, fromFiles := newPairFiles(t)
			web, cfg := tt.web(fromFiles), h3.Config{Log: quiet}
			if tt.own {
				cfg.Certs = fromFiles
			}
			s := h3.Beside(web, cfg)
			servers := []tako.Server{s}
			if tt.listed {
				servers = []tako.Server{web, s}
			}
			ctx, cancel := context.WithCancel(t.Context())
			begun, ended := make(chan struct{}), make(chan error, 1)
			runner := tako.Runner{Log: quiet, OnListen: func() { close(begun) }}
			go func() {
				_, err := runner.Run(ctx, servers...)
				ended <- err
			}()
			<-begun
			before := serials(t, s)
			files.replace(t)
			assert.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
			assert.Eventually(t, patience, "both show the new certificate", func() bool {
				now := serials(t, s)
				return now[0] != before[0] && now[1] != before[1]
			})
			cancel()
			assert.NoError(t, <-ended)
		})
	}
}

// Run asks before Listen whether there is anything to be read again.
func TestBesideReloads(t *testing.T) {
	t.Parallel()
	plain := std.New(hello(), std.Config{Log: quiet})
	for name, tt := range map[string]struct {
		web  tako.Server
		cfg  h3.Config
		want bool
	}{
		"std":       {newWeb(hello()), h3.Config{}, true},
		"loop":      {loop.New(hello(), loop.Config{Certs: certs, Log: quiet}), h3.Config{}, true},
		"own certs": {newWeb(hello()), h3.Config{Certs: certs}, true},
		"none":      {plain, h3.Config{}, false},
		"no origin": {start(t, echoApp(), h3.Config{}), h3.Config{}, false},
	} {
		s := h3.Beside(tt.web, tt.cfg).(tako.Reloader)
		assert.Equal(t, s.Reloads(), tt.want, name)
		assert.NoError(t, s.Reload(t.Context()), name)
	}
}
