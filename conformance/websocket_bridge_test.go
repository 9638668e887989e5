package conformance_test

import (
	"bufio"
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2"

	"github.com/tako-go/tako/internal/assert"
)

// keepAlive is shorter than any idle timeout.
const keepAlive = 5 * time.Second

// A tunnel opens a stream by an extended CONNECT, for what a client has asked by HTTP/1.1.
type tunnel func(ctx context.Context, asked *http.Request) (*http.Response, io.ReadWriteCloser, error)

// bridge lets clients that know WebSockets over HTTP/1.1 alone reach a server through
// tunnels. It returns its URL.
func bridge(t *testing.T, open tunnel) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	var failed sync.Once
	all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				if err := carry(ctx, conn, open); err != nil {
					failed.Do(func() { t.Errorf("bridge: %v", err) })
				}
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = ln.Close()
		all.Wait()
	})
	return "ws://" + ln.Addr().String()
}

// carry serves one client until one side ends.
func carry(ctx context.Context, conn net.Conn, open tunnel) error {
	defer conn.Close()
	in := bufio.NewReader(conn)
	asked, err := http.ReadRequest(in)
	if err != nil {
		return fmt.Errorf("read a request: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	resp, stream, err := open(ctx, asked)
	if err != nil {
		return fmt.Errorf("open a tunnel: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _, _ = conn.Close(), stream.Close() })
	defer stop()
	if _, err := io.WriteString(conn, switching(asked, resp)); err != nil || resp.StatusCode != http.StatusOK {
		return err
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.Copy(stream, in)
		_ = stream.Close()
	}()
	_, _ = io.Copy(conn, stream)
	_ = conn.Close()
	<-sent
	return nil
}

// switching is the head of the response by HTTP/1.1 that has the same meaning.
func switching(asked *http.Request, resp *http.Response) string {
	var b strings.Builder
	if resp.StatusCode != http.StatusOK {
		fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nConnection: close\r\n\r\n", resp.StatusCode, http.StatusText(resp.StatusCode))
		return b.String()
	}
	hash := sha1.Sum([]byte(asked.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(&b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\n", base64.StdEncoding.EncodeToString(hash[:]))
	for _, name := range []string{"Sec-Websocket-Protocol", "Sec-Websocket-Extensions"} {
		for _, value := range resp.Header.Values(name) {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	return b.String() + "\r\n"
}

// connect is the request of a tunnel.
func (s *server) connect(ctx context.Context, asked *http.Request, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodConnect, s.url(asked.URL.RequestURI()), body)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"Sec-Websocket-Version", "Sec-Websocket-Protocol", "Sec-Websocket-Extensions", "User-Agent"} {
		if values := asked.Header.Values(name); len(values) > 0 {
			req.Header[name] = values
		}
	}
	return req, nil
}

// bridgeH2 is a bridge through HTTP/2 (RFC 8441), by the client of x/net.
func (s *server) bridgeH2(t *testing.T) string {
	t.Helper()
	transport := &http2.Transport{TLSClientConfig: insecureTLS(), DisableCompression: true}
	if !s.tls {
		transport.AllowHTTP = true
		transport.DialTLSContext = dialClear
	}
	t.Cleanup(transport.CloseIdleConnections)
	return bridge(t, func(ctx context.Context, asked *http.Request) (*http.Response, io.ReadWriteCloser, error) {
		body, w := io.Pipe()
		req, err := s.connect(ctx, asked, body)
		if err != nil {
			return nil, nil, err
		}
		req.Header[":protocol"] = []string{"websocket"}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return nil, nil, err
		}
		if resp.ProtoMajor != 2 {
			err = errors.New("not HTTP/2")
		}
		return resp, bodyStream{Reader: resp.Body, WriteCloser: w}, err
	})
}

// bodyStream is a stream made of two bodies.
type bodyStream struct {
	io.Reader
	io.WriteCloser
}

// h3Carrier is one connection at a time.
type h3Carrier struct {
	server *server
	mu     sync.Mutex
	conn   *quic.Conn
	client *http3.ClientConn
}

// get dials when it is called first, and when the server has closed the connection for want of requests.
func (c *h3Carrier) get(ctx context.Context) (*http3.ClientConn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil && c.conn.Context().Err() == nil {
		return c.client, nil
	}
	config := insecureTLS()
	config.NextProtos = []string{http3.NextProtoH3}
	conn, err := quic.DialAddr(ctx, c.server.addr, config, &quic.Config{EnableDatagrams: true, KeepAlivePeriod: keepAlive})
	if err != nil {
		return nil, err
	}
	c.conn, c.client = conn, (&http3.Transport{EnableDatagrams: true}).NewClientConn(conn)
	select {
	case <-c.client.ReceivedSettings():
		return c.client, nil
	case <-time.After(peerLimit):
		return nil, errors.New("no SETTINGS")
	}
}

func (c *h3Carrier) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		_ = c.conn.CloseWithError(0, "")
	}
}

// bridgeH3 is a bridge through HTTP/3 (RFC 9220), by the client of quic-go.
func (s *server) bridgeH3(t *testing.T) string {
	t.Helper()
	carrier := &h3Carrier{server: s}
	t.Cleanup(carrier.close)
	return bridge(t, func(ctx context.Context, asked *http.Request) (*http.Response, io.ReadWriteCloser, error) {
		client, err := carrier.get(context.WithoutCancel(ctx))
		if err != nil {
			return nil, nil, err
		}
		req, err := s.connect(ctx, asked, nil)
		if err != nil {
			return nil, nil, err
		}
		stream, err := client.OpenRequestStream(ctx)
		if err != nil {
			return nil, nil, err
		}
		req.Proto = "websocket"
		if err := stream.SendRequestHeader(req); err != nil {
			return nil, nil, err
		}
		resp, err := stream.ReadResponse()
		return resp, stream, err
	})
}

// directTLS is the configuration of clients that do not go through HTTP/2.
func directTLS() *tls.Config {
	config := insecureTLS()
	config.NextProtos = []string{"http/1.1"}
	return config
}
