package conformance_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/tako-go/tako/internal/assert"
)

// goClients are the two that Go has; net/http holds an older copy of the other.
var goClients = map[string]func(t *testing.T, s *server) http.RoundTripper{
	"net_http": netHTTPClient,
	"x_net":    xNetClient,
}

// netHTTPClient speaks HTTP/2 only.
func netHTTPClient(t *testing.T, s *server) http.RoundTripper {
	transport := &http.Transport{TLSClientConfig: insecureTLS(), Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP2(s.tls)
	transport.Protocols.SetUnencryptedHTTP2(!s.tls)
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

func xNetClient(t *testing.T, s *server) http.RoundTripper {
	transport := &http2.Transport{TLSClientConfig: insecureTLS(), AllowHTTP: true, ReadIdleTimeout: 100 * time.Millisecond}
	if !s.tls {
		transport.DialTLSContext = dialClear
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// eachClient runs test with both clients of Go against every target.
func eachClient(t *testing.T, test func(t *testing.T, s *server, c *http.Client)) {
	each(t, nil, func(t *testing.T, s *server) {
		for name, make := range goClients {
			t.Run(name, func(t *testing.T) {
				test(t, s, &http.Client{Transport: make(t, s), Timeout: peerLimit})
			})
		}
	})
}

func do(t *testing.T, c *http.Client, req *http.Request) *http.Response {
	t.Helper()
	resp, err := c.Do(req)
	assert.NoError(t, err, req.Method, " ", req.URL.Path)
	t.Cleanup(func() { resp.Body.Close() })
	assert.Equal(t, resp.ProtoMajor, 2)
	return resp
}

func request(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	assert.NoError(t, err)
	return req
}

func TestGoBodies(t *testing.T) {
	const size = 16 << 20
	want := digest(t, bigBytes(size))
	eachClient(t, func(t *testing.T, s *server, c *http.Client) {
		resp := do(t, c, request(t, http.MethodGet, s.url(fmt.Sprintf("/big/%d", size)), nil))
		assert.Equal(t, resp.ContentLength, int64(size))
		assert.Equal(t, digest(t, resp.Body), want, "download")

		resp = do(t, c, request(t, http.MethodPost, s.url("/sum"), bigBytes(size)))
		text, err := io.ReadAll(resp.Body)
		assert.NoError(t, err)
		assert.Equal(t, string(text), fmt.Sprintf("%s %d\n", want, size), "upload")

		resp = do(t, c, request(t, http.MethodPost, s.url("/echo"), bigBytes(size)))
		assert.Equal(t, digest(t, resp.Body), want, "both ways")
	})
}

// TestGoEarlyAnswer is H2-09: bodies that nobody reads neither hide the answer nor use up
// the connection.
func TestGoEarlyAnswer(t *testing.T) {
	const size = 4 << 20
	want := fmt.Sprintf("%s %d\n", digest(t, bigBytes(size)), size)
	eachClient(t, func(t *testing.T, s *server, c *http.Client) {
		for range 20 {
			resp := do(t, c, request(t, http.MethodPost, s.url("/refuse"), bigBytes(size)))
			text, err := io.ReadAll(resp.Body)
			assert.NoError(t, err)
			assert.Equal(t, resp.StatusCode, http.StatusForbidden)
			assert.Equal(t, string(text), "refused\n")
		}
		resp := do(t, c, request(t, http.MethodPost, s.url("/sum"), bigBytes(size)))
		text, err := io.ReadAll(resp.Body)
		assert.NoError(t, err)
		assert.Equal(t, string(text), want)
	})
}

// TestGoTalk has each line answered before the next is sent.
func TestGoTalk(t *testing.T) {
	eachClient(t, func(t *testing.T, s *server, c *http.Client) {
		in, out := io.Pipe()
		defer out.Close()
		resp := do(t, c, request(t, http.MethodPost, s.url("/echo"), in))
		lines := bufio.NewReader(resp.Body)
		for i := range 100 {
			line := fmt.Sprintf("line %d\n", i)
			_, err := io.WriteString(out, line)
			assert.NoError(t, err)
			got, err := lines.ReadString('\n')
			assert.NoError(t, err)
			assert.Equal(t, got, line)
		}
		assert.NoError(t, out.Close())
		_, err := lines.ReadByte()
		assert.ErrorIs(t, err, io.EOF)
	})
}

func TestGoTrailers(t *testing.T) {
	eachClient(t, func(t *testing.T, s *server, c *http.Client) {
		resp := do(t, c, request(t, http.MethodGet, s.url("/trailers"), nil))
		_, err := io.Copy(io.Discard, resp.Body)
		assert.NoError(t, err)
		assert.Equal(t, resp.Trailer.Get("X-Checksum"), "abc")
		assert.Equal(t, resp.Trailer.Get("X-Status"), "done")

		req := request(t, http.MethodPost, s.url("/trailers"), strings.NewReader("body"))
		req.ContentLength = -1
		req.Trailer = http.Header{"X-Mine": {"1", "2"}}
		resp = do(t, c, req)
		_, err = io.Copy(io.Discard, resp.Body)
		assert.NoError(t, err)
		assert.Equal(t, resp.Trailer.Values("X-Mine"), []string{"1", "2"})
	})
}

// TestGoCancel wants the handler to hear that its client has cancelled the stream, and
// the others on the connection not to.
func TestGoCancel(t *testing.T) {
	eachClient(t, func(t *testing.T, s *server, c *http.Client) {
		get := func(path string) string {
			resp := do(t, c, request(t, http.MethodGet, s.url(path), nil))
			text, err := io.ReadAll(resp.Body)
			assert.NoError(t, err)
			return string(text)
		}
		var begun, cancelled, before int
		fmt.Sscan(get("/waits"), &before, &cancelled)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				resp, err := c.Do(request(t, http.MethodGet, s.url("/wait"), nil).WithContext(ctx))
				if err == nil {
					resp.Body.Close()
				}
				if !errors.Is(err, context.Canceled) {
					t.Errorf("got error %v, want context.Canceled", err)
				}
			})
		}
		assert.Eventually(t, peerLimit, "20 handlers wait", func() bool {
			fmt.Sscan(get("/waits"), &begun, &cancelled)
			return begun == before+20
		})
		cancel()
		all.Wait()
		assert.Eventually(t, peerLimit, "20 handlers were cancelled", func() bool {
			fmt.Sscan(get("/waits"), &begun, &cancelled)
			return cancelled == before+20
		})
	})
}

func TestGoMany(t *testing.T) {
	eachClient(t, func(t *testing.T, s *server, c *http.Client) {
		var all sync.WaitGroup
		for i := range 500 {
			all.Go(func() {
				req := request(t, http.MethodPost, s.url("/echo"), bytes.NewReader(bytes.Repeat([]byte{byte(i)}, 10*i)))
				req.Header.Set("X-Long", strings.Repeat("x", 2000))
				resp, err := c.Do(req)
				if err != nil {
					t.Errorf("request %d: %v", i, err)
					return
				}
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				if err != nil || !bytes.Equal(body, bytes.Repeat([]byte{byte(i)}, 10*i)) {
					t.Errorf("request %d: got %d bytes, %v, want %d", i, len(body), err, 10*i)
				}
			})
		}
		all.Wait()
	})
}
