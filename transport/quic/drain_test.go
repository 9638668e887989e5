package quic_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"testing"
	"time"

	lib "github.com/quic-go/quic-go"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/quic"
)

// slowCerts never have a certificate, and tell who waits for one.
type slowCerts struct{ asked, told chan struct{} }

func newSlowCerts() *slowCerts {
	return &slowCerts{make(chan struct{}, 10), make(chan struct{}, 10)}
}

// heeding waits as the documentation of Cert.Get wants it.
func (c *slowCerts) heeding() tako.Certs {
	return transport.NewCerts(transport.CertConfig{Certs: []transport.Cert{{Hosts: []string{"localhost"}, Get: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		c.asked <- struct{}{}
		<-hello.Context().Done()
		c.told <- struct{}{}
		return nil, hello.Context().Err()
	}}}})
}

// deafCerts wait whatever becomes of the handshake.
type deafCerts struct {
	*slowCerts
	free <-chan struct{}
}

func (c deafCerts) TLS(_ context.Context, protocols []string, _ *slog.Logger) (*tls.Config, error) {
	return &tls.Config{NextProtos: protocols, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		c.asked <- struct{}{}
		<-c.free
		return nil, context.Canceled
	}}, nil
}

func (c deafCerts) Reload(context.Context) error { return nil }

func (c deafCerts) Misdirected(*tls.ConnectionState, string) bool { return false }

// handshake begins one that ends with the test, or by stop.
func handshake(t *testing.T, s *quic.Server) (stop context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if c, err := lib.DialAddr(ctx, s.Addr().String(), clientTLS("echo/1"), nil); err == nil {
			_ = c.CloseWithError(0, "")
		}
	}()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return stop
}

// A handshake that waits for its certificate ends in time, though its client has left, and gives
// its place back.
func TestHandshakeTimeout(t *testing.T) {
	t.Parallel()
	slow := newSlowCerts()
	s := start(t, echo, func(c *quic.Config) {
		c.Certs = slow.heeding()
		c.Limits.Conns, c.Limits.HandshakeTimeout = 1, 200*time.Millisecond
	})
	for range 2 {
		stop := handshake(t, s)
		await(t, slow.asked, "the certificate to be asked for")
		stop()
		await(t, slow.told, "the end of the handshake")
		assert.Eventually(t, patience, "it is counted out", func() bool { return s.Stats().Handshakes == 0 })
	}
}

// SD-05: a drain does not wait for handshakes that wait for certificates.
func TestDrainHandshakes(t *testing.T) {
	t.Parallel()
	free := make(chan struct{})
	t.Cleanup(func() { close(free) })
	heeds, deaf := newSlowCerts(), newSlowCerts()
	for name, c := range map[string]struct {
		*slowCerts
		certs tako.Certs
	}{"heeding": {heeds, heeds.heeding()}, "deaf": {deaf, deafCerts{deaf, free}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, echo, func(cfg *quic.Config) { cfg.Certs, cfg.Limits.HandshakeTimeout = c.certs, tako.NoLimit })
			handshake(t, s)
			await(t, c.asked, "the certificate to be asked for")
			ended := make(chan tako.Report, 1)
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
				defer cancel()
				report, err := s.Shutdown(ctx)
				assert.NoError(t, err)
				ended <- report
			}()
			report := await(t, ended, "the drain")
			assert.Equal(t, [3]int{report.Drained, report.Idle, report.Cut}, [3]int{})
			if name == "heeding" {
				await(t, c.told, "the end of the handshake")
			}
		})
	}
}

// Handlers that end by themselves count as drained, also beside some that do not heed their end.
func TestDrainCounts(t *testing.T) {
	t.Parallel()
	turns, free := make(chan bool, 4), make(chan struct{})
	s := start(t, func(_ context.Context, c *quic.Conn) error {
		if stuck := <-turns; stuck {
			<-free
			return nil
		}
		<-c.Draining()
		return c.Close(0, "")
	})
	t.Cleanup(func() { close(free) })
	for i := range 4 {
		turns <- i%2 == 0
		dial(t, s)
	}
	assert.Eventually(t, patience, "all are served", func() bool { return s.Stats().Conns == 4 && len(turns) == 0 })
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan tako.Report, 1)
	go func() {
		report, err := s.Shutdown(ctx)
		assert.ErrorIs(t, err, context.Canceled)
		ended <- report
	}()
	assert.Eventually(t, patience, "two have ended", func() bool { return s.Stats().Conns == 2 })
	cancel()
	report := await(t, ended, "the drain")
	assert.Equal(t, [2]int{report.Drained, report.Cut}, [2]int{2, 2})
}
