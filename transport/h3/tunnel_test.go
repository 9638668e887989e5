package h3_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/h3"
)

// connect is an extended CONNECT.
func connect(path, protocol string) []byte {
	return ask("CONNECT", path, ":protocol", protocol)
}

func tunnelApp() *tako.Router {
	app := echoApp()
	app.Get("/tunnel", func(c *tako.Context) error {
		c.Header().Set("X-Protocol", c.UpgradeProtocol())
		conn, err := c.Upgrade()
		if err != nil {
			return err
		}
		go func() { // it outlives the handler
			defer conn.Close()
			_, _ = io.Copy(conn, conn)
		}()
		return nil
	})
	app.Get("/fails", func(c *tako.Context) error {
		if _, err := c.Upgrade(); err != nil {
			return err
		}
		return errors.New("no")
	})
	return app
}

// RFC 9220
func TestTunnel(t *testing.T) {
	t.Parallel()
	s := start(t, tunnelApp(), h3.Config{ExtendedConnect: true})
	r := dialRaw(t, s)
	str := r.open(connect("/tunnel", "websocket"), frame(frameData, []byte("hello ")...))
	assert.Eventually(t, patience, "it is served", func() bool { return s.Stats().Running == 1 })
	_, err := str.Write(frame(frameData, []byte("tunnel")...))
	assert.NoError(t, err)
	assert.NoError(t, str.Close())
	a := read(t, str)
	assert.NoError(t, a.err)
	assert.Equal(t, a.status, 200)
	assert.Equal(t, a.body, "hello tunnel")
	assert.Eventually(t, patience, "it is counted out", func() bool { return s.Stats().Running == 0 })
	goesOn(t, r)
}

// A client of the library, which waits for the setting.
func TestTunnelOfClient(t *testing.T) {
	t.Parallel()
	s := start(t, tunnelApp(), h3.Config{ExtendedConnect: true})
	cc := (&http3.Transport{}).NewClientConn(dial(t, s))
	<-cc.ReceivedSettings()
	assert.Equal(t, cc.Settings().EnableExtendedConnect, true)
	str, err := cc.OpenRequestStream(within(t))
	assert.NoError(t, err)
	c := &client{base: "https://" + s.Addr().String()}
	req := c.request(t, "CONNECT", "/tunnel", nil)
	req.Proto = "websocket"
	assert.NoError(t, str.SendRequestHeader(req))
	resp, err := str.ReadResponse()
	assert.NoError(t, err)
	assert.Equal(t, resp.StatusCode, 200)
	assert.Equal(t, resp.Header.Get("X-Protocol"), "websocket")
	_, err = str.Write([]byte("hello"))
	assert.NoError(t, err)
	assert.NoError(t, str.Close())
	got, err := io.ReadAll(str)
	assert.NoError(t, err)
	assert.Equal(t, string(got), "hello")
}

func TestTunnelFails(t *testing.T) {
	t.Parallel()
	s := start(t, tunnelApp(), h3.Config{ExtendedConnect: true})
	r := dialRaw(t, s)
	assert.Equal(t, r.request(connect("/fails", "websocket")).reset, http3.ErrCodeInternalError)
	plain := r.request(connect("/", "websocket")) // 405, which is not in the static table
	assert.Equal(t, [2]any{plain.status, plain.body}, [2]any{0, ""})
	assert.Eventually(t, patience, "all are counted out", func() bool { return s.Stats().Running == 0 })
	off := dialRaw(t, start(t, tunnelApp(), h3.Config{}))
	assert.Equal(t, off.request(connect("/tunnel", "websocket")).body, "Not Implemented\n")
	goesOn(t, off)
}

// The net.Conn of a tunnel.
func TestTunnelConn(t *testing.T) {
	t.Parallel()
	app := echoApp()
	conns := make(chan net.Conn, 1)
	app.Get("/tunnel", func(c *tako.Context) error {
		conn, err := c.Upgrade()
		if err == nil {
			conns <- conn
		}
		return err
	})
	s := start(t, app, h3.Config{ExtendedConnect: true, Limits: tako.Limits{BodyTimeout: short, WriteTimeout: short}})
	r := dialRaw(t, s)
	str := r.open(connect("/tunnel", "chat"))
	conn := <-conns
	assert.Equal(t, conn.LocalAddr().String(), s.Addr().String())
	assert.Equal(t, conn.RemoteAddr().(*net.UDPAddr).Port, r.LocalAddr().(*net.UDPAddr).Port)

	assert.NoError(t, conn.SetReadDeadline(time.Now().Add(2*short)))
	_, err := conn.Read(make([]byte, 1))
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	assert.NoError(t, conn.SetReadDeadline(time.Time{}))
	_, err = str.Write(frame(frameData, 'a'))
	assert.NoError(t, err)
	b := make([]byte, 10)
	n, err := conn.Read(b)
	assert.NoError(t, err)
	assert.Equal(t, string(b[:n]), "a")

	_, err = conn.Write([]byte("last words"))
	assert.NoError(t, err)
	assert.NoError(t, conn.(interface{ CloseWrite() error }).CloseWrite())
	assert.Equal(t, read(t, str).body, "last words")
	assert.Equal(t, s.Stats().Running, int64(1))
	_, err = str.Write(frame(frameData, 'b'))
	assert.NoError(t, err)
	n, err = conn.Read(b)
	assert.NoError(t, err)
	assert.Equal(t, string(b[:n]), "b")

	unblocked := make(chan error, 1)
	go func() {
		_, err := conn.Read(b)
		unblocked <- err
	}()
	assert.NoError(t, conn.Close())
	assert.ErrorIs(t, <-unblocked, net.ErrClosed)
	assert.ErrorIs(t, conn.Close(), net.ErrClosed)
	assert.Eventually(t, patience, "it is counted out", func() bool { return s.Stats().Running == 0 })
	goesOn(t, r)
}

// SD-06: a tunnel holds a drain up until its end.
func TestTunnelDrain(t *testing.T) {
	t.Parallel()
	app := echoApp()
	app.Get("/tunnel", func(c *tako.Context) error {
		conn, err := c.Upgrade()
		if err != nil {
			return err
		}
		defer conn.Close()
		<-c.Draining()
		_, err = io.WriteString(conn, "bye")
		return err
	})
	s := start(t, app, h3.Config{ExtendedConnect: true})
	r := dialRaw(t, s)
	str := r.open(connect("/tunnel", "chat"))
	assert.Eventually(t, patience, "it is served", func() bool { return s.Stats().Running == 1 })
	answers := make(chan answer, 1)
	go func() { answers <- read(t, str) }()
	report, err := s.Shutdown(within(t))
	assert.NoError(t, err)
	assert.Equal(t, report.Cut, 0)
	assert.Equal(t, (<-answers).body, "bye")
}

// RFC 9297
func TestDatagrams(t *testing.T) {
	t.Parallel()
	app := echoApp()
	app.Get("/tunnel", func(c *tako.Context) error {
		conn, err := c.Upgrade()
		if err != nil {
			return err
		}
		defer conn.Close()
		d, ok := conn.(h3.Datagrams)
		if !ok {
			return errors.New("no datagrams")
		}
		b, err := d.ReceiveDatagram(c.Context())
		if err != nil {
			return err
		}
		return d.SendDatagram([]byte(strings.ToUpper(string(b))))
	})
	s := start(t, app, h3.Config{ExtendedConnect: true, Datagrams: true})
	r := &raw{t: t, Conn: dial(t, s)}
	r.uni(varints(streamControl), frame(frameSettings, varints(0x33, 1)...))
	str := r.open(connect("/tunnel", "chat"))
	assert.Eventually(t, patience, "it is served", func() bool { return s.Stats().Running == 1 })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	quarter := byte(str.StreamID() / 4)
	assert.NoError(t, r.SendDatagram(append([]byte{quarter}, "hello"...)))
	got, err := r.ReceiveDatagram(ctx)
	assert.NoError(t, err)
	assert.Equal(t, string(got), string(quarter)+"HELLO")
}

// SD-06: a tunnel that outlives its handler is cut when the time of a drain is over, and both ends
// are told.
func TestTunnelCut(t *testing.T) {
	t.Parallel()
	app := echoApp()
	failed := make(chan error, 1)
	app.Get("/tunnel", func(c *tako.Context) error {
		conn, err := c.Upgrade()
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			_, err := conn.Read(make([]byte, 1))
			failed <- err
		}()
		return nil
	})
	s := start(t, app, h3.Config{ExtendedConnect: true})
	r := dialRaw(t, s)
	r.open(connect("/tunnel", "websocket"))
	assert.Eventually(t, patience, "it is served", func() bool { return s.Stats().Running == 1 })
	ctx, cancel := context.WithTimeout(context.Background(), short)
	defer cancel()
	report, err := s.Shutdown(ctx)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, report.Cut, 1)
	assert.Equal(t, closedWith(t, r.Conn), http3.ErrCodeInternalError)
	if err := <-failed; err == nil || err == io.EOF {
		t.Errorf("the tunnel has ended with %v", err)
	}
}
