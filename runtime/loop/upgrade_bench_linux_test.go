//go:build !race

package loop_test

import (
	"log/slog"
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
)

func benchUpgrades(b *testing.B, poller string, events tako.StreamEvents) (addr *net.TCPAddr) {
	b.Helper()
	app := tako.New()
	app.Log(slog.New(slog.DiscardHandler))
	app.Get("/up", func(c *tako.Context) error { return c.UpgradeEvents(events, tako.EventConfig{}) }, tako.Inline())
	s := loop.New(app, loop.Config{Addr: "127.0.0.1:0", Poller: poller, Loops: 1, Log: noLog, Limits: tako.Limits{Conns: tako.NoLimit, ConnsPerAddr: tako.NoLimit}})
	assert.NoError(b, s.Listen(b.Context()))
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	b.Cleanup(func() {
		_, _ = s.Shutdown(overContext())
		assert.NoError(b, <-served)
	})
	return s.Addr().(*net.TCPAddr)
}

// benchClient is a client that waits in the kernel, so that it costs little.
func benchClient(b *testing.B, addr *net.TCPAddr) (fd int) {
	b.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	assert.NoError(b, err)
	b.Cleanup(func() { _ = unix.Close(fd) })
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	assert.NoError(b, unix.Connect(fd, &unix.SockaddrInet4{Port: addr.Port, Addr: [4]byte(addr.IP.To4())}))
	_, err = unix.Write(fd, []byte(upgradeRequest))
	assert.NoError(b, err)
	head := make([]byte, 1)
	for got := ""; len(got) < 4 || got[len(got)-4:] != "\r\n\r\n"; got += string(head) {
		rawRead(b, fd, head)
	}
	return fd
}

func overBenchPollers(b *testing.B, run func(b *testing.B, poller string)) {
	for _, poller := range []string{"epoll", "io_uring"} {
		b.Run(poller, func(b *testing.B) { run(b, poller) })
	}
}

// BenchmarkUpgradeEcho is one message of 64 bytes there and back at a time.
func BenchmarkUpgradeEcho(b *testing.B) {
	overBenchPollers(b, func(b *testing.B, poller string) {
		fd := benchClient(b, benchUpgrades(b, poller, &streamFuncs{data: echoStream}))
		message, answer := make([]byte, 64), make([]byte, 64)
		b.ReportAllocs()
		b.SetBytes(64)
		for b.Loop() {
			_, err := unix.Write(fd, message)
			assert.NoError(b, err)
			for n := 0; n < len(answer); {
				n += rawRead(b, fd, answer[n:])
			}
		}
	})
}

// BenchmarkUpgradeSend is a message of 64 bytes to 1000 streams, from one goroutine, until all
// have it.
func BenchmarkUpgradeSend(b *testing.B) {
	const streams = 1000
	overBenchPollers(b, func(b *testing.B, poller string) {
		opened := make(chan tako.EventStream, streams)
		addr := benchUpgrades(b, poller, &streamFuncs{open: func(s tako.EventStream) { opened <- s }})
		var fds []int
		var all []tako.EventStream
		for range streams {
			fds = append(fds, benchClient(b, addr))
			all = append(all, <-opened)
		}
		message, answer := make([]byte, 64), make([]byte, 64)
		b.ReportAllocs()
		for b.Loop() {
			for _, s := range all {
				assert.NoError(b, s.Send(message))
			}
			for _, fd := range fds {
				for n := 0; n < len(answer); {
					n += rawRead(b, fd, answer[n:])
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/streams, "ns/stream")
	})
}
