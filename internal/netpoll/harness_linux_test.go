package netpoll

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tako-go/tako/internal/assert"
)

const patience = 10 * time.Second

// flavours are the pollers that all tests run over. The small one runs out of
// everything all the time.
var flavours = []struct {
	name string
	open func() (Poller, error)
}{
	{"epoll", openEpoll},
	{"io_uring", openUring},
	{"io_uring small", func() (Poller, error) {
		if err := Probe(); err != nil {
			return nil, err
		}
		return newUring(sizes{requests: 4, completions: 8, buffers: 2})
	}},
}

// eachPoller also fails if the test leaves descriptors or goroutines behind.
func eachPoller(t *testing.T, test func(t *testing.T, h *harness)) {
	t.Helper()
	for _, f := range flavours {
		t.Run(f.name, func(t *testing.T) {
			watchLeaks(t)
			p, err := f.open()
			if errors.Is(err, ErrNoIOUring) {
				t.Skip(err)
			}
			assert.NoError(t, err)
			h := &harness{TB: t, Poller: p, buf: make([]byte, 16<<10)}
			t.Cleanup(h.Shut)
			h.listen()
			test(t, h)
		})
	}
}

func watchLeaks(t *testing.T) {
	// Go's own poller opens its descriptors when it is first needed.
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	ln.Close()
	fds, goroutines := descriptors(t), runtime.NumGoroutine()
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		assert.Eventually(t, patience, "goroutines to end", func() bool { return runtime.NumGoroutine() <= goroutines })
		assert.Equal(t, max(descriptors(t), fds), fds, "descriptors")
	})
}

func descriptors(tb testing.TB) int {
	list, err := os.ReadDir("/proc/self/fd")
	assert.NoError(tb, err)
	return len(list)
}

// harness drives a poller, and has a listening socket to make connections with.
type harness struct {
	testing.TB
	Poller
	buf        []byte
	generation uint32
	ln         int
	addr       string
}

func (h *harness) Name() string { return h.Poller.Name() }

func (h *harness) listen() {
	h.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	assert.NoError(h, err)
	h.Cleanup(func() { unix.Close(fd) })
	assert.NoError(h, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	assert.NoError(h, unix.Listen(fd, 1024))
	name, err := unix.Getsockname(fd)
	assert.NoError(h, err)
	h.ln, h.addr = fd, fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port)
}

func (h *harness) key(fd int) Key {
	h.generation++
	return MakeKey(fd, h.generation)
}

func (h *harness) dial() *net.TCPConn {
	h.Helper()
	c, err := net.DialTimeout("tcp", h.addr, patience)
	assert.NoError(h, err)
	assert.NoError(h, c.SetDeadline(time.Now().Add(patience)))
	h.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// connect makes a connection that the poller does not know yet. The test closes it.
func (h *harness) connect() (*net.TCPConn, Key) {
	h.Helper()
	c := h.dial()
	fd, _, err := unix.Accept4(h.ln, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	assert.NoError(h, err)
	return c, h.key(fd)
}

// add makes a connection that the poller receives from until the test ends.
func (h *harness) add() (*net.TCPConn, Key) {
	h.Helper()
	c, key := h.connect()
	assert.NoError(h, h.Add(key))
	return c, key
}

func (h *harness) write(c net.Conn, text string) {
	h.Helper()
	_, err := io.WriteString(c, text)
	assert.NoError(h, err)
}

// read wants this to be the next that a client reads.
func (h *harness) read(c net.Conn, want string) {
	h.Helper()
	got := make([]byte, len(want))
	_, err := io.ReadFull(c, got)
	assert.NoError(h, err)
	assert.Equal(h, string(got), want)
}

// poll returns the next event, if there is one in time.
func (h *harness) poll(within time.Duration) (ev Event, ok bool) {
	h.Helper()
	deadline := time.Now().Add(within)
	for left := within; !h.Next(&ev, h.buf); left = time.Until(deadline) {
		if left <= 0 && within > 0 || left < 0 {
			return ev, false
		}
		assert.NoError(h, h.Wait(left))
	}
	return ev, true
}

func (h *harness) expect(kind Kind, key Key) Event {
	h.Helper()
	ev, ok := h.poll(patience)
	if !ok {
		h.Fatalf("no event, want %d of %#x", kind, key)
	}
	if ev.Kind != kind || ev.Key != key {
		h.Fatalf("got event %+v, want %d of %#x", ev, kind, key)
	}
	return ev
}

// receive wants these to be the next bytes, in as many events as it takes.
func (h *harness) receive(key Key, want string) {
	h.Helper()
	var got []byte
	for len(got) < len(want) {
		got = append(got, h.expect(Received, key).Data...)
	}
	assert.Equal(h, string(got), want)
}

// send sends all and waits for it, if need be. Nothing else may happen.
func (h *harness) send(key Key, text string) {
	h.Helper()
	n, err := h.Send(key, []byte(text))
	assert.NoError(h, err)
	if n < len(text) {
		assert.NoError(h, h.expect(Sent, key).Err)
	}
}

// quiet wants nothing to happen for as long as it takes for much to happen.
func (h *harness) quiet() {
	h.Helper()
	if ev, ok := h.poll(20 * time.Millisecond); ok {
		h.Fatalf("got event %+v, want none", ev)
	}
}

// pattern is n bytes that show if some are lost or twice.
func pattern(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b)
	return b
}

func readAll(c net.Conn) <-chan []byte {
	all := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(c)
		all <- b
	}()
	return all
}

func isErrno(err error, among ...syscall.Errno) bool {
	for _, errno := range among {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}
