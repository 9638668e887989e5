package main

import (
	"bufio"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
	"github.com/tako-go/tako/transport"
)

const patience = 20 * time.Second

// A target is a server as a client finds it.
type target struct {
	base   string
	client *http.Client
}

// each runs test against both runtimes, over TLS and without, with clients that speak
// HTTP/2 and nothing else.
func each(t *testing.T, test func(t *testing.T, to target)) {
	for _, runtime := range []string{"std", "loop"} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(runtime+"/"+scheme, func(t *testing.T) {
				carrier := &http.Transport{Protocols: new(http.Protocols)}
				var certs tako.Certs
				if scheme == "https" {
					own := transport.SelfSigned()
					certs = own
					carrier.TLSClientConfig = &tls.Config{RootCAs: own.CertPool()}
					carrier.Protocols.SetHTTP2(true)
				} else {
					carrier.Protocols.SetUnencryptedHTTP2(true)
				}
				server, err := newServer(runtime, app(time.Millisecond), "127.0.0.1:0", certs)
				assert.NoError(t, err)
				takotest.Run(t, server)
				t.Cleanup(carrier.CloseIdleConnections)
				test(t, target{scheme + "://" + reachable(server.Addr()), &http.Client{Transport: carrier, Timeout: patience}})
			})
		}
	}
}

func (to target) do(t *testing.T, req *http.Request) *http.Response {
	t.Helper()
	resp, err := to.client.Do(req)
	assert.NoError(t, err)
	t.Cleanup(func() { resp.Body.Close() })
	assert.Equal(t, resp.StatusCode, 200)
	return resp
}

func request(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	assert.NoError(t, err)
	return req
}

func TestProtocol(t *testing.T) {
	each(t, func(t *testing.T, to target) {
		text, err := io.ReadAll(to.do(t, request(t, "GET", to.base, nil)).Body)
		assert.NoError(t, err)
		assert.Equal(t, string(text), "this is HTTP/2\n")
	})
}

func TestEarlyHints(t *testing.T) {
	each(t, func(t *testing.T, to target) {
		var links []string
		req := request(t, "GET", to.base+"/page", nil)
		req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				if code == http.StatusEarlyHints {
					links = append(links, h["Link"]...)
				}
				return nil
			}}))
		text, err := io.ReadAll(to.do(t, req).Body)
		assert.NoError(t, err)
		assert.Equal(t, links, []string{"</style.css>; rel=preload; as=style"})
		assert.Equal(t, strings.Contains(string(text), "/style.css"), true)
		assert.Equal(t, to.do(t, request(t, "GET", to.base+"/style.css", nil)).Header.Get("Content-Type"), "text/css")
	})
}

func TestTicks(t *testing.T) {
	each(t, func(t *testing.T, to target) {
		lines := bufio.NewReader(to.do(t, request(t, "GET", to.base+"/ticks", nil)).Body)
		for _, want := range []string{"tick 1\n", "tick 2\n", "tick 3\n"} {
			got, err := lines.ReadString('\n')
			assert.NoError(t, err)
			assert.Equal(t, got, want)
		}
	})
}

// Each answer is read before the next line is sent.
func TestUpper(t *testing.T) {
	each(t, func(t *testing.T, to target) {
		body, says := io.Pipe()
		defer says.Close()
		first := make(chan error, 1)
		go func() {
			_, err := io.WriteString(says, "eight\n")
			first <- err
		}()
		hears := bufio.NewReader(to.do(t, request(t, "PUT", to.base+"/upper", body)).Body)
		assert.NoError(t, <-first)
		got, err := hears.ReadString('\n')
		assert.NoError(t, err)
		assert.Equal(t, got, "EIGHT\n")
		_, err = io.WriteString(says, "arms\n")
		assert.NoError(t, err)
		got, err = hears.ReadString('\n')
		assert.NoError(t, err)
		assert.Equal(t, got, "ARMS\n")
		assert.NoError(t, says.Close())
		rest, err := io.ReadAll(hears)
		assert.NoError(t, err)
		assert.Equal(t, string(rest), "")
	})
}

func TestSum(t *testing.T) {
	each(t, func(t *testing.T, to target) {
		resp := to.do(t, request(t, "POST", to.base+"/sum", strings.NewReader("abc")))
		text, err := io.ReadAll(resp.Body)
		assert.NoError(t, err)
		assert.Equal(t, string(text), "abc")
		assert.Equal(t, resp.Trailer.Get("Sum"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
	})
}

func TestUnknownRuntime(t *testing.T) {
	if _, err := newServer("turbo", app(time.Second), "127.0.0.1:0", nil); err == nil || !strings.Contains(err.Error(), "turbo") {
		t.Errorf("got %v", err)
	}
}
