package handshake_test

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/handshake"
	"github.com/tako-go/tako/transport"
)

const patience = 10 * time.Second

func TestProtocols(t *testing.T) {
	assert.Equal(t, handshake.Protocols(true), []string{"h2", "http/1.1"})
	assert.Equal(t, handshake.Protocols(false), []string{"http/1.1"})
}

// do does a handshake with a client that behaves like this.
func do(t *testing.T, http2 bool, timeout time.Duration, client func(c net.Conn)) (*tls.Conn, handshake.Result) {
	t.Helper()
	config, err := transport.SelfSigned("a.example").TLS(t.Context(), handshake.Protocols(http2), slog.New(slog.DiscardHandler))
	assert.NoError(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	defer ln.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		conn, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		client(conn)
	}()
	conn, err := ln.Accept()
	assert.NoError(t, err)
	own := tls.Server(conn, config)
	result := handshake.Do(own, timeout)
	if result.Err != nil {
		_ = conn.Close()
	}
	<-ended
	t.Cleanup(func() { _ = conn.Close() })
	return own, result
}

// shake is a client that offers these protocols.
func shake(offers ...string) func(c net.Conn) {
	return func(c net.Conn) {
		_ = tls.Client(c, &tls.Config{InsecureSkipVerify: true, ServerName: "a.example", NextProtos: offers}).HandshakeContext(context.Background())
	}
}

// The best protocol that both have is agreed on; without one the handshake fails, but a client
// that offers none at all is welcome.
func TestAgreement(t *testing.T) {
	tests := []struct {
		name   string
		http2  bool
		offers []string
		agreed string
		fails  bool
	}{
		{name: "both", http2: true, offers: []string{"http/1.1", "h2"}, agreed: "h2"},
		{name: "h2", http2: true, offers: []string{"h2"}, agreed: "h2"},
		{name: "http/1.1", http2: true, offers: []string{"http/1.1"}, agreed: "http/1.1"},
		{name: "none", http2: true},
		{name: "unknown", http2: true, offers: []string{"spdy/3"}, fails: true},
		{name: "no h2 here", offers: []string{"h2"}, fails: true},
		{name: "no h2 here, and http/1.1", offers: []string{"h2", "http/1.1"}, agreed: "http/1.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn, got := do(t, tt.http2, patience, shake(tt.offers...))
			assert.Equal(t, got.Err != nil, tt.fails, got.Err)
			assert.Equal(t, got.TimedOut || got.Gone, false, "timed out or gone")
			if !tt.fails {
				assert.Equal(t, conn.ConnectionState().NegotiatedProtocol, tt.agreed)
			}
		})
	}
}

// Nothing may be served to who has only come to see the certificate of a challenge.
func TestProofOfControl(t *testing.T) {
	config := &tls.Config{NextProtos: []string{"acme-tls/1"}}
	made, err := transport.SelfSigned("a.example").TLS(t.Context(), nil, slog.New(slog.DiscardHandler))
	assert.NoError(t, err)
	config.GetConfigForClient = made.GetConfigForClient
	config.GetCertificate, config.Certificates = made.GetCertificate, made.Certificates
	if made.GetConfigForClient != nil {
		own := made.GetConfigForClient
		config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			chosen, err := own(hello)
			if chosen == nil || err != nil {
				return chosen, err
			}
			chosen = chosen.Clone()
			chosen.NextProtos = config.NextProtos
			return chosen, nil
		}
	}
	server, client := net.Pipe()
	defer server.Close()
	defer client.Close()
	go shake("acme-tls/1")(client)
	got := handshake.Do(tls.Server(server, config), patience)
	if got.Err == nil || !got.Gone || got.TimedOut {
		t.Errorf("got %+v", got)
	}
}

// A client that says nothing, or not enough, is waited for as long as allowed.
func TestTimeout(t *testing.T) {
	for name, text := range map[string]string{"nothing": "", "part of a record": "\x16\x03\x01\x01\x00\x01"} {
		t.Run(name, func(t *testing.T) {
			const timeout = 50 * time.Millisecond
			began := time.Now()
			_, got := do(t, true, timeout, func(c net.Conn) {
				_, _ = io.WriteString(c, text)
				if answer, _ := io.ReadAll(c); strings.Contains(string(answer), "HTTP") {
					t.Errorf("got %q", answer)
				}
			})
			assert.Equal(t, got.Err != nil && got.TimedOut, true, got.Err)
			if since := time.Since(began); since < timeout || since > patience/2 {
				t.Errorf("ended after %v", since)
			}
		})
	}
}

// A client that leaves is no news.
func TestGone(t *testing.T) {
	for name, client := range map[string]func(c net.Conn){
		"at once":     func(c net.Conn) {},
		"in a record": func(c net.Conn) { _, _ = io.WriteString(c, "\x16\x03\x01\x01\x00\x01") },
		"by a reset": func(c net.Conn) {
			_, _ = io.WriteString(c, "\x16\x03\x01\x01\x00\x01")
			_ = c.(*net.TCPConn).SetLinger(0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, got := do(t, true, 0, client)
			assert.Equal(t, got.Err != nil && got.Gone && !got.TimedOut, true, got.Err)
		})
	}
}

// Who speaks HTTP without TLS is told so; who speaks something else is not.
func TestPlain(t *testing.T) {
	tests := map[string]bool{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n": true, "HEAD / HTTP/1.1\r\n\r\n": true, "POST /x HTTP/1.1\r\n\r\n": true, "PUT / HTTP/1.1\r\n\r\n": true,
		"OPTIONS * HTTP/1.1\r\n\r\n": true, "PATCH / HTTP/1.1\r\n\r\n": true, "DELETE / HTTP/1.1\r\n\r\n": true, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n": true,
		"SSH-2.0-OpenSSH\r\n": false, "\x00\x01\x02\x03\x04\x05\x06": false,
	}
	for text, told := range tests {
		_, got := do(t, true, patience, func(c net.Conn) {
			_, _ = io.WriteString(c, text)
			_ = c.(*net.TCPConn).CloseWrite()
			answer, _ := io.ReadAll(c)
			if strings.HasPrefix(string(answer), "HTTP/1.0 400 Bad Request\r\n") != told {
				t.Errorf("%.10q: got %q", text, answer)
			}
			if told && !strings.HasSuffix(string(answer), "the request came without TLS.\n") {
				t.Errorf("%.10q: got %q", text, answer)
			}
		})
		assert.Equal(t, got.Err != nil && !got.TimedOut && !got.Gone, true, text)
	}
}
