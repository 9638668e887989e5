package netpoll

// What include/uapi/linux/io_uring.h of Linux 6.0 says, as far as it is used here.

const (
	opAccept      = 13
	opAsyncCancel = 14
	opRead        = 22
	opSend        = 26
	opRecv        = 27

	sqeBufferSelect = 1 << 5

	recvMultishot   = 1 << 1
	acceptMultishot = 1 << 0
	cancelAll       = 1 << 0
	cancelAny       = 1 << 2

	cqeBuffer      = 1 << 0
	cqeMore        = 1 << 1
	cqeBufferShift = 16

	setupCQSize      = 1 << 3
	setupClamp       = 1 << 4
	setupSubmitAll   = 1 << 7
	setupCoopTaskrun = 1 << 8
	setupTaskrunFlag = 1 << 9

	featSingleMmap   = 1 << 0
	featNoDrop       = 1 << 1
	featSubmitStable = 1 << 2
	featFastPoll     = 1 << 5
	featExtArg       = 1 << 8

	enterGetEvents = 1 << 0
	enterExtArg    = 1 << 3

	sqCQOverflow = 1 << 1
	sqTaskrun    = 1 << 2

	registerProbe    = 8
	registerPbufRing = 22
	opSupported      = 1 << 0

	offSQRing = 0
	offSQEs   = 0x10000000
)

type sqe struct {
	op          uint8
	flags       uint8
	ioprio      uint16
	fd          int32
	off         uint64
	addr        uint64
	len         uint32
	opFlags     uint32
	userData    uint64
	bufGroup    uint16
	personality uint16
	fileIndex   int32
	addr3       uint64
	_           uint64
}

type cqe struct {
	userData uint64
	res      int32
	flags    uint32
}

type sqOffsets struct {
	head, tail, ringMask, ringEntries, flags, dropped, array, _ uint32
	_                                                           uint64
}

type cqOffsets struct {
	head, tail, ringMask, ringEntries, overflow, cqes, flags, _ uint32
	_                                                           uint64
}

type uringParams struct {
	sqEntries, cqEntries, flags, sqThreadCPU, sqThreadIdle, features, wqFD uint32
	_                                                                      [3]uint32
	sq                                                                     sqOffsets
	cq                                                                     cqOffsets
}

// waitArg is struct io_uring_getevents_arg together with the time it points to, and
// the count of an eventfd.
type waitArg struct {
	sigmask   uint64
	sigmaskSz uint32
	_         uint32
	ts        uint64

	seconds     int64
	nanoseconds int64

	count uint64
}

const waitArgSize = 24

type pbuf struct {
	addr uint64
	len  uint32
	bid  uint16
	tail uint16 // in the first one only: the ring's
}

type pbufReg struct {
	addr    uint64
	entries uint32
	group   uint16
	flags   uint16
	_       [3]uint64
}

type probeOp struct {
	op    uint8
	_     uint8
	flags uint16
	_     uint32
}

type uringProbe struct {
	lastOp uint8
	opsLen uint8
	_      uint16
	_      [3]uint32
	ops    [64]probeOp
}
