package tcp_test

import (
	"io"
	"net"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/tcp"
)

// BenchmarkEcho measures a message there and back, beside a bare goroutine of the net package.
func BenchmarkEcho(b *testing.B) {
	b.Run("tcp", func(b *testing.B) { benchmarkEcho(b, start(b, plain, tcp.Config{}).Addr()) })
	b.Run("net", func(b *testing.B) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		assert.NoError(b, err)
		b.Cleanup(func() { _ = ln.Close() })
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					buf := make([]byte, 4096)
					for {
						n, err := c.Read(buf)
						if err != nil {
							return
						}
						if _, err := c.Write(buf[:n]); err != nil {
							return
						}
					}
				}()
			}
		}()
		benchmarkEcho(b, ln.Addr())
	})
}

func benchmarkEcho(b *testing.B, addr net.Addr) {
	conn, err := net.Dial("tcp", addr.String())
	assert.NoError(b, err)
	defer conn.Close()
	out, in := make([]byte, 64), make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(out); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(conn, in); err != nil {
			b.Fatal(err)
		}
	}
}
