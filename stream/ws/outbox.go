package ws

import "sync"

// outbox is what waits for the peer of a socket. Small messages lie one behind the other in a
// buffer, those for many are only pointed at: their frame is made when their turn comes.
type outbox struct {
	items  []item
	now    []byte  // what is being sent, the rest of one item
	from   *buffer // what now lies in, nil if it is shared
	bytes  int     // that wait, now included
	own    int     // those of buffers
	done   int64   // bytes that were sent, such that done+bytes is where the queue ends
	cut    int64   // what was queued behind this point was dropped, if wasCut
	wasCut bool
	head   int32 // of items, those before it are gone
	shared int32 // messages for many in items
	pongs  int32 // bytes of pongs in buffers that were not sent as a whole
}

// item is one buffer, or one message for many.
type item struct {
	buf    *buffer
	shared *Prepared
}

type buffer struct {
	b        []byte
	messages int // whole ones in b that wait
	pongs    int // bytes of those in b
}

const (
	firstBuffer = 512
	smallBuffer = 4 << 10  // small messages share one of that size
	keptBuffer  = 64 << 10 // the largest that is used again
)

// Those for small messages are apart, so that few bytes do not hold much memory.
var (
	buffers      = sync.Pool{New: func() any { return &buffer{b: make([]byte, 0, firstBuffer)} }}
	largeBuffers = sync.Pool{New: func() any { return new(buffer) }}
)

// newBuffer returns one with room for size bytes, or one that grows to it if that is little.
func newBuffer(size int) *buffer {
	switch {
	case size <= smallBuffer:
		return buffers.Get().(*buffer)
	case size > keptBuffer:
		return &buffer{b: make([]byte, 0, size)}
	}
	b := largeBuffers.Get().(*buffer)
	if cap(b.b) < size {
		b.b = make([]byte, 0, size)
	}
	return b
}

func (b *buffer) free() {
	if b == nil || cap(b.b) > keptBuffer {
		return
	}
	b.b, b.messages, b.pongs = b.b[:0], 0, 0
	if cap(b.b) <= smallBuffer {
		buffers.Put(b)
	} else {
		largeBuffers.Put(b)
	}
}

func (o *outbox) empty() bool { return int(o.head) == len(o.items) && len(o.now) == 0 }

// end is where the queue ends, to be compared with done.
func (o *outbox) end() int64 { return o.done + int64(o.bytes) }

// lost reports whether what is in front of a point of the queue was dropped. A negative point is
// the end.
func (o *outbox) lost(until int64) bool { return o.wasCut && until > o.cut }

// append queues frames that add appends to a buffer with room for size bytes, and that hold so
// many whole messages.
func (o *outbox) append(size, messages int, add func(dst []byte) []byte) {
	var buf *buffer
	if int(o.head) < len(o.items) {
		buf = o.items[len(o.items)-1].buf
	}
	if buf == nil || len(buf.b)+size > max(cap(buf.b), smallBuffer) {
		buf = newBuffer(size)
		o.push(item{buf: buf})
	}
	was := len(buf.b)
	buf.b = add(buf.b)
	buf.messages += messages
	o.bytes += len(buf.b) - was
	o.own += len(buf.b) - was
}

// pong queues a pong as append does.
func (o *outbox) pong(size int, add func(dst []byte) []byte) {
	was := o.bytes
	o.append(size, 0, add)
	o.items[len(o.items)-1].buf.pongs += o.bytes - was
	o.pongs += int32(o.bytes - was)
}

// share queues a message for many.
func (o *outbox) share(p *Prepared) {
	o.push(item{shared: p})
	o.bytes += len(p.Data())
	o.shared++
}

func (o *outbox) push(it item) {
	if o.head > 16 && int(o.head) > len(o.items)/2 {
		n := copy(o.items, o.items[o.head:])
		clear(o.items[n:])
		o.items, o.head = o.items[:n], 0
	}
	o.items = append(o.items, it)
}

// next returns what is to be sent next, nil if there is nothing. frame makes the frame of a
// message for many.
func (o *outbox) next(frame func(p *Prepared) []byte) []byte {
	if len(o.now) > 0 || int(o.head) == len(o.items) {
		return o.now
	}
	it := o.items[o.head]
	o.items[o.head] = item{}
	if o.head++; int(o.head) == len(o.items) {
		if o.head = 0; cap(o.items) > 4 {
			o.items = nil
		}
		o.items = o.items[:0]
	}
	if it.shared != nil {
		o.now = frame(it.shared)
		more := len(o.now) - len(it.shared.Data())
		o.bytes += more
		o.done -= int64(more)
		o.shared--
	} else {
		o.now, o.from = it.buf.b, it.buf
	}
	return o.now
}

// sent removes n bytes of what next has returned.
func (o *outbox) sent(n int) {
	o.now = o.now[n:]
	o.bytes -= n
	o.done += int64(n)
	if o.from != nil {
		o.own -= n
	}
	if len(o.now) == 0 {
		o.now = nil
		if o.from != nil {
			o.pongs -= int32(o.from.pongs)
		}
		o.from.free()
		o.from = nil
	}
}

// dropOldest removes the message for many that has waited longest, and reports whether there
// was one.
func (o *outbox) dropOldest() bool {
	for i := int(o.head); i < len(o.items); i++ {
		if p := o.items[i].shared; p != nil {
			o.bytes -= len(p.Data())
			o.shared--
			copy(o.items[o.head+1:i+1], o.items[o.head:i])
			o.items[o.head] = item{}
			o.head++
			return true
		}
	}
	return false
}

// clear drops what is not being sent, and returns how many messages for many and how many others
// were among it.
func (o *outbox) clear() (shared, own int) {
	for _, it := range o.items[o.head:] {
		if it.buf != nil {
			own += it.buf.messages
			o.pongs -= int32(it.buf.pongs)
		}
		it.buf.free()
	}
	shared = int(o.shared)
	o.cut, o.wasCut = o.done+int64(len(o.now)), true
	o.items, o.head, o.shared = nil, 0, 0
	o.bytes, o.own = len(o.now), 0
	if o.from != nil {
		o.own = len(o.now)
	}
	return shared, own
}

// abandon drops everything. Somebody may still be sending.
func (o *outbox) abandon() {
	o.clear()
	*o = outbox{}
}
