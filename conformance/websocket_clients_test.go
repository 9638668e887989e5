package conformance_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"github.com/tako-go/tako/internal/assert"
)

// A wsMessage is one of a conversation.
type wsMessage struct {
	binary bool
	data   []byte
}

// wsMessages are of all forms of lengths, and compress well or not at all.
func wsMessages() (all []wsMessage) {
	for _, size := range []int{0, 1, 125, 126, 127, 128, 4096, 65535, 65536, 300_000} {
		all = append(all, wsMessage{false, bytes.Repeat([]byte("ä"), size)},
			wsMessage{true, make([]byte, size)})
		random := make([]byte, size)
		_, _ = bigBytes(int64(size)).Read(random)
		all = append(all, wsMessage{true, random})
	}
	return all
}

// wsClient is what a conversation needs of a client.
type wsClient interface {
	send(ctx context.Context, m wsMessage) error
	receive(ctx context.Context) (wsMessage, error)
	ping(ctx context.Context) error
	// close ends the connection in order and returns the code and reason of the server.
	close(ctx context.Context, code int, reason string) error
}

// converse wants everything back, while more is sent.
func converse(t *testing.T, c wsClient) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), peerLimit)
	defer cancel()
	messages := wsMessages()
	var sent sync.WaitGroup
	sent.Go(func() {
		for i, m := range messages {
			if err := c.send(ctx, m); err != nil {
				t.Errorf("send message %d: %v", i, err)
				return
			}
		}
	})
	for i, want := range messages {
		got, err := c.receive(ctx)
		assert.NoError(t, err, "message ", i)
		if got.binary != want.binary || !bytes.Equal(got.data, want.data) {
			t.Fatalf("message %d: got %d bytes, binary %v, want %d bytes, binary %v", i, len(got.data), got.binary, len(want.data), want.binary)
		}
	}
	sent.Wait()
	assert.NoError(t, c.ping(ctx))
	assert.NoError(t, c.close(ctx, 4321, "enough"))
}

type coderClient struct{ *websocket.Conn }

func (c coderClient) send(ctx context.Context, m wsMessage) error {
	typ := websocket.MessageText
	if m.binary {
		typ = websocket.MessageBinary
	}
	return c.Write(ctx, typ, m.data)
}

func (c coderClient) receive(ctx context.Context) (wsMessage, error) {
	typ, p, err := c.Read(ctx)
	return wsMessage{typ == websocket.MessageBinary, p}, err
}

// ping reads for the answer, as nobody else does.
func (c coderClient) ping(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	defer reading.Wait()
	defer cancel()
	reading.Go(func() { c.CloseRead(ctx) })
	return c.Ping(ctx)
}

func (c coderClient) close(_ context.Context, code int, reason string) error {
	return c.Close(websocket.StatusCode(code), reason)
}

// dialCoder connects the client of coder, with or without compression.
func dialCoder(t *testing.T, url string, mode websocket.CompressionMode) coderClient {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), peerLimit)
	defer cancel()
	c, resp, err := websocket.Dial(ctx, url, &websocket.DialOptions{CompressionMode: mode, CompressionThreshold: 1,
		Subprotocols: []string{"none", "echo.v1", "echo.v2"},
		HTTPClient:   &http.Client{Transport: &http.Transport{TLSClientConfig: directTLS()}}})
	assert.NoError(t, err)
	t.Cleanup(func() { _ = c.CloseNow() })
	c.SetReadLimit(wsMost)
	assert.Equal(t, c.Subprotocol(), "echo.v2", "the server has its order")
	extensions := resp.Header.Get("Sec-Websocket-Extensions")
	assert.Equal(t, strings.HasPrefix(extensions, "permessage-deflate"), mode != websocket.CompressionDisabled, extensions)
	return coderClient{c}
}

// TestWebSocketCoder has the client of coder/websocket talk to both forms of handlers, over
// HTTP/1.1 and HTTP/2.
func TestWebSocketCoder(t *testing.T) {
	ours(t)
	modes := []websocket.CompressionMode{websocket.CompressionContextTakeover, websocket.CompressionNoContextTakeover,
		websocket.CompressionDisabled}
	each(t, nil, func(t *testing.T, s *server) {
		for _, form := range wsForms() {
			for i, mode := range modes {
				t.Run(fmt.Sprintf("%s/h1/%d", form.name, i), func(t *testing.T) {
					t.Parallel()
					converse(t, dialCoder(t, s.wsURL(form.path), mode))
				})
				if !s.tls && !*long {
					continue
				}
				t.Run(fmt.Sprintf("%s/h2/%d", form.name, i), func(t *testing.T) {
					t.Parallel()
					converse(t, dialCoder(t, s.bridgeH2(t)+form.path, mode))
				})
			}
		}
	})
}

// TestWebSocketReference has the client of coder/websocket talk to its own server, and another.
func TestWebSocketReference(t *testing.T) {
	if !*reference {
		t.Skip("only with -reference")
	}
	for _, peer := range wsPeers() {
		if peer.name == "gws" {
			continue // what it answers to an offer of compression is refused by coder
		}
		t.Run(peer.name, func(t *testing.T) {
			t.Parallel()
			converse(t, dialCoder(t, startPeer(t, peer), websocket.CompressionNoContextTakeover))
		})
	}
}
