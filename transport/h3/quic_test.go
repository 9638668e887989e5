package h3_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/h3"
)

// causeOf is the cause of the end of a request.
func causeOf(c *tako.Context) error { return context.Cause(c.Context()) }

// H3-06
func TestRetry(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		cfg  h3.Config
		want bool
	}{
		{"always", h3.Config{Retry: h3.RetryAlways}, true},
		{"never", h3.Config{Retry: h3.RetryNever}, false},
		{"when busy", h3.Config{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, echoApp(), tt.cfg)
			goesOn(t, dialRaw(t, s))
			assert.Equal(t, s.Stats().Retries > 0, tt.want)
		})
	}
}

// RetryWhenBusy demands a Retry while handshakes are open.
func TestRetryWhenBusy(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	entered := make(chan struct{}, 10)
	pair := tlsPair(t)
	slow := transport.CertFunc(func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		entered <- struct{}{}
		select {
		case <-release:
		case <-hello.Context().Done():
		}
		return pair, nil
	})
	s := start(t, echoApp(), h3.Config{Certs: slow, RetryAfter: 1})
	trust := func(c *tls.Config, _ *quic.Config) { c.InsecureSkipVerify = true }
	first := make(chan error, 1)
	go func() {
		config := clientTLS()
		config.InsecureSkipVerify = true
		c, err := quic.DialAddr(within(t), s.Addr().String(), config, nil)
		if err == nil {
			_ = c.CloseWithError(0x100, "")
		}
		first <- err
	}()
	<-entered
	assert.Equal(t, s.Stats().Handshakes, int64(1))
	assert.Equal(t, s.Stats().Retries, int64(0))
	pace, limit := time.NewTicker(short/100), within(t)
	defer pace.Stop()
	go func() {
		defer close(release)
		for s.Stats().Retries == 0 && limit.Err() == nil {
			<-pace.C
		}
	}()
	goesOn(t, &raw{t: t, Conn: dial(t, s, trust)})
	assert.NoError(t, <-first)
	assert.Equal(t, s.Stats().Retries > 0, true, "Retry was demanded")
}

// tlsPair is the certificate that clients trust.
func tlsPair(t *testing.T) *tls.Certificate {
	t.Helper()
	config, err := certs.TLS(t.Context(), []string{"h3"}, quiet)
	assert.NoError(t, err)
	hello := &tls.ClientHelloInfo{ServerName: "localhost", SupportedVersions: []uint16{tls.VersionTLS13}, SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
		SupportedCurves: []tls.CurveID{tls.CurveP256}, CipherSuites: []uint16{tls.TLS_AES_128_GCM_SHA256}}
	if config.GetConfigForClient != nil {
		inner, err := config.GetConfigForClient(hello)
		assert.NoError(t, err)
		if inner != nil {
			config = inner
		}
	}
	if len(config.Certificates) > 0 {
		return &config.Certificates[0]
	}
	cert, err := config.GetCertificate(hello)
	assert.NoError(t, err)
	return cert
}

// logFile is a qlog.
type logFile struct {
	mu     sync.Mutex
	text   bytes.Buffer
	closed chan struct{}
}

func (f *logFile) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text.Write(p)
}

func (f *logFile) Close() error {
	close(f.closed)
	return nil
}

func TestQLog(t *testing.T) {
	t.Parallel()
	file := &logFile{closed: make(chan struct{})}
	ids := make(chan string, 2)
	s := start(t, echoApp(), h3.Config{QLog: func(id string) io.WriteCloser {
		ids <- id
		if len(ids) > 1 {
			return nil
		}
		return file
	}})
	r := dialRaw(t, s)
	goesOn(t, r)
	goesOn(t, dialRaw(t, s))
	_ = r.CloseWithError(0x100, "")
	select {
	case <-file.closed:
	case <-within(t).Done():
		t.Fatal("the log is not closed")
	}
	text := file.text.String()
	for _, part := range []string{<-ids, "transport:packet_received", "http3:frame_parsed", "connection_closed"} {
		assert.Contains(t, text, part)
	}
}

// TL-07: early data is refused, and the request is served after the handshake.
func TestNoEarlyData(t *testing.T) {
	t.Parallel()
	s := start(t, echoApp(), h3.Config{})
	cache := tls.NewLRUClientSessionCache(1)
	config := clientTLS()
	config.ClientSessionCache = cache
	config.ServerName = "localhost"
	for range 2 {
		c, err := quic.DialAddrEarly(within(t), s.Addr().String(), config, &quic.Config{})
		assert.NoError(t, err)
		goesOn(t, &raw{t: t, Conn: c})
		assert.Equal(t, c.ConnectionState().Used0RTT, false)
		_ = c.CloseWithError(0x100, "")
	}
}

// TL-03: nothing but h3 is spoken.
func TestALPN(t *testing.T) {
	t.Parallel()
	s := start(t, echoApp(), h3.Config{})
	for _, protocols := range [][]string{nil, {"h2"}, {"h3-29"}} {
		config := clientTLS()
		config.NextProtos = protocols
		c, err := quic.DialAddr(within(t), s.Addr().String(), config, nil)
		if err == nil {
			_ = c.CloseWithError(0x100, "")
			t.Errorf("%v was accepted", protocols)
		}
	}
	assert.Eventually(t, patience, "failures are counted", func() bool { return s.Stats().RefusedHandshakes == 3 })
	assert.Equal(t, s.Stats().Handshakes, int64(0))
}

// TL-01
func TestHandshakeTimeout(t *testing.T) {
	t.Parallel()
	stuck := transport.CertFunc(func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		<-hello.Context().Done()
		return nil, hello.Context().Err()
	})
	s := start(t, echoApp(), h3.Config{Certs: stuck, Limits: tako.Limits{HandshakeTimeout: short}})
	_, err := quic.DialAddr(within(t), s.Addr().String(), clientTLS(), &quic.Config{HandshakeIdleTimeout: short})
	if err == nil {
		t.Error("the handshake went through")
	}
	assert.Eventually(t, patience, "the connection is gone", func() bool { return s.Stats().Conns == 0 && s.Stats().TimedOut == 1 })
	assert.Equal(t, s.Stats().Handshakes, int64(0))
}

// H3-10: a client that moves goes on, and its later requests have the new address.
func TestMigration(t *testing.T) {
	t.Parallel()
	app := tako.New()
	entered, release := make(chan struct{}), make(chan struct{})
	app.Get("/", func(c *tako.Context) error { return c.Text(200, c.ConnInfo().Remote.String()) })
	app.Get("/wait", func(c *tako.Context) error {
		first := c.ConnInfo().Remote.String()
		close(entered)
		<-release
		assert.Equal(t, c.ConnInfo().Remote.String(), first)
		return c.Text(200, first)
	})
	s := start(t, app, h3.Config{})
	own, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	assert.NoError(t, err)
	defer own.Close()
	from := &quic.Transport{Conn: own}
	defer from.Close()
	qc, err := from.Dial(within(t), s.Addr(), clientTLS(), &quic.Config{})
	assert.NoError(t, err)
	r := &raw{t: t, Conn: qc}
	before := r.request(ask("GET", "/")).body
	str := r.open(ask("GET", "/wait"))
	assert.NoError(t, str.Close())
	<-entered
	pc, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	assert.NoError(t, err)
	defer pc.Close()
	tr := &quic.Transport{Conn: pc}
	defer tr.Close()
	path, err := r.AddPath(tr)
	assert.NoError(t, err)
	assert.NoError(t, path.Probe(within(t)))
	assert.NoError(t, path.Switch())
	close(release)
	assert.Equal(t, read(t, str).body, before)
	assert.Eventually(t, patience, "requests have the new address", func() bool {
		return r.request(ask("GET", "/")).body == pc.LocalAddr().String()
	})
	_ = r.CloseWithError(0x100, "")
}

// SD-02, SD-04: a handshake under way does not hold a drain up, whatever certificates wait for.
func TestDrainInHandshake(t *testing.T) {
	t.Parallel()
	for name, heeds := range map[string]bool{"heeds its context": true, "deaf": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entered, release := make(chan struct{}, 10), make(chan struct{})
			stuck := func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
				entered <- struct{}{}
				if heeds {
					<-hello.Context().Done()
				} else {
					<-release
				}
				return nil, io.ErrNoProgress
			}
			s := start(t, echoApp(), h3.Config{Certs: ownCerts{stuck}})
			dialled := make(chan error, 1)
			go func() {
				_, err := quic.DialAddr(within(t), s.Addr().String(), clientTLS(), nil)
				dialled <- err
			}()
			<-entered
			ctx, cancel := context.WithTimeout(context.Background(), 2*short)
			defer cancel()
			began := time.Now()
			_, err := s.Shutdown(ctx)
			if heeds {
				assert.NoError(t, err)
			}
			if d := time.Since(began); d > patience/2 {
				t.Errorf("Shutdown took %v", d)
			}
			close(release)
			if err := <-dialled; err == nil {
				t.Error("the handshake went through")
			}
		})
	}
}

// ownCerts are certificates as an application may make them.
type ownCerts struct {
	get func(*tls.ClientHelloInfo) (*tls.Certificate, error)
}

func (c ownCerts) TLS(context.Context, []string, *slog.Logger) (*tls.Config, error) {
	return &tls.Config{GetCertificate: c.get}, nil
}
func (ownCerts) Reload(context.Context) error                  { return nil }
func (ownCerts) Misdirected(*tls.ConnectionState, string) bool { return false }
