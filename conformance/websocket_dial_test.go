package conformance_test

import (
	"context"
	"fmt"
	"os/exec"
	"sync"
	"testing"

	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/ws"
)

// takoClient is ours.
type takoClient struct{ *ws.Conn }

func (c takoClient) send(ctx context.Context, m wsMessage) error {
	typ := ws.Text
	if m.binary {
		typ = ws.Binary
	}
	return c.Write(ctx, typ, m.data)
}

func (c takoClient) receive(ctx context.Context) (wsMessage, error) {
	typ, p, err := c.Read(ctx)
	return wsMessage{typ == ws.Binary, p}, err
}

// ping leaves a reader behind, who ends with the socket.
func (c takoClient) ping(ctx context.Context) error {
	go func() { _, _, _ = c.Read(ctx) }()
	return c.Ping(ctx)
}

func (c takoClient) close(_ context.Context, code int, reason string) error {
	return c.Close(ws.Code(code), reason)
}

// dialConfig is that of our client, with all kinds of compression and without.
func dialConfig(kind string) *ws.DialConfig {
	cfg := &ws.DialConfig{TLS: directTLS(), Config: ws.Config{MaxMessage: wsMost, Subprotocols: []string{"none", "echo.v1", "echo.v2"}}}
	cfg.Config.Compression = ws.Compression{Enabled: kind != "plain", NoContextTakeover: kind == "alone", Threshold: -1}
	return cfg
}

func wsKinds() []string { return []string{"takeover", "alone", "plain"} }

func dialTako(t *testing.T, url string, cfg *ws.DialConfig) takoClient {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), peerLimit)
	defer cancel()
	c, _, err := ws.Dial(ctx, url, cfg)
	assert.NoError(t, err)
	t.Cleanup(func() { _ = c.CloseNow() })
	return takoClient{c}
}

// TestWebSocketDial has our client talk to the servers of others.
func TestWebSocketDial(t *testing.T) {
	t.Parallel()
	try := func(t *testing.T, url string) {
		for _, kind := range wsKinds() {
			t.Run(kind, func(t *testing.T) {
				t.Parallel()
				converse(t, dialTako(t, url, dialConfig(kind)))
			})
		}
	}
	for _, peer := range wsPeers() {
		t.Run(peer.name, func(t *testing.T) { try(t, startPeer(t, peer)) })
	}
	for _, program := range wsPrograms() {
		t.Run(program.name, func(t *testing.T) {
			args := append(program.args(t), "server")
			try(t, startProgram(t, exec.Command(args[0], args[1:]...)))
		})
	}
}

// TestWebSocketDialStreams has our client open streams through the clients of x/net and quic-go.
func TestWebSocketDialStreams(t *testing.T) {
	eachH3(t, func(t *testing.T, s *server) {
		secure := insecureTLS()
		secure.NextProtos = nil
		carriers := map[string]func(cfg *ws.DialConfig){
			"h2": func(cfg *ws.DialConfig) {
				carrier := &http2.Transport{TLSClientConfig: insecureTLS()}
				t.Cleanup(carrier.CloseIdleConnections)
				cfg.HTTP2 = carrier
			},
			"h3": func(cfg *ws.DialConfig) {
				carrier := &http3.Transport{TLSClientConfig: secure}
				t.Cleanup(func() { _ = carrier.Close() })
				cfg.HTTP3 = carrier
			},
		}
		for name, carry := range carriers {
			for _, form := range wsForms() {
				t.Run(name+"/"+form.name, func(t *testing.T) {
					t.Parallel()
					cfg := dialConfig("takeover")
					carry(cfg)
					c := dialTako(t, s.wsURL(form.path), cfg)
					assert.Equal(t, c.Subprotocol(), "echo.v2")
					converse(t, c)
				})
			}
		}
	})
}

// fuzzServed is an Autobahn server.
func fuzzServed(t *testing.T) (url, dir string) {
	t.Helper()
	dir = t.TempDir()
	cmd := autobahn(t.Context(), t, "fuzzingserver", map[string]any{"url": "ws://127.0.0.1:9001", "outdir": dir,
		"cases": fuzzCases(), "exclude-cases": []string{}, "exclude-agent-cases": map[string]any{}})
	return startProgram(t, cmd), dir
}

// TestAutobahnClient is the other half of Autobahn: its server tries our client.
func TestAutobahnClient(t *testing.T) {
	t.Parallel()
	url, dir := fuzzServed(t)
	count := countOf(fuzzCases())
	ask := func(path string, args ...any) (answer string) {
		c := dialTako(t, url+fmt.Sprintf(path, args...), nil)
		_, p, err := c.Read(t.Context())
		if err != nil && path == "/getCaseCount" {
			t.Fatal(err)
		}
		return string(p)
	}
	assert.Equal(t, ask("/getCaseCount"), fmt.Sprint(count))
	// Cases that wait hold up nobody but the one that runs them.
	next := make(chan int)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for n := range next {
				if err := echoCase(t.Context(), fmt.Sprintf("%s/runCase?case=%d&agent=tako", url, n)); err != nil {
					t.Errorf("case %d: %v", n, err)
				}
			}
		})
	}
	for n := range count {
		next <- n + 1
	}
	close(next)
	all.Wait()
	ask("/updateReports?agent=%s", "tako")
	judge(t, dir, "tako", count, nil)
}

// echoCase sends back what a case sends, until it ends.
func echoCase(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, autobahnLimit)
	defer cancel()
	cfg := &ws.DialConfig{Config: ws.Config{MaxMessage: wsMost, Compression: ws.Compression{Enabled: true, Threshold: -1}}}
	c, _, err := ws.Dial(ctx, url, cfg)
	if err != nil {
		return err
	}
	defer c.CloseNow()
	for {
		typ, p, err := c.Read(ctx)
		if err != nil {
			return ctx.Err()
		}
		if err := c.Write(ctx, typ, p); err != nil {
			return ctx.Err()
		}
	}
}
