package loop

import (
	"net"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// filePiece is how much of a file is given to a socket with one call.
	filePiece = 512 << 10
	// shortFile is how much a request may have copied from files in memory without that
	// counting as the time of its handler: a loop does it soon enough.
	shortFile = 256 << 10
)

// sendFile sends what x has gathered and then part. What the socket takes at once is
// sent right here; what is left is sent where no loop waits for the client.
func (c *conn) sendFile(x *exchange, part filePart) (int64, error) {
	if c.sec != nil {
		if err := c.write(x, nil); err != nil {
			return 0, err
		}
		return c.copySealed(x, part)
	}
	if err := c.writeBefore(x); err != nil {
		return 0, err
	}
	free := x.copied+part.n <= shortFile
	var total int64
	for x.blocking == nil && total < part.n {
		var sent int
		var err error
		if rest := part.from(total); free && rest.cached() {
			began := time.Now()
			x.w.unwatched(func() { sent, err = rest.sendNow(c.fd()) })
			x.copying += time.Since(began)
			x.copied += int64(sent)
		} else {
			sent, err = rest.send(c.fd())
		}
		total += int64(sent)
		switch {
		case err == syscall.EAGAIN:
			if _, err := c.block(x); err != nil {
				return total, err
			}
		case err != nil:
			return total, os.NewSyscallError("sendfile", err)
		case sent == 0:
			return total, c.uncork() // the file became shorter
		}
	}
	if total == part.n {
		return total, nil
	}
	rest, err := copyFile(x.blocking, x, part.from(total))
	return total + rest, err
}

// writeBefore is write for what something follows at once: the kernel may send both
// together.
func (c *conn) writeBefore(x *exchange) error {
	if x.blocking != nil || len(x.out) == 0 {
		return c.write(x, nil)
	}
	if err := expired(x.writeBy); err != nil {
		return err
	}
	n, err := trySend(c.fd(), x.out, unix.MSG_MORE)
	if err != nil || n == len(x.out) {
		x.out = x.out[:0]
		return err
	}
	return c.writeRest(x, [][]byte{x.out[n:]})
}

// uncork has the kernel send what it has kept for what did not follow.
func (c *conn) uncork() error {
	_ = unix.SetsockoptInt(c.fd(), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) // a Unix socket keeps nothing
	return nil
}

// unwatched runs f, a piece of a handler that does not wait, so that the loop is not
// taken away meanwhile. It may be called by every handler, also with a nil worker.
func (w *worker) unwatched(f func()) {
	if w == nil || !w.leads || !w.l.state.CompareAndSwap(w.seq, w.seq+1) {
		f()
		return
	}
	f()
	w.seq = w.l.state.Add(1)
	if watch := &w.l.reactor.watch; watch.asleep.Load() {
		watch.wake()
	}
}

// cached reports whether the end of the next piece is in memory, so that sending it
// need most probably not wait for a disk.
func (p filePart) cached() bool {
	var last [1]byte
	n, err := unix.Preadv2(int(p.f.Fd()), [][]byte{last[:]}, p.at+min(p.n, filePiece)-1, unix.RWF_NOWAIT)
	return n == 1 && err == nil
}

// offset is what the kernel counts the bytes in, nil if it shall move the position of the file.
func (p *filePart) offset() *int64 {
	if _, ok := p.f.(*os.File); ok {
		return nil
	}
	return &p.at
}

// send gives the next piece to the socket, which takes what it has room for. It is 0
// at the end of the file.
func (p filePart) send(fd int) (n int, err error) {
	for {
		n, err = syscall.Sendfile(fd, int(p.f.Fd()), p.offset(), int(min(p.n, filePiece)))
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}

// sendNow is send for what is cached: the scheduler is not told, which costs more than
// the call saves.
func (p filePart) sendNow(fd int) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDFILE, uintptr(fd), p.f.Fd(), uintptr(unsafe.Pointer(p.offset())), uintptr(min(p.n, filePiece)), 0, 0)
		switch errno {
		case 0:
			runtime.KeepAlive(p.f)
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}

// copyFile sends part, and waits for the client.
func copyFile(nc net.Conn, x *exchange, part filePart) (int64, error) {
	to, ok := nc.(syscall.Conn)
	if !ok || !plain(nc) {
		return copyPieces(nc, x, part)
	}
	raw, err := to.SyscallConn()
	if err != nil {
		return 0, err
	}
	var total, timed int64
	for total < part.n {
		if total == 0 || total-timed >= piece {
			timed = total
			if err := setWriteDeadline(nc, x); err != nil {
				return total, err
			}
		}
		var sent int
		rest := part.from(total)
		waited := raw.Write(func(fd uintptr) bool {
			if rest.cached() {
				sent, err = rest.sendNow(int(fd))
			} else {
				sent, err = rest.send(int(fd))
			}
			return err != syscall.EAGAIN
		})
		total += int64(sent)
		switch {
		case waited != nil:
			return total, writeError(x, waited)
		case err != nil:
			return total, writeError(x, os.NewSyscallError("sendfile", err))
		case sent == 0:
			return total, nil
		}
	}
	return total, nil
}
