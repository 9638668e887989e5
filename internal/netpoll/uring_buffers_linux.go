package netpoll

import (
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	bufferSize  = 4096
	mostBuffers = 4096 // a power of two; memory that is not provided is not used
)

// buffers are what the kernel receives into. It takes them in the order in which
// they were given. There are few, so that they stay in the cache of the processor,
// until they do not suffice.
type buffers struct {
	ring  []pbuf
	data  []byte
	tail  uint16
	first uint16 // the buffer in ring[0], which shares a word with the ring's tail
	made  int
	short bool // there were too few since the last publish

	mem []byte // mapped: ring, then data
}

func (b *buffers) open(fd, first int) error {
	const ringSize = mostBuffers * int(unsafe.Sizeof(pbuf{}))
	mem, err := unix.Mmap(-1, 0, ringSize+mostBuffers*bufferSize,
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	b.mem, b.data = mem, mem[ringSize:]
	b.ring = unsafe.Slice((*pbuf)(unsafe.Pointer(&mem[0])), mostBuffers)
	reg := pbufReg{addr: uint64(uintptr(unsafe.Pointer(&mem[0]))), entries: mostBuffers}
	_, _, errno := syscall.RawSyscall6(unix.SYS_IO_URING_REGISTER, uintptr(fd), registerPbufRing, uintptr(unsafe.Pointer(&reg)), 1, 0, 0)
	if errno != 0 {
		b.close()
		return os.NewSyscallError("io_uring_register of buffers", errno)
	}
	b.make(first)
	return nil
}

func (b *buffers) close() {
	if b.mem != nil {
		_ = unix.Munmap(b.mem)
	}
	*b = buffers{}
}

// make provides n more, if it may.
func (b *buffers) make(n int) {
	for n = min(n, mostBuffers-b.made); n > 0; n-- {
		b.give(uint16(b.made))
		b.made++
	}
}

// grow is called when there were too few. One burst is told for each socket that got none, so
// that what is missing comes all at once, with the next publish.
func (b *buffers) grow() { b.short = true }

// give gives a buffer to the kernel, which sees it when published.
func (b *buffers) give(id uint16) {
	i := b.tail & (mostBuffers - 1)
	e := &b.ring[i]
	e.addr = uint64(uintptr(unsafe.Pointer(&b.data[int(id)*bufferSize])))
	e.len = bufferSize
	e.bid = id
	if i == 0 {
		b.first = id
	}
	b.tail++
}

// publish shows the kernel what was given. There is no atomic store of 16 bits:
// the other half is written as it is.
func (b *buffers) publish() {
	if b.short {
		b.short = false
		b.make(b.made)
	}
	word := [2]uint16{b.first, b.tail}
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&b.ring[0].bid)), *(*uint32)(unsafe.Pointer(&word)))
}

// bytes are the first n of a buffer.
func (b *buffers) bytes(id uint16, n int) []byte {
	at := int(id) * bufferSize
	return b.data[at : at+n]
}
