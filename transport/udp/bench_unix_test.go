//go:build unix

package udp_test

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/udp"
)

// BenchmarkEcho sends windows of datagrams and waits for all answers. Time is that of client
// and server together, also that of the processor.
func BenchmarkEcho(b *testing.B) {
	for _, batch := range []int{1, 8, 32} {
		for _, window := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("batch %d/window %d", batch, window), func(b *testing.B) {
				s := start(b, echo, udp.Config{Batch: batch, ReadBuffer: 1 << 20})
				benchWindows(b, s.Addr(), window)
			})
		}
	}
}

// BenchmarkReceive sends windows of datagrams that are not answered.
func BenchmarkReceive(b *testing.B) {
	for _, batch := range []int{1, 8, 32} {
		for _, window := range []int{1, 8, 64, 256} {
			b.Run(fmt.Sprintf("batch %d/window %d", batch, window), func(b *testing.B) {
				left, all := new(atomic.Int64), make(chan struct{}, 1)
				s := start(b, func(context.Context, *udp.Packet) error {
					if left.Add(-1) == 0 {
						all <- struct{}{}
					}
					return nil
				}, udp.Config{Batch: batch, ReadBuffer: 1 << 20})
				c, message := dial(b, s.Addr()), make([]byte, 64)
				before := processor(b)
				b.ResetTimer()
				for rest := b.N; rest > 0; rest -= window {
					n := min(window, rest)
					left.Store(int64(n))
					for range n {
						if _, err := c.Write(message); err != nil {
							b.Fatal(err)
						}
					}
					<-all
				}
				b.ReportMetric(float64(processor(b)-before)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

// BenchmarkPlain is the loop that a server has to be compared with.
func BenchmarkPlain(b *testing.B) {
	for _, window := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("window %d", window), func(b *testing.B) {
			conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			assert.NoError(b, err)
			defer conn.Close()
			go func() {
				buf := make([]byte, 2048)
				for {
					n, from, err := conn.ReadFromUDPAddrPort(buf)
					if err != nil {
						return
					}
					_, _ = conn.WriteToUDPAddrPort(buf[:n], from)
				}
			}()
			benchWindows(b, conn.LocalAddr(), window)
		})
	}
}

func benchWindows(b *testing.B, to net.Addr, window int) {
	conn, err := net.DialUDP("udp", nil, to.(*net.UDPAddr))
	assert.NoError(b, err)
	defer conn.Close()
	assert.NoError(b, conn.SetReadBuffer(1<<20))
	message, buf := make([]byte, 64), make([]byte, 128)
	b.ReportAllocs()
	before := processor(b)
	b.ResetTimer()
	defer func() { b.ReportMetric(float64(processor(b)-before)/float64(b.N), "cpu-ns/op") }()
	for left := b.N; left > 0; left -= window {
		n := min(window, left)
		for range n {
			if _, err := conn.Write(message); err != nil {
				b.Fatal(err)
			}
		}
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			b.Fatal(err)
		}
		for range n {
			if _, err := conn.Read(buf); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// processor returns the time that the process has used.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	assert.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
