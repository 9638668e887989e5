package ws_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/ws"
)

// respond is a server of one connection that answers with head and then body; $ACCEPT stands for
// the right value.
func respond(t testing.TB, head, behind string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() { _ = ln.Close(); <-done })
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		req, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		head := strings.ReplaceAll(head, "$ACCEPT", ws.AcceptKey(req.Header.Get("Sec-WebSocket-Key")))
		_, _ = io.WriteString(conn, strings.ReplaceAll(head, "\n", "\r\n")+"\r\n"+behind)
		_, _ = io.Copy(io.Discard, conn)
	}()
	return "ws://" + ln.Addr().String()
}

func TestDialResponses(t *testing.T) {
	const good = "HTTP/1.1 101 Switching Protocols\nUpgrade: WebSocket\nConnection: keep-alive, upgrade\nSec-WebSocket-Accept: $ACCEPT\n"
	cfg := ws.DialConfig{Config: ws.Config{Subprotocols: []string{"v1"}}}
	for _, tt := range []struct{ name, head, want string }{
		{"good", good, ""},
		{"subprotocol", good + "Sec-WebSocket-Protocol: v1\n", ""},
		{"other subprotocol", good + "Sec-WebSocket-Protocol: v2\n", "subprotocol"},
		{"two subprotocols", good + "Sec-WebSocket-Protocol: v1\nSec-WebSocket-Protocol: v1\n", "subprotocol"},
		{"extension nobody offered", good + "Sec-WebSocket-Extensions: permessage-deflate\n", "status 101"},
		{"wrong accept", strings.Replace(good, "$ACCEPT", "AAAA", 1), "Accept is wrong"},
		{"no accept", strings.Replace(good, "Sec-WebSocket-Accept: $ACCEPT\n", "", 1), "Accept is wrong"},
		{"other protocol", strings.Replace(good, "WebSocket", "h2c", 1), "something else"},
		{"no connection", strings.Replace(good, "upgrade", "close", 1), "something else"},
		{"early hints", "HTTP/1.1 100 Continue\n\nHTTP/1.1 103 Early Hints\nLink: </a>\n\n" + good, ""},
		{"five interim responses", strings.Repeat("HTTP/1.1 103 Early Hints\n\n", 5) + good, ""},
		{"six interim responses", strings.Repeat("HTTP/1.1 103 Early Hints\n\n", 6) + good, "too many interim responses (status 103)"},
		{"refused behind early hints", "HTTP/1.1 103 Early Hints\n\nHTTP/1.1 401 Unauthorized\nContent-Length: 0\n", "status 401"},
		{"refused", "HTTP/1.1 403 Forbidden\nContent-Length: 2\n", "status 403"},
		{"not http", "hello\n", "ws: dial"},
	} {
		behind := "\x81\x05early"
		if tt.name == "refused" {
			behind = "no"
		}
		c, resp, err := ws.Dial(within(t), respond(t, tt.head, behind), &cfg)
		if tt.want != "" {
			if err == nil {
				t.Errorf("%s: no error", tt.name)
				_ = c.CloseNow()
			} else {
				assert.Contains(t, err.Error(), tt.want, tt.name)
			}
			if tt.name == "refused" {
				body, _ := io.ReadAll(resp.Body)
				assert.Equal(t, string(body), "no")
			}
			continue
		}
		assert.NoError(t, err, tt.name)
		_, p, err := c.Read(within(t))
		assert.NoError(t, err, tt.name)
		assert.Equal(t, string(p), "early")
		assert.NoError(t, c.CloseNow())
	}
}

// The context bounds the handshake.
func TestDialPatience(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	defer ln.Close()
	ctx, cancel := context.WithTimeout(within(t), 50*time.Millisecond)
	defer cancel()
	_, _, err = ws.Dial(ctx, "ws://"+ln.Addr().String(), nil)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	for _, url := range []string{"ftp://a/", "ws://", "ws://user@a/", "ws://a/#x", "://"} {
		_, _, err := ws.Dial(within(t), url, nil)
		assert.Contains(t, err.Error(), "ws: ", url)
	}
}
