package runtimetest

import (
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/tako-go/tako"
)

// The probes of features in which both sides speak at once.

// showsDuplex sends each part when the one before has come back.
func showsDuplex(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Post("/echo", func(c *tako.Context) error {
			if err := c.EnableFullDuplex(); err != nil {
				return err
			}
			return echoParts(c.Body(), c)
		})
	})
	c := s.dial()
	c.send("POST /echo HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none \r\n")
	c.echoed()
}

type flushWriter interface {
	io.Writer
	Flush() error
}

func echoParts(r io.Reader, w flushWriter) error {
	part := make([]byte, 4)
	for {
		if _, err := io.ReadFull(r, part); err != nil {
			return nil
		}
		if _, err := w.Write(part); err != nil {
			return err
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
}

// chunk reads the next part of a body.
func (c *client) chunk() string {
	c.x.Helper()
	_ = c.SetReadDeadline(time.Now().Add(c.x.patience))
	line, err := c.br.ReadString('\n')
	if err != nil {
		c.x.Fatalf("read a chunk: %v", err)
	}
	size, err := strconv.ParseInt(strings.TrimSpace(line), 16, 32)
	if err != nil {
		c.x.Fatalf("the size of a chunk is %q", line)
	}
	part := make([]byte, size+2)
	if _, err := io.ReadFull(c.br, part); err != nil {
		c.x.Fatalf("read a chunk: %v", err)
	}
	return string(part[:size])
}

// echoed demands that the first part has come back before the second is sent.
func (c *client) echoed() {
	c.x.Helper()
	c.begun()
	for _, part := range []string{"one ", "two "} {
		if got := c.chunk(); got != part {
			c.x.Fatalf("got %q, want %q", got, part)
		}
		c.send("4\r\ntwo \r\n")
	}
	c.send("0\r\n\r\n")
}

func showsStreams(x *T) {
	slow := newGated(x)
	s := x.serve(tako.Limits{}, func(app *tako.Router) { app.Get("/slow", slow.serve) })
	c := s.dial()
	c.send(request("GET", "/slow", ""), request("GET", "/slow", ""))
	waitFor(x, "one request", slow.entered)
	select {
	case <-slow.entered:
	case <-time.After(short):
		x.Error("the second request waits for the first")
	}
	close(slow.release)
	c.expect(200)
	c.expect(200)
}

func showsUpgrade(x *T) {
	s := x.serveWith(setup{http2: tako.HTTP2Config{ExtendedConnect: true}}, func(app *tako.Router) {
		app.Get("/tunnel", func(c *tako.Context) error {
			conn, err := c.Upgrade()
			if err != nil {
				return err
			}
			go func() {
				defer conn.Close()
				_ = echoParts(conn, unflushed{conn})
			}()
			return nil
		})
	})
	c := s.dial()
	if x.streams() {
		c.send("CONNECT /tunnel HTTP/1.1\r\n:protocol: echo\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none \r\n")
		c.echoed()
		_ = c.Close()
		return
	}
	c.send("GET /tunnel HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	c.begun()
	c.send("ping")
	if p, err := c.br.Peek(4); err != nil || string(p) != "ping" {
		x.Fatalf("got %q, %v", p, err)
	}
	_ = c.Close()
}

type unflushed struct{ io.Writer }

func (unflushed) Flush() error { return nil }

func showsHijack(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/raw", func(c *tako.Context) error {
			conn, _, err := c.Hijack()
			if err != nil {
				return err
			}
			defer conn.Close()
			_, err = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nraw")
			return err
		})
	})
	if r := s.get("/raw", 200); r.body != "raw" {
		x.Errorf("got %q", r.body)
	}
}
