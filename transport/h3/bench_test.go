package h3_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/h3"
)

// BenchmarkGet is a request over a connection that is open, its client included; Bare is the
// library alone.
func BenchmarkGet(b *testing.B) {
	app := tako.New()
	app.Get("/", func(c *tako.Context) error { return c.Text(200, "ok") })
	s := start(b, app, h3.Config{})
	for _, clients := range []struct {
		name string
		base string
	}{{"Server", "https://" + s.Addr().String()}, {"Bare", bare(b)}} {
		b.Run(clients.name, func(b *testing.B) {
			c := &client{Transport: &http3.Transport{TLSClientConfig: clientTLS(), DisableCompression: true}, base: clients.base}
			defer c.Close()
			req := c.request(b, "GET", "/", nil)
			b.ReportAllocs()
			for b.Loop() {
				resp, err := c.RoundTrip(req)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		})
	}
}

// bare starts a server of the library.
func bare(b *testing.B) string {
	config, err := certs.TLS(b.Context(), []string{"h3"}, quiet)
	assert.NoError(b, err)
	pc := packetConn(b)
	s := &http3.Server{TLSConfig: config, Handler: bareHandler{}}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(pc) }()
	b.Cleanup(func() {
		_ = s.Close()
		<-ended
		_ = pc.Close()
	})
	return "https://" + pc.LocalAddr().String()
}

type bareHandler struct{}

func (bareHandler) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok")
}
