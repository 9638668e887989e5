package main

import (
	"io"
	"net"
	"testing"
	"time"
)

// echoes answers each connection by serve.
func echoes(t *testing.T, serve func(net.Conn)) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	t.Cleanup(func() {
		_ = ln.Close()
		<-ended
	})
	return ln.Addr().String()
}

func TestEcho(t *testing.T) {
	addr := echoes(t, func(c net.Conn) { _, _ = io.Copy(c, c) })
	if err := checkEcho(t.Context(), "tcp", addr); err != nil {
		t.Fatal(err)
	}
	got, err := runEcho(t.Context(), addr, 3, 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if got.Requests < 3 || got.PerSecond <= 0 || got.P99 < got.P50 || got.P50 <= 0 {
		t.Errorf("got %+v", got.counts)
	}
}

// A server that sends back something else takes no part.
func TestEchoRefusesOthers(t *testing.T) {
	addr := echoes(t, func(c net.Conn) {
		buf := make([]byte, 64<<10)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			buf[0]++
			_, _ = c.Write(buf[:n])
		}
	})
	if checkEcho(t.Context(), "tcp", addr) == nil {
		t.Error("checkEcho has no error")
	}
	if _, err := runEcho(t.Context(), addr, 2, 200*time.Millisecond); err == nil {
		t.Error("runEcho has no error")
	}
}
