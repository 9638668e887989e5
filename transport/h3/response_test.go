package h3_test

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/h3"
)

// Responses without content have no length that the library made up.
func TestLengthOfNothing(t *testing.T) {
	t.Parallel()
	app := tako.New()
	app.Get("/204", func(c *tako.Context) error { return c.NoContent() })
	app.Get("/304", func(c *tako.Context) error { return c.WriteHead(304) })
	app.Get("/stream", func(c *tako.Context) error {
		if err := c.WriteHead(200); err != nil {
			return err
		}
		_, err := c.WriteString("hello")
		return err
	})
	c := newClient(t, start(t, app, h3.Config{}))
	for _, tt := range []struct{ method, target string }{{"GET", "/204"}, {"GET", "/304"}, {"HEAD", "/stream"}} {
		resp, _ := c.do(t, c.request(t, tt.method, tt.target, nil))
		assert.Equal(t, resp.Header["Content-Length"], nil, tt.method, tt.target)
	}
	resp, text := c.get(t, "/stream")
	assert.Equal(t, text, "hello")
	assert.Equal(t, resp.ContentLength, int64(5))
}

// A client that waits for 100 gets it when the handler reads, and not behind a response.
func TestContinue(t *testing.T) {
	t.Parallel()
	app := echoApp()
	app.Post("/early", func(c *tako.Context) error {
		if err := c.Text(200, "early"); err != nil {
			return err
		}
		return c.Flush()
	})
	app.Post("/std", tako.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Own", "kept")
		text, _ := io.ReadAll(r.Body)
		_, _ = w.Write(text)
	})))
	c := newClient(t, start(t, app, h3.Config{}))
	for target, want := range map[string]int{"/echo": 1, "/early": 0, "/std": 1} {
		got := 0
		req := c.request(t, "POST", target, strings.NewReader("hello"))
		req.Header.Set("Expect", "100-continue")
		req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				assert.Equal(t, code, 100)
				assert.Equal(t, h.Get("X-Own"), "")
				got++
				return nil
			}}))
		resp, _ := c.do(t, req)
		assert.Equal(t, resp.StatusCode, 200, target)
		assert.Equal(t, got, want, target)
		if target == "/std" {
			assert.Equal(t, resp.Header.Get("X-Own"), "kept")
		}
	}
}

// RFC 8297
func TestEarlyHints(t *testing.T) {
	t.Parallel()
	app := tako.New()
	app.Get("/", func(c *tako.Context) error {
		if err := c.EarlyHints("</style.css>; rel=preload"); err != nil {
			return err
		}
		return c.Text(200, "ok")
	})
	c := newClient(t, start(t, app, h3.Config{}))
	links := ""
	req := c.request(t, "GET", "/", nil)
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			assert.Equal(t, code, 103)
			links = h.Get("Link")
			return nil
		}}))
	resp, text := c.do(t, req)
	assert.Equal(t, text, "ok")
	assert.Equal(t, links, "</style.css>; rel=preload")
	assert.Equal(t, resp.Header.Get("Link"), "")
}

// H3-05: what is only for HTTP/1.1 is left out of heads and trailers, as over HTTP/2.
func TestFieldsOfConnection(t *testing.T) {
	t.Parallel()
	app := tako.New()
	set := func(h http.Header, prefix string) {
		for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "TE", "HTTP2-Settings"} {
			h.Set(prefix+name, "close, x-hop")
		}
		h["connection"] = []string{"close", "X-Hop2"}
		h.Set(prefix+"X-Hop", "not sent")
		h.Set(prefix+"X-Hop2", "not sent")
		h.Set(prefix+"X-Own", "kept")
	}
	app.Get("/std", tako.HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		set(w.Header(), "")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Add("Trailer", "Upgrade, X-Declared, X-Hop")
		_, _ = io.WriteString(w, "x")
		set(w.Header(), http.TrailerPrefix)
		w.Header().Set("X-Declared", "kept")
		w.Header().Set("X-Late", "not sent")
	})))
	app.Get("/", func(c *tako.Context) error {
		c.Header().Set("connection", "close, x-hop")
		c.Header().Set("X-Hop", "not sent")
		c.Header().Set("TE", "gzip")
		c.Header().Set("X-Own", "kept")
		return c.Text(200, "x")
	})
	c := newClient(t, start(t, app, h3.Config{}))
	for _, target := range []string{"/", "/std"} {
		resp, text := c.get(t, target)
		assert.Equal(t, text, "x")
		assert.Equal(t, resp.Header.Get("X-Own"), "kept")
		for _, name := range []string{"Connection", "Upgrade", "Te", "Http2-Settings", "X-Hop", "X-Hop2"} {
			assert.Equal(t, resp.Header.Get(name), "", target, name)
			assert.Equal(t, resp.Trailer.Get(name), "", target, name)
		}
		assert.Equal(t, resp.Header.Get("X-Late"), "")
		if target == "/std" {
			assert.Equal(t, resp.Trailer.Get("X-Own"), "kept")
			assert.Equal(t, resp.Trailer.Get("X-Declared"), "kept")
		}
	}
}

// A handler may fill in its head while another goroutine reads the body: see -race.
func TestContinueBesideHead(t *testing.T) {
	t.Parallel()
	app := echoApp()
	app.Post("/", tako.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		read := make(chan struct{})
		go func() {
			defer close(read)
			_, _ = io.ReadFull(r.Body, make([]byte, 1))
		}()
		for i := range 50 {
			w.Header().Set("X-"+strconv.Itoa(i), "own")
		}
		_, _ = io.WriteString(w, "x")
		<-read
	})))
	r := dialRaw(t, start(t, app, h3.Config{}))
	for range 50 {
		a := r.request(ask("POST", "/", "expect", "100-continue"), frame(frameData, 'a'))
		assert.NoError(t, a.err)
		assert.Equal(t, a.body, "x")
	}
}
