package transport_test

import (
	"context"
	"crypto/tls"
	"runtime"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
)

func TestCallbackBlocks(t *testing.T) {
	p := newCA(t, "ca").issue(t, names("example.com"))
	release, heard := make(chan struct{}), make(chan error, 1)
	certs := transport.CertFunc(func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		<-release
		heard <- hello.Context().Err()
		return &p.tls, nil
	})
	server, client := serverConfig(t, certs), &tls.Config{InsecureSkipVerify: true, ServerName: "example.com"}
	assert.ErrorIs(t, cutShort(t, server, client), context.DeadlineExceeded)
	close(release)
	assert.ErrorIs(t, <-heard, context.DeadlineExceeded, "the callback may know")
	shake(t, server, client).serial(t)
}

// What goes wrong in a callback fails one handshake.
func TestCallbackBreaks(t *testing.T) {
	for name, get := range map[string]func(){"panic": func() { panic("no map") }, "exit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			var j journal
			certs := transport.CertFunc(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { get(); return nil, nil })
			server, err := certs.TLS(t.Context(), nil, j.log())
			assert.NoError(t, err)
			refused(t, shake(t, server, &tls.Config{ServerName: "example.com"}), "internal error")
			if name == "panic" {
				assert.Contains(t, j.String(), "no map")
				assert.Contains(t, j.String(), "certcall_test.go")
			}
		})
	}
}
