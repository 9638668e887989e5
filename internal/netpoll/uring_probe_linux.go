package netpoll

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// probeTime is the longest that a single step of Probe may take. It is long, as a
// busy machine must not look like an old one.
const probeTime = 10 * time.Second

// Probe returns nil if io_uring works here, down to requests that complete many
// times (Linux 6.0), else an error that wraps [ErrNoIOUring] and says what is
// missing. The first call opens a ring and sends bytes through a local socket, which
// takes well below a millisecond on an idle machine; later ones know the result.
func Probe() error { return probed() }

var probed = sync.OnceValue(probe)

func probe() error {
	// Requests belong to the thread that makes them.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p, err := newUring(sizes{requests: 8, completions: 16, buffers: 4})
	if err != nil {
		return err
	}
	defer p.Shut()
	if err := p.ring.knows(opAccept, opAsyncCancel, opRead, opSend, opRecv); err != nil {
		return fmt.Errorf("%w: %w", ErrNoIOUring, err)
	}
	if err := p.try(); err != nil {
		return fmt.Errorf("%w: %w", ErrNoIOUring, err)
	}
	return nil
}

// knows asks whether the kernel has these operations.
func (r *ring) knows(ops ...uint8) error {
	var probe uringProbe
	_, _, errno := syscall.RawSyscall6(unix.SYS_IO_URING_REGISTER, uintptr(r.fd), registerProbe, uintptr(unsafe.Pointer(&probe)), uintptr(len(probe.ops)), 0, 0)
	if errno != 0 {
		return os.NewSyscallError("io_uring_register of a probe", errno)
	}
	for _, op := range ops {
		if probe.ops[op].flags&opSupported == 0 {
			return fmt.Errorf("the kernel lacks operation %d", op)
		}
	}
	return nil
}

// try accepts a connection and receives from it. The sockets have names of the
// kernel's choice that are not in the file system.
func (p *uring) try() error {
	ln, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer func() { _ = unix.Close(ln) }()
	if err := errors.Join(unix.Bind(ln, &unix.SockaddrUnix{}), unix.Listen(ln, 1)); err != nil {
		return os.NewSyscallError("listen", err)
	}
	name, err := unix.Getsockname(ln)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	client, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer func() { _ = unix.Close(client) }()
	if err := unix.Connect(client, name); err != nil {
		return os.NewSyscallError("connect", err)
	}

	listener := MakeKey(ln, 0)
	if err := p.Listen(listener); err != nil {
		return err
	}
	ev, err := p.expect(Accepted)
	if err != nil {
		return err
	}
	conn := MakeKey(ev.FD, 0)
	defer p.Close(conn)
	if p.find(listener).request != underWay {
		return errors.New("accepting does not go on by itself")
	}
	if err := p.Add(conn); err != nil {
		return err
	}
	return p.tryReceive(conn, client)
}

func (p *uring) tryReceive(conn Key, client int) error {
	for range 2 {
		if _, errno := send(client, []byte("tako")); errno != 0 {
			return os.NewSyscallError("send", errno)
		}
		if _, err := p.expect(Received); err != nil {
			return err
		}
		if p.find(conn).request != underWay {
			return errors.New("receiving does not go on by itself")
		}
	}
	if _, err := p.Send(conn, []byte("tako")); err != nil {
		return err
	}
	_, err := p.expect(Sent)
	return err
}

// expect waits for one event.
func (p *uring) expect(kind Kind) (ev Event, err error) {
	var buf [bufferSize]byte
	for deadline := time.Now().Add(probeTime); time.Now().Before(deadline); {
		if err := p.Wait(probeTime); err != nil {
			return ev, err
		}
		for p.Next(&ev, buf[:]) {
			switch {
			case ev.Err != nil:
				return ev, fmt.Errorf("event %d instead of %d: %w", ev.Kind, kind, ev.Err)
			case ev.Kind != kind:
				return ev, fmt.Errorf("event %d instead of %d", ev.Kind, kind)
			}
			return ev, nil
		}
	}
	return ev, fmt.Errorf("no event %d within %v", kind, probeTime)
}
