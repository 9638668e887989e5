package ws_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/stream/ws"
)

// FuzzHandshake looks at the fields of a handshake: whatever they are the answer is one of those that
// are stated, and a foreign origin is never let in.
func FuzzHandshake(f *testing.F) {
	f.Add("websocket", "Upgrade", "13", sampleKey, "http://example.com", "v1", "permessage-deflate")
	f.Add("h2c, WebSocket", "keep-alive, upgrade", "8", "", "null", `"v1"`, "a;b=\"")
	f.Add("websocket", "upgrade", "13", "AAAAAAAAAAAAAAAAAAAAAA==", "https://evil.example:443", ",", "permessage-deflate; client_max_window_bits=8")
	app := tako.New()
	app.Log(quiet())
	app.Get("/", echoEvents(ws.Config{Subprotocols: []string{"v1"}, Compression: ws.Compression{Enabled: true}}))
	f.Fuzz(func(t *testing.T, upgrade, connection, version, key, origin, protocol, extensions string) {
		req := httptest.NewRequestWithContext(context.Background(), "GET", "http://example.com/", http.NoBody)
		for name, value := range map[string]string{"Upgrade": upgrade, "Connection": connection, "Sec-WebSocket-Version": version,
			"Sec-WebSocket-Key": key, "Origin": origin, "Sec-WebSocket-Protocol": protocol, "Sec-WebSocket-Extensions": extensions} {
			req.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		app.ServeHTTP(w, req)
		switch w.Code {
		case 426, 400, 403:
		case 501: // all was right, and httptest cannot switch
			u, err := url.Parse(strings.TrimSpace(origin))
			if err != nil || !strings.EqualFold(u.Hostname(), "example.com") && !strings.EqualFold(u.Hostname(), "example.com.") || !strings.EqualFold(u.Scheme, "http") {
				t.Errorf("origin %q was let in", origin)
			}
		default:
			t.Errorf("got %d", w.Code)
		}
	})
}
