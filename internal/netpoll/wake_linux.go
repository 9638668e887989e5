package netpoll

import (
	"encoding/binary"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// waker is an eventfd that any goroutine may write to, also while the poller is
// shut.
type waker struct {
	called atomic.Bool // and not told since

	mu sync.Mutex // guards fd against being written to after it is closed
	fd int
}

func (w *waker) open() error {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	w.fd = fd
	return nil
}

// Wake implements [Poller].
func (w *waker) Wake() {
	if w.called.Swap(true) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fd >= 0 {
		// Epoll never reads the counter. Its 64 bits outlast any program, one by one.
		var one [8]byte
		binary.NativeEndian.PutUint64(one[:], 1)
		_, _ = unix.Write(w.fd, one[:])
	}
}

// told is called before a Woken event is given, so that what was there to be seen
// at an earlier Wake is seen behind that event, and a later Wake gives a new one.
func (w *waker) told() { w.called.Store(false) }

func (w *waker) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fd >= 0 {
		_ = unix.Close(w.fd)
		w.fd = -1
	}
}
