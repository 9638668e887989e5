package tako_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
)

// upgradable echoes what comes over a connection that was upgraded, until its end.
func upgradable() *tako.Router {
	app := tako.New()
	app.Get("/echo", func(c *tako.Context) error {
		if got := c.UpgradeProtocol(); got != "echo" && got != "" {
			return tako.BadRequest("asked for %s", got)
		}
		c.Header().Set("X-Answer", "yes")
		conn, err := c.Upgrade()
		if err != nil {
			return err
		}
		go func() { // the handler need not wait
			_, _ = io.Copy(struct{ io.Writer }{conn}, conn)
			_ = conn.Close()
		}()
		return nil
	})
	app.Get("/slow", func(c *tako.Context) error {
		conn, err := c.Upgrade()
		if err != nil {
			return err
		}
		defer conn.Close()
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			_, err = io.WriteString(conn, "no deadline")
			return err
		}
		_, err = io.WriteString(conn, "late")
		return err
	})
	return app
}

// onRuntimes serves app on each runtime with this setting and gives the address.
func onRuntimes(t *testing.T, app *tako.Router, h2 tako.HTTP2Config, test func(t *testing.T, addr string)) {
	servers := map[string]tako.Server{
		"std":  std.New(app, std.Config{Addr: "127.0.0.1:0", HTTP2: h2}),
		"loop": loop.New(app, loop.Config{Addr: "127.0.0.1:0", HTTP2: h2}),
	}
	for name, s := range servers {
		t.Run(name, func(t *testing.T) {
			assert.NoError(t, s.Listen(context.Background()))
			served := make(chan error, 1)
			go func() { served <- s.Serve() }()
			test(t, s.Addr().String())
			ctx, cancel := context.WithTimeout(context.Background(), eventPatience)
			defer cancel()
			report, err := s.Shutdown(ctx)
			assert.NoError(t, err)
			assert.Equal(t, report.Cut, 0, "cut")
			assert.NoError(t, <-served)
		})
	}
}

func TestUpgradeHTTP1(t *testing.T) {
	onRuntimes(t, upgradable(), tako.HTTP2Config{}, func(t *testing.T, addr string) {
		conn, err := net.Dial("tcp", addr)
		assert.NoError(t, err)
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(eventPatience))
		_, err = io.WriteString(conn, "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo\r\n\r\nearly ")
		assert.NoError(t, err)
		r := bufio.NewReader(conn)
		resp, err := http.ReadResponse(r, nil)
		assert.NoError(t, err)
		assert.Equal(t, resp.StatusCode, 101)
		assert.Equal(t, resp.Header.Get("Upgrade"), "echo")
		assert.Equal(t, resp.Header.Get("X-Answer"), "yes")
		_, err = io.WriteString(conn, "late")
		assert.NoError(t, err)
		got := make([]byte, len("early late"))
		_, err = io.ReadFull(r, got)
		assert.NoError(t, err)
		assert.Equal(t, string(got), "early late")
		_ = conn.(*net.TCPConn).CloseWrite()
		rest, err := io.ReadAll(r)
		assert.NoError(t, err)
		assert.Equal(t, string(rest), "")

		plain, err := http.Get("http://" + addr + "/echo")
		assert.NoError(t, err)
		_ = plain.Body.Close()
		assert.Equal(t, plain.StatusCode, 426)
	})
}

// h2Client is a client of HTTP/2 in frames.
type h2Client struct {
	t    *testing.T
	conn net.Conn
	fr   *http2.Framer
	buf  bytes.Buffer
	enc  *hpack.Encoder
	conf map[http2.SettingID]uint32
}

func dialHTTP2(t *testing.T, addr string) *h2Client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	assert.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(eventPatience))
	_, err = io.WriteString(conn, http2.ClientPreface)
	assert.NoError(t, err)
	c := &h2Client{t: t, conn: conn, fr: http2.NewFramer(conn, conn), conf: map[http2.SettingID]uint32{}}
	c.enc = hpack.NewEncoder(&c.buf)
	c.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	assert.NoError(t, c.fr.WriteSettings())
	f, err := c.fr.ReadFrame()
	assert.NoError(t, err)
	_ = f.(*http2.SettingsFrame).ForeachSetting(func(s http2.Setting) error { c.conf[s.ID] = s.Val; return nil })
	assert.NoError(t, c.fr.WriteSettingsAck())
	return c
}

func (c *h2Client) connect(id uint32, path, protocol string) {
	c.t.Helper()
	c.buf.Reset()
	for _, f := range [][2]string{{":method", "CONNECT"}, {":scheme", "http"}, {":path", path}, {":authority", "a"}, {":protocol", protocol}} {
		_ = c.enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	assert.NoError(c.t, c.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.buf.Bytes(), EndHeaders: true}))
}

// next returns the next frame of a stream.
func (c *h2Client) next(id uint32) http2.Frame {
	c.t.Helper()
	for {
		f, err := c.fr.ReadFrame()
		assert.NoError(c.t, err)
		if f.Header().StreamID == id {
			return f
		}
	}
}

// text reads the stream until it has ended.
func (c *h2Client) text(id uint32) string {
	c.t.Helper()
	var all strings.Builder
	for {
		switch f := c.next(id).(type) {
		case *http2.DataFrame:
			all.Write(f.Data())
			if f.StreamEnded() {
				return all.String()
			}
		case *http2.RSTStreamFrame:
			return all.String() + " " + f.ErrCode.String()
		}
	}
}

func TestUpgradeHTTP2(t *testing.T) {
	onRuntimes(t, upgradable(), tako.HTTP2Config{ExtendedConnect: true}, func(t *testing.T, addr string) {
		c := dialHTTP2(t, addr)
		assert.Equal(t, c.conf[http2.SettingEnableConnectProtocol], uint32(1))
		c.connect(1, "/echo", "echo")
		head := c.next(1).(*http2.MetaHeadersFrame)
		assert.Equal(t, head.PseudoValue("status"), "200")
		assert.Equal(t, head.StreamEnded(), false)
		for range 3 {
			assert.NoError(t, c.fr.WriteData(1, false, []byte("hello")))
			assert.Equal(t, string(c.next(1).(*http2.DataFrame).Data()), "hello")
		}
		assert.NoError(t, c.fr.WriteData(1, true, nil))
		assert.Equal(t, c.text(1), "")

		c.connect(3, "/slow", "echo")
		assert.Equal(t, c.next(3).(*http2.MetaHeadersFrame).PseudoValue("status"), "200")
		assert.Equal(t, c.text(3), "late")
	})
}

// What follows the head would be taken for the other protocol.
func TestUpgradeWithBody(t *testing.T) {
	app := upgradable()
	app.Get("/events", func(c *tako.Context) error { return c.UpgradeEvents(newWatched(), tako.EventConfig{}) })
	onRuntimes(t, app, tako.HTTP2Config{}, func(t *testing.T, addr string) {
		for _, path := range []string{"/echo", "/events"} {
			for _, body := range []string{"Content-Length: 3\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"} {
				conn, err := net.Dial("tcp", addr)
				assert.NoError(t, err)
				_ = conn.SetDeadline(time.Now().Add(eventPatience))
				_, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n"+body)
				line, err := bufio.NewReader(conn).ReadString('\n')
				assert.NoError(t, err)
				assert.Equal(t, line, "HTTP/1.1 400 Bad Request\r\n")
				_ = conn.Close()
			}
		}
	})
}

// For the client a 2xx would mean that it may use the protocol that it has asked for.
func TestUpgradeHTTP2Ignored(t *testing.T) {
	app := tako.New()
	app.Get("/plain", func(c *tako.Context) error {
		c.Trailer().Set("X-Late", "yes")
		c.Header().Set("X-Early", "yes")
		return c.Text(http.StatusOK, "no tunnel")
	})
	app.Get("/refused", func(c *tako.Context) error { return &tako.Error{Status: http.StatusForbidden} })
	onRuntimes(t, app, tako.HTTP2Config{ExtendedConnect: true}, func(t *testing.T, addr string) {
		c := dialHTTP2(t, addr)
		c.connect(1, "/plain", "echo")
		head := c.next(1).(*http2.MetaHeadersFrame)
		assert.Equal(t, head.PseudoValue("status"), "405")
		for _, f := range head.RegularFields() {
			assert.Equal(t, f.Name == "x-early", false)
		}
		assert.Equal(t, head.StreamEnded(), true)
		c.connect(3, "/refused", "echo")
		assert.Equal(t, c.next(3).(*http2.MetaHeadersFrame).PseudoValue("status"), "403")
	})
}

// Without the setting an extended CONNECT is malformed.
func TestUpgradeHTTP2Off(t *testing.T) {
	onRuntimes(t, upgradable(), tako.HTTP2Config{}, func(t *testing.T, addr string) {
		c := dialHTTP2(t, addr)
		assert.Equal(t, c.conf[http2.SettingEnableConnectProtocol], uint32(0))
		c.connect(1, "/echo", "echo")
		assert.Equal(t, c.next(1).(*http2.RSTStreamFrame).ErrCode, http2.ErrCodeProtocol)
	})
}
