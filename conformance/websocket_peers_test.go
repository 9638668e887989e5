package conformance_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
	"github.com/lxzan/gws"
)

// wsMost bounds the messages of all servers here.
const wsMost = 32 << 20

// A wsPeer is a server of others that echoes with permessage-deflate.
type wsPeer struct {
	name  string
	serve http.HandlerFunc
	// apart are the verdicts of Autobahn that are known.
	apart map[string]string
}

func wsPeers() []wsPeer {
	return []wsPeer{
		{"coder", coderEcho, map[string]string{
			// It declines small windows.
			"13.3": "UNIMPLEMENTED", "13.5": "UNIMPLEMENTED",
			// It leaves UTF-8 to its users, and does not check reasons either.
			"6": "FAILED", "7.5.1": "FAILED",
		}},
		{"gws", gwsEcho(), map[string]string{"6.4": "NON-STRICT"}},
		{"gorilla", gorillaEcho, map[string]string{
			"6": "FAILED", "13": "UNIMPLEMENTED",
		}},
	}
}

// startPeer serves until the test ends, and returns its URL.
func startPeer(t *testing.T, peer wsPeer) string {
	t.Helper()
	s := httptest.NewServer(peer.serve)
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

func coderEcho(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionContextTakeover, Subprotocols: []string{"echo.v2"}})
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(wsMost)
	for {
		typ, p, err := c.Read(context.Background())
		if err != nil {
			return
		}
		if err := c.Write(context.Background(), typ, p); err != nil {
			return
		}
	}
}

func gorillaEcho(w http.ResponseWriter, r *http.Request) {
	upgrader := gorilla.Upgrader{EnableCompression: true, Subprotocols: []string{"echo.v2"}, CheckOrigin: func(*http.Request) bool { return true }}
	c, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	for {
		typ, p, err := c.ReadMessage()
		if err != nil {
			return
		}
		if err := c.WriteMessage(typ, p); err != nil {
			return
		}
	}
}

// gwsHandler echoes; closes and pings are answered by gws.
type gwsHandler struct{ gws.BuiltinEventHandler }

func (gwsHandler) OnPing(c *gws.Conn, p []byte) { _ = c.WritePong(p) }

func (gwsHandler) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	_ = c.WriteMessage(m.Opcode, m.Bytes())
}

func gwsEcho() http.HandlerFunc {
	upgrader := gws.NewUpgrader(gwsHandler{}, &gws.ServerOption{CheckUtf8Enabled: true,
		ReadMaxPayloadSize: wsMost, WriteMaxPayloadSize: wsMost, PermessageDeflate: gws.PermessageDeflate{Enabled: true,
			ServerContextTakeover: true, ClientContextTakeover: true}})
	return func(w http.ResponseWriter, r *http.Request) {
		if c, err := upgrader.Upgrade(w, r); err == nil {
			c.ReadLoop()
		}
	}
}
