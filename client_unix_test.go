package tako_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

func TestTrustedUnixPeer(t *testing.T) {
	ask := func(info *tako.ConnInfo, trusted ...string) string {
		app := tako.New()
		app.TrustedProxies(trusted...)
		app.Get("/", func(c *tako.Context) error { return c.Text(200, c.ClientIP().String()+" "+c.Scheme()+" "+c.Host()) })
		req := httptest.NewRequest("GET", "/", nil)
		req.Header.Set("X-Forwarded-For", "192.0.2.9")
		req.Header.Set("X-Forwarded-Proto", "https")
		req.Header.Set("X-Forwarded-Host", "shop.example")
		req = req.WithContext(tako.WithConn(context.Background(), &tako.Conn{Info: info}))
		rec := httptest.NewRecorder()
		app.ServeHTTP(rec, req)
		assert.Equal(t, rec.Code, http.StatusOK)
		return rec.Body.String()
	}
	unix := &tako.ConnInfo{Transport: "unix", Remote: &net.UnixAddr{Net: "unix"}}
	assert.Equal(t, ask(unix), "invalid IP http example.com")
	assert.Equal(t, ask(unix, "10.0.0.0/8"), "invalid IP http example.com")
	assert.Equal(t, ask(unix, "unix"), "192.0.2.9 https shop.example")
	elsewhere := &tako.ConnInfo{Transport: "tcp", Remote: &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 1}}
	assert.Equal(t, ask(elsewhere, "unix"), "10.1.2.3 http example.com")
	assert.Equal(t, ask(elsewhere, "unix", "10.0.0.0/8"), "192.0.2.9 https shop.example")
}
