package conformance_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako/internal/assert"
)

// h3Client is quic-go's client.
func h3Client(t *testing.T) *http.Client {
	t.Helper()
	config := insecureTLS()
	config.NextProtos = nil
	transport := &http3.Transport{TLSClientConfig: config, EnableDatagrams: true, DisableCompression: true}
	t.Cleanup(func() { transport.Close() })
	return &http.Client{Transport: transport, Timeout: peerLimit}
}

// ask3 sends a request whose answer is to have this version.
func ask3(t *testing.T, c *http.Client, method, url string, body io.Reader) *http.Response {
	t.Helper()
	req := request(t, method, url, body)
	resp, err := c.Do(req)
	assert.NoError(t, err, method, " ", url)
	t.Cleanup(func() { resp.Body.Close() })
	assert.Equal(t, resp.ProtoMajor, 3)
	return resp
}

func TestQuicGoBodies(t *testing.T) {
	want := digest(t, bigBytes(bigSize))
	eachH3(t, func(t *testing.T, s *server) {
		c := h3Client(t)
		resp := ask3(t, c, http.MethodGet, s.url(fmt.Sprintf("/big/%d", bigSize)), nil)
		assert.Equal(t, resp.ContentLength, int64(bigSize))
		assert.Equal(t, digest(t, resp.Body), want, "download")
		resp = ask3(t, c, http.MethodPost, s.url("/sum"), bigBytes(bigSize))
		assert.Equal(t, string(read(t, resp.Body)), fmt.Sprintf("%s %d\n", want, bigSize), "upload")
		resp = ask3(t, c, http.MethodPost, s.url("/echo"), bigBytes(bigSize))
		assert.Equal(t, digest(t, resp.Body), want, "both ways")
		for range 20 {
			// The rest of the body is not wanted, and the answer comes before it.
			resp = ask3(t, c, http.MethodPost, s.url("/refuse"), bigBytes(4<<20))
			assert.Equal(t, resp.StatusCode, http.StatusForbidden)
			assert.Equal(t, string(read(t, resp.Body)), "refused\n")
		}
		resp = ask3(t, c, http.MethodHead, s.url("/"), nil)
		assert.Equal(t, resp.ContentLength, int64(13))
	})
}

func TestQuicGoMany(t *testing.T) {
	eachH3(t, func(t *testing.T, s *server) {
		c := h3Client(t)
		var all sync.WaitGroup
		for i := range 500 {
			all.Go(func() {
				want := bytes.Repeat([]byte{byte(i)}, 10*i)
				req := request(t, http.MethodPost, s.url("/echo"), bytes.NewReader(want))
				req.Header.Set("X-Long", strings.Repeat("x", 2000))
				resp, err := c.Do(req)
				if err != nil {
					t.Errorf("request %d: %v", i, err)
					return
				}
				defer resp.Body.Close()
				if body, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(body, want) {
					t.Errorf("request %d: got %d bytes, %v, want %d", i, len(body), err, len(want))
				}
			})
		}
		all.Wait()
	})
}

func TestQuicGoTrailers(t *testing.T) {
	eachH3(t, func(t *testing.T, s *server) {
		c := h3Client(t)
		resp := ask3(t, c, http.MethodGet, s.url("/trailers"), nil)
		read(t, resp.Body)
		assert.Equal(t, resp.Trailer.Get("X-Checksum"), "abc")
		assert.Equal(t, resp.Trailer.Get("X-Status"), "done")
		req := request(t, http.MethodPost, s.url("/trailers"), strings.NewReader("body"))
		req.ContentLength = -1
		req.Trailer = http.Header{"X-Mine": {"1", "2"}}
		resp, err := c.Do(req)
		assert.NoError(t, err)
		defer resp.Body.Close()
		read(t, resp.Body)
		assert.Equal(t, resp.Trailer.Values("X-Mine"), []string{"1", "2"})
	})
}

// TestQuicGoCancel wants handlers to hear that their client has cancelled the streams.
func TestQuicGoCancel(t *testing.T) {
	eachH3(t, func(t *testing.T, s *server) {
		c := h3Client(t)
		counts := func() (begun, cancelled int) {
			fmt.Sscan(string(read(t, ask3(t, c, http.MethodGet, s.url("/waits"), nil).Body)), &begun, &cancelled)
			return begun, cancelled
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
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
		assert.Eventually(t, peerLimit, "20 handlers wait", func() bool { begun, _ := counts(); return begun == 20 })
		cancel()
		all.Wait()
		assert.Eventually(t, peerLimit, "20 handlers were cancelled", func() bool { _, cancelled := counts(); return cancelled == 20 })
	})
}

// TestQuicGoConnect has an extended CONNECT (RFC 9220) whose stream echoes.
func TestQuicGoConnect(t *testing.T) {
	eachH3(t, func(t *testing.T, s *server) {
		ctx, cancel := context.WithTimeout(t.Context(), peerLimit)
		defer cancel()
		config := insecureTLS()
		config.NextProtos = []string{http3.NextProtoH3}
		conn, err := quic.DialAddr(ctx, s.addr, config, &quic.Config{EnableDatagrams: true})
		assert.NoError(t, err)
		defer conn.CloseWithError(0, "")
		client := (&http3.Transport{EnableDatagrams: true}).NewClientConn(conn)
		select {
		case <-client.ReceivedSettings():
		case <-ctx.Done():
			t.Fatal("no SETTINGS")
		}
		assert.Equal(t, client.Settings().EnableExtendedConnect, true, "SETTINGS_ENABLE_CONNECT_PROTOCOL")
		for i := range 10 {
			stream, err := client.OpenRequestStream(ctx)
			assert.NoError(t, err)
			req := request(t, http.MethodConnect, s.url("/talk"), nil)
			req.Proto = "echo"
			assert.NoError(t, stream.SendRequestHeader(req))
			resp, err := stream.ReadResponse()
			assert.NoError(t, err)
			assert.Equal(t, resp.StatusCode, http.StatusOK)
			for n := range 20 {
				text := fmt.Appendf(nil, "message %d of stream %d", n, i)
				_, err := stream.Write(text)
				assert.NoError(t, err)
				got := make([]byte, len(text))
				_, err = io.ReadFull(stream, got)
				assert.NoError(t, err)
				assert.Equal(t, string(got), string(text))
			}
			assert.NoError(t, stream.Close())
			assert.Equal(t, string(read(t, struct{ io.Reader }{stream})), "")
		}
	})
}

// TestQuicGoDrain has a stream end in order when the server was asked to end, behind GOAWAY.
func TestQuicGoDrain(t *testing.T) {
	eachH3(t, func(t *testing.T, s *server) {
		answer := waitFor(t, s, h3Client(t))
		s.drain()
		assert.NoError(t, <-answer)
		<-s.quiet
	})
}

// TestQuicGoReplaced has a stream of the process before end in order, while a new process
// has the socket and serves others.
func TestQuicGoReplaced(t *testing.T) {
	besideEach(t, func(t *testing.T, s *server) {
		process := func(c *http.Client) int {
			return parseSeen(t, string(read(t, ask3(t, c, http.MethodGet, s.url("/info"), nil).Body))).PID
		}
		old := h3Client(t)
		for range 3 {
			before := s.pid
			assert.Equal(t, process(old), before)
			answer := waitFor(t, s, old)
			s.replace(t)
			assert.NoError(t, <-answer)
			assert.Eventually(t, peerLimit, "the process before has ended", func() bool { return gone(before) })
			next := h3Client(t)
			assert.Equal(t, process(next), s.pid)
			old = next
		}
	})
}

// waitFor has a request under way that is answered when the server drains.
func waitFor(t *testing.T, s *server, c *http.Client) (answer chan error) {
	answer = make(chan error, 1)
	go func() {
		resp, err := c.Do(request(t, http.MethodGet, s.url("/wait"), nil))
		if err == nil {
			var body []byte
			body, err = io.ReadAll(resp.Body)
			resp.Body.Close()
			if err == nil && string(body) != "waited\n" {
				err = fmt.Errorf("got %q", body)
			}
		}
		answer <- err
	}()
	assert.Eventually(t, peerLimit, "the handler waits", func() bool {
		return strings.HasPrefix(string(read(t, ask3(t, c, http.MethodGet, s.url("/waits"), nil).Body)), "1 ")
	})
	return answer
}
