package netpoll

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ring is an io_uring: two queues in memory that the kernel shares. Any thread may
// enter it, so it is set up neither for a single issuer nor for deferred work.
type ring struct {
	fd int

	sqHead   *uint32 // the kernel's
	sqTail   *uint32
	sqFlags  *uint32
	sqes     []sqe
	tail     uint32 // of what is queued, submitted or not
	consumed uint32 // the kernel's head as of the last call

	cqHead *uint32
	cqTail *uint32 // the kernel's
	cqes   []cqe
	head   uint32 // of what is taken
	found  uint32 // the kernel's tail as of the last call

	unfinished int // requests whose last completion was not taken

	arg   *waitArg
	err   error // why nothing can be submitted any more
	spare sqe   // takes what is queued then

	rings, entries, args []byte // mapped
}

func (r *ring) open(requests, completions uint32) error {
	params := uringParams{
		flags:     setupCQSize | setupClamp | setupSubmitAll | setupCoopTaskrun | setupTaskrunFlag,
		cqEntries: completions,
	}
	fd, _, errno := syscall.RawSyscall(unix.SYS_IO_URING_SETUP, uintptr(requests), uintptr(unsafe.Pointer(&params)), 0)
	if errno != 0 {
		return os.NewSyscallError("io_uring_setup", errno)
	}
	r.fd = int(fd)
	const needed = featSingleMmap | featNoDrop | featSubmitStable | featFastPoll | featExtArg
	if params.features&needed != needed {
		r.close()
		return fmt.Errorf("the kernel has features %#x of %#x only", params.features&needed, needed)
	}
	if err := r.mmap(&params); err != nil {
		r.close()
		return os.NewSyscallError("mmap", err)
	}
	return nil
}

func (r *ring) mmap(params *uringParams) (err error) {
	size := max(params.sq.array+4*params.sqEntries, params.cq.cqes+uint32(unsafe.Sizeof(cqe{}))*params.cqEntries)
	const prot, shared = unix.PROT_READ | unix.PROT_WRITE, unix.MAP_SHARED | unix.MAP_POPULATE
	if r.rings, err = unix.Mmap(r.fd, offSQRing, int(size), prot, shared); err != nil {
		return err
	}
	if r.entries, err = unix.Mmap(r.fd, offSQEs, int(unsafe.Sizeof(sqe{}))*int(params.sqEntries), prot, shared); err != nil {
		return err
	}
	if r.args, err = unix.Mmap(-1, 0, os.Getpagesize(), prot, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS); err != nil {
		return err
	}
	word := func(off uint32) *uint32 { return (*uint32)(unsafe.Pointer(&r.rings[off])) }
	r.sqHead, r.sqTail, r.sqFlags = word(params.sq.head), word(params.sq.tail), word(params.sq.flags)
	r.cqHead, r.cqTail = word(params.cq.head), word(params.cq.tail)
	r.sqes = unsafe.Slice((*sqe)(unsafe.Pointer(&r.entries[0])), params.sqEntries)
	r.cqes = unsafe.Slice((*cqe)(unsafe.Pointer(&r.rings[params.cq.cqes])), params.cqEntries)
	r.arg = (*waitArg)(unsafe.Pointer(&r.args[0]))
	r.arg.ts = uint64(uintptr(unsafe.Pointer(&r.arg.seconds)))
	// The queue is a ring of indices, which always stay the same.
	for i := range params.sqEntries {
		*word(params.sq.array + 4*i) = i
	}
	return nil
}

// close frees the ring.
func (r *ring) close() {
	_ = unix.Close(r.fd)
	for _, mem := range [][]byte{r.rings, r.entries, r.args} {
		if mem != nil {
			_ = unix.Munmap(mem)
		}
	}
	r.sqes, r.cqes, r.rings, r.entries, r.args = nil, nil, nil, nil, nil
}

// queue returns a place for a request, which goes to the kernel with the next
// call. If the queue is full it submits first.
func (r *ring) queue() *sqe {
	r.unfinished++
	if r.tail-r.consumed == uint32(len(r.sqes)) && !r.submit() {
		r.unfinished--
		return &r.spare
	}
	e := &r.sqes[r.tail&uint32(len(r.sqes)-1)]
	r.tail++
	return e
}

// submit hands over what is queued and reports whether it could.
func (r *ring) submit() bool {
	for range 100 {
		_, errno := r.enter(0, 0, 0, false)
		if r.tail == r.consumed {
			return true
		}
		if errno != 0 && errno != syscall.EINTR && errno != syscall.EAGAIN && errno != syscall.EBUSY {
			r.err = os.NewSyscallError("io_uring_enter", errno)
			return false
		}
		// Completions that found no room may be in the way.
		_, _ = r.enter(0, enterGetEvents, 0, false)
	}
	if r.err == nil {
		r.err = errors.New("netpoll: io_uring takes no more requests")
	}
	return false
}

// wait submits and waits for completions, as Poller.Wait says.
func (r *ring) wait(timeout time.Duration) error {
	if r.err != nil {
		return r.err
	}
	var errno syscall.Errno
	switch {
	case timeout == 0:
		// What has come is in memory, unless the kernel needs a call to put it there.
		if r.tail == r.consumed && atomic.LoadUint32(r.sqFlags)&(sqTaskrun|sqCQOverflow) == 0 {
			r.found = atomic.LoadUint32(r.cqTail)
			return nil
		}
		_, errno = r.enter(0, enterGetEvents, 0, false)
	case timeout < 0:
		_, errno = r.enter(1, enterGetEvents, 0, true)
	default:
		r.arg.seconds, r.arg.nanoseconds = int64(timeout/time.Second), int64(timeout%time.Second)
		_, errno = r.enter(1, enterGetEvents|enterExtArg, uintptr(unsafe.Pointer(r.arg)), true)
	}
	switch errno {
	case 0, syscall.EINTR, syscall.ETIME, syscall.EAGAIN, syscall.EBUSY:
		return nil
	}
	return os.NewSyscallError("io_uring_enter", errno)
}

func (r *ring) enter(least, flags, arg uintptr, sleeps bool) (n uintptr, errno syscall.Errno) {
	atomic.StoreUint32(r.cqHead, r.head)
	atomic.StoreUint32(r.sqTail, r.tail)
	queued := uintptr(r.tail - r.consumed)
	size := uintptr(0)
	if arg != 0 {
		size = waitArgSize
	}
	if sleeps {
		n, _, errno = syscall.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), queued, least, flags, arg, size)
	} else {
		n, _, errno = syscall.RawSyscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), queued, least, flags, arg, size)
	}
	r.consumed = atomic.LoadUint32(r.sqHead)
	r.found = atomic.LoadUint32(r.cqTail)
	return n, errno
}

// same reports whether the next completion is about the same request as the last,
// which goes on, and brings at most room bytes.
func (r *ring) same(userData uint64, room int) bool {
	if r.head == r.found {
		return false
	}
	c := &r.cqes[r.head&uint32(len(r.cqes)-1)]
	return c.userData == userData && c.res > 0 && int(c.res) <= room && c.flags&cqeMore != 0 && c.flags&cqeBuffer != 0
}

// next takes a completion of those that the last wait has found.
func (r *ring) next() (userData uint64, res int32, flags uint32, ok bool) {
	if r.head == r.found {
		return 0, 0, 0, false
	}
	c := &r.cqes[r.head&uint32(len(r.cqes)-1)]
	userData, res, flags = c.userData, c.res, c.flags
	r.head++
	if flags&cqeMore == 0 {
		r.unfinished--
	}
	return userData, res, flags, true
}
