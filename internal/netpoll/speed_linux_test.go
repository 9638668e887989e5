package netpoll

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tako-go/tako/internal/assert"
)

// pingPong is a server with connections, and their other ends.
type pingPong struct {
	testing.TB
	Poller
	buf      []byte
	question []byte
	answer   []byte
	clients  []int
	keys     []Key
	ev       Event
}

func newPingPong(tb testing.TB, p Poller, n int) *pingPong {
	pp := &pingPong{TB: tb, Poller: p, buf: make([]byte, 16<<10), question: make([]byte, 100), answer: make([]byte, 150)}
	for range n {
		server, client := tcpPair(tb)
		key := MakeKey(server, 1)
		assert.NoError(tb, p.Add(key))
		pp.clients, pp.keys = append(pp.clients, client), append(pp.keys, key)
	}
	return pp
}

func tcpPair(tb testing.TB) (server, client int) {
	const kind = unix.SOCK_STREAM | unix.SOCK_CLOEXEC
	ln, err := unix.Socket(unix.AF_INET, kind, 0)
	assert.NoError(tb, err)
	defer unix.Close(ln)
	assert.NoError(tb, unix.Bind(ln, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	assert.NoError(tb, unix.Listen(ln, 1))
	name, err := unix.Getsockname(ln)
	assert.NoError(tb, err)
	client, err = unix.Socket(unix.AF_INET, kind, 0)
	assert.NoError(tb, err)
	assert.NoError(tb, unix.Connect(client, name))
	server, _, err = unix.Accept4(ln, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	assert.NoError(tb, err)
	assert.NoError(tb, unix.SetNonblock(client, true))
	for _, fd := range []int{server, client} {
		assert.NoError(tb, unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
	}
	return server, client
}

func (pp *pingPong) close() {
	for i, key := range pp.keys {
		pp.Close(key)
		_ = unix.Close(pp.clients[i])
	}
}

func (pp *pingPong) ask() {
	for _, fd := range pp.clients {
		_, _ = send(fd, pp.question)
	}
}

// serve sends so many answers.
func (pp *pingPong) serve(answers int, timeout time.Duration) {
	for sent := 0; sent < answers; {
		if err := pp.Wait(timeout); err != nil {
			pp.Fatal(err)
		}
		for pp.Next(&pp.ev, pp.buf) {
			switch pp.ev.Kind {
			case Received:
				n, err := pp.Send(pp.ev.Key, pp.answer)
				if err != nil {
					pp.Fatal(err)
				}
				if n == len(pp.answer) {
					sent++
				}
			case Sent:
				sent++
			default:
				pp.Fatalf("event %+v", pp.ev)
			}
		}
	}
}

func (pp *pingPong) hear() {
	for _, fd := range pp.clients {
		if n, errno := read(fd, pp.buf); n != len(pp.answer) {
			pp.Fatal(n, errno)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	eachPoller(t, func(t *testing.T, h *harness) {
		pp := newPingPong(t, h.Poller, 50)
		defer pp.close()
		allocs := testing.AllocsPerRun(100, func() {
			pp.ask()
			pp.serve(len(pp.keys), 0)
			pp.hear()
		})
		assert.Equal(t, allocs, 0)
	})
}

// The time of an operation is that of a question and its answer, cpu-ns what of it
// the server's thread spends.
func BenchmarkPingPong(b *testing.B) {
	for _, f := range flavours[:2] {
		for _, n := range []int{1, 16, 64, 256} {
			b.Run(fmt.Sprintf("%s/%d", f.name, n), func(b *testing.B) {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				p, err := f.open()
				if err != nil {
					b.Skip(err)
				}
				defer p.Shut()
				pp := newPingPong(b, p, n)
				defer pp.close()
				pp.measure(b)
			})
		}
	}
}

// measure has the clients on a thread of their own, as they have in real life.
func (pp *pingPong) measure(b *testing.B) {
	rounds := (b.N + len(pp.keys) - 1) / len(pp.keys)
	b.ReportAllocs()
	b.ResetTimer()
	var client sync.WaitGroup
	defer client.Wait()
	client.Go(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		buf := make([]byte, len(pp.answer))
		for range rounds {
			pp.ask()
			for _, fd := range pp.clients {
				for left := len(buf); left > 0; {
					n, errno := read(fd, buf[:left])
					if left -= n; errno != 0 {
						fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
						_, _ = unix.Poll(fds[:], -1)
					}
				}
			}
		}
	})
	before := cpuTime(b)
	pp.serve(rounds*len(pp.keys), -1)
	b.ReportMetric(float64(cpuTime(b)-before)/float64(rounds*len(pp.keys)), "cpu-ns")
}

// cpuTime is exact only as the sum of what is spent inside and outside the kernel.
func cpuTime(b *testing.B) time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
