//go:build !race

package loop_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// rawClient is a client without memory in this process.
func rawClient(t *testing.T, addr *net.TCPAddr) (fd int) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	assert.NoError(t, err)
	assert.NoError(t, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: int64(enough.Seconds())}))
	assert.NoError(t, unix.Connect(fd, &unix.SockaddrInet4{Port: addr.Port, Addr: [4]byte(addr.IP.To4())}))
	return fd
}

// rawRead reads something.
func rawRead(t testing.TB, fd int, p []byte) int {
	t.Helper()
	for {
		n, err := unix.Read(fd, p)
		if err == unix.EINTR {
			continue
		}
		assert.NoError(t, err)
		if n == 0 {
			t.Fatal(io.ErrUnexpectedEOF)
		}
		return n
	}
}

// Streams that wait have no goroutine and no buffer.
func TestUpgradeIdle(t *testing.T) {
	const most = 1200 // bytes for each
	n := 5000
	var files unix.Rlimit
	assert.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &files))
	if free := int(min(files.Cur, 1<<20)) - 200; free < 2*n {
		n = free / 2
	}
	if n < 200 {
		t.Skip("too few descriptors")
	}
	overUpgrades(t, plainWays, func(t *testing.T, w upgradeWay) {
		var mu sync.Mutex
		streams := make([]tako.EventStream, 0, n)
		r := w.start(t, func() tako.StreamEvents {
			return &streamFuncs{data: echoStream, open: func(s tako.EventStream) {
				mu.Lock()
				defer mu.Unlock()
				streams = append(streams, s)
			}}
		}, tako.EventConfig{}, tako.Limits{Conns: tako.NoLimit, ConnsPerAddr: tako.NoLimit})
		for range 200 { // until it is known where they run, and memory is there
			c := r.dial("")
			says(t, c, "x", "x")
			_ = c.Close()
		}
		assert.Eventually(t, enough, "the first to end", func() bool { return r.s.Stats().Conns == 0 })
		mu.Lock()
		clear(streams)
		streams = streams[:0]
		mu.Unlock()
		goroutines, before, resident := runtime.NumGoroutine(), heapInUse(), residentSize(t)
		clients := make([]int, 0, n)
		defer func() {
			for _, fd := range clients {
				_ = unix.Close(fd)
			}
		}()
		buf := make([]byte, 4<<10)
		addr := r.s.Addr().(*net.TCPAddr)
		for range n {
			fd := rawClient(t, addr)
			clients = append(clients, fd)
			_, err := unix.Write(fd, []byte(upgradeRequest+"ping"))
			assert.NoError(t, err)
			for got := ""; len(got) < 4 || got[len(got)-4:] != "ping"; {
				got += string(buf[:rawRead(t, fd, buf)])
			}
		}
		each := (heapInUse() - before) / int64(n)
		t.Logf("%d bytes of heap for each of %d streams, %d resident", each, n, (residentSize(t)-resident)/int64(n))
		if each > most {
			t.Errorf("got %d bytes for each stream, want at most %d", each, most)
		}
		assert.Eventually(t, enough, "no goroutines for streams", func() bool { return runtime.NumGoroutine()-goroutines <= 20 })

		// All can be reached with little memory, too.
		mu.Lock()
		all := append([]tako.EventStream(nil), streams...)
		mu.Unlock()
		assert.Equal(t, len(all), n)
		for range 2 {
			for _, s := range all {
				assert.NoError(t, s.Send([]byte("news")))
			}
			for _, fd := range clients {
				assert.Equal(t, string(buf[:rawRead(t, fd, buf[:4])]), "news")
			}
		}
		each = (heapInUse() - before) / int64(n)
		t.Logf("%d bytes for each behind a broadcast", each)
		if each > most+400 { // memory for all together is among it
			t.Errorf("got %d bytes for each stream behind a broadcast, want at most %d", each, most+400)
		}
		runtime.KeepAlive(all)
	})
}

// residentSize is the memory of the process, garbage among it.
func residentSize(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	assert.NoError(t, err)
	var all, resident int64
	_, err = fmt.Sscan(string(text), &all, &resident)
	assert.NoError(t, err)
	return resident * int64(os.Getpagesize())
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // for pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// An event costs no memory, once functions are known to be short, and neither does Send.
func TestUpgradeAllocations(t *testing.T) {
	overUpgrades(t, plainWays, func(t *testing.T, w upgradeWay) {
		streams := make(chan tako.EventStream, 1)
		r := w.start(t, func() tako.StreamEvents {
			return &streamFuncs{data: echoStream, open: func(s tako.EventStream) { streams <- s }}
		}, tako.EventConfig{}, tako.Limits{})
		c := r.dial("")
		s := await(t, "Open", streams)
		message, answer := make([]byte, 512), make([]byte, 512)
		roundTrip := func() {
			_, err := c.Conn.Write(message)
			assert.NoError(t, err)
			_, err = io.ReadFull(c, answer)
			assert.NoError(t, err)
		}
		send := func() {
			assert.NoError(t, s.Send(message))
			_, err := io.ReadFull(c, answer)
			assert.NoError(t, err)
		}
		for range 200 {
			roundTrip()
			send()
		}
		costsNothing(t, "Data and Write", 2000, roundTrip)
		costsNothing(t, "Send", 2000, send)
	})
}
