package h3_test

import (
	"testing"

	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/h3"
)

// TestTunnelHook: what hooks set is in the answer to a CONNECT.
func TestTunnelHook(t *testing.T) {
	t.Parallel()
	app := tunnelApp()
	app.Use(func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			c.BeforeHead(func(h *tako.Head) {
				h.Header.Set("X-Hook", "yes")
				h.Header.Set("Content-Length", "7")
			})
			return next(c)
		}
	})
	s := start(t, app, h3.Config{ExtendedConnect: true})
	cc := (&http3.Transport{}).NewClientConn(dial(t, s))
	<-cc.ReceivedSettings()
	str, err := cc.OpenRequestStream(within(t))
	assert.NoError(t, err)
	c := &client{base: "https://" + s.Addr().String()}
	req := c.request(t, "CONNECT", "/tunnel", nil)
	req.Proto = "websocket"
	assert.NoError(t, str.SendRequestHeader(req))
	resp, err := str.ReadResponse()
	assert.NoError(t, err)
	assert.Equal(t, resp.StatusCode, 200)
	assert.Equal(t, resp.Header.Get("X-Hook"), "yes")
	assert.Equal(t, resp.Header.Get("Content-Length"), "")
	assert.NoError(t, str.Close())
}
