package wsframe

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"unicode/utf8"
)

// Receiver takes apart what a peer sends. It is used by one goroutine at a time, and not
// copied after Init.
type Receiver struct {
	cfg *Config
	err error
	// buf has what arrived of the message, unmasked, and behind it what arrived of a control
	// frame. It is there only while it holds something, or the last event borrows it.
	buf     []byte
	window  window // of the peer's compressor
	left    int64  // how much of the payload of the current frame is to come
	total   int64  // the payloads of the message, with all of the current frame
	key     uint32 // of the current frame, rotated to the next byte
	text    text
	head    [MaxHeader]byte // the start of a header that is not complete
	headLen uint8
	control uint8 // how much of buf is of a control frame
	agreed  Deflate

	op     Opcode // of the current frame
	msg    Opcode // of the message that has begun; OpContinuation is none
	frame  bool   // inside a frame
	fin    bool   // the current frame is the last of its message
	packed bool   // the message is compressed
	parts  bool   // the message is handed out in parts
	handed bool   // the last event may borrow the message in buf
	over   bool   // the peer has closed
}

// Init makes r ready for a new connection. cfg may be shared; agreed is the outcome of the
// handshake, its zero value no compression.
func (r *Receiver) Init(cfg *Config, agreed Deflate) { *r = Receiver{cfg: cfg, agreed: agreed} }

// Next takes the next event out of p, and returns what follows it. p is changed: payloads are
// unmasked where they lie. With the kind More all of p was used up, and a frame or message that
// begins at its end is kept; the next call gets what is read then. Until More comes, Next is
// called with rest, also if that is empty, so that no buffer outlives its event.
//
// The error is an [Error], which says how to close; later calls return it again. Limits are
// checked when the header of a frame is there, text as it comes. Memory follows the
// bytes that have come, not what headers promise.
func (r *Receiver) Next(p []byte) (ev Event, rest []byte, err error) { return r.next(p, false) }

// NextPart is Next for readers of large messages: it returns Parts as they arrive, instead of
// a Message, and buffers none. Both may be called in turn; a message of which a Part was returned
// is returned in Parts to its end.
func (r *Receiver) NextPart(p []byte) (ev Event, rest []byte, err error) { return r.next(p, true) }

func (r *Receiver) next(p []byte, parts bool) (ev Event, rest []byte, err error) {
	r.reclaim()
	if r.over {
		r.Release()
		return Event{}, nil, r.err
	}
	if parts && r.msg != OpContinuation && !r.parts {
		r.parts = true
		if len(r.buf) > int(r.control) && r.control == 0 {
			r.handed = true
			return Event{Kind: Part, Op: r.msg, Compressed: r.packed, Data: r.buf}, p, nil
		}
	}
	if !parts {
		if ev, rest, ok, err := r.short(p); ok {
			return ev, rest, err
		}
	}
	for {
		if !r.frame {
			if p, err = r.header(p, parts); err != nil {
				return r.fail(err)
			}
			if !r.frame {
				return Event{}, nil, nil
			}
		}
		n := int(min(r.left, int64(len(p))))
		chunk := p[:n:n]
		p = p[n:]
		if !r.cfg.Client {
			Mask(r.key, 0, chunk)
			r.key = bits.RotateLeft32(r.key, -8*(n&3))
		}
		r.left -= int64(n)
		r.frame = r.left > 0
		switch {
		case r.op.Control():
			ev, err = r.controlPayload(chunk)
		case r.parts:
			ev, err = r.part(chunk)
		default:
			ev, err = r.payload(chunk)
		}
		if err != nil {
			return r.fail(err)
		}
		if ev.Kind != More {
			return ev, p, nil
		}
		if r.frame {
			return ev, nil, nil
		}
	}
}

// short takes a message of one frame with less than 126 bytes, the usual one, if all of it is at
// the start of p. What is different, or not allowed, is left to the rest of next.
func (r *Receiver) short(p []byte) (ev Event, rest []byte, ok bool, err error) {
	if len(p) < 2 || r.frame || r.headLen > 0 || r.msg != OpContinuation {
		return Event{}, nil, false, nil
	}
	op, n, size := Opcode(p[0]&^bitFin), int(p[1]&^bitMask), 2
	if !r.cfg.Client {
		size = 6
	}
	end := size + n
	if p[0]&bitFin == 0 || op != OpText && op != OpBinary || p[1]&bitMask != 0 == r.cfg.Client || n > 125 || len(p) < end ||
		int64(n) > r.cfg.maxMessage() || r.cfg.MaxFrame > 0 && int64(n) > r.cfg.MaxFrame {
		return Event{}, nil, false, nil
	}
	data := p[size:end:end]
	if size == 6 {
		Mask(binary.LittleEndian.Uint32(p[2:]), 0, data)
	}
	if op == OpText && !utf8.Valid(data) {
		_, _, err = r.fail(errText)
		return Event{}, nil, true, err
	}
	return Event{Kind: Message, Op: op, Fin: true, Data: data}, p[end:], true, nil
}

// reclaim takes back what the last event has borrowed.
func (r *Receiver) reclaim() {
	if r.handed {
		putBuffer(r.buf)
		r.buf, r.handed = nil, false
	} else if r.control > 0 && !(r.frame && r.op.Control()) {
		r.buf, r.control = r.buf[:len(r.buf)-int(r.control)], 0
		if len(r.buf) == 0 {
			putBuffer(r.buf)
			r.buf = nil
		}
	}
}

// fail ends all in an error.
func (r *Receiver) fail(err error) (Event, []byte, error) {
	r.Release()
	r.err = err
	return Event{}, nil, err
}

// header begins the frame at the start of p, if its header is complete with what came before.
func (r *Receiver) header(p []byte, parts bool) (rest []byte, err error) {
	if r.headLen == 0 {
		h, n, err := ParseHeader(p)
		if n == 0 && err == nil {
			r.headLen = uint8(copy(r.head[:], p))
			return nil, r.early(h)
		}
		return p[n:], r.begin(h, parts, err)
	}
	had := int(r.headLen)
	all := had + copy(r.head[had:], p)
	h, n, err := ParseHeader(r.head[:all])
	if n == 0 && err == nil {
		r.headLen = uint8(all)
		return nil, r.early(h)
	}
	r.headLen = 0
	return p[max(n-had, 0):], r.begin(h, parts, err)
}

// early refuses what the first two bytes of a header tell to be wrong, before the others come.
func (r *Receiver) early(h Header) error {
	if r.headLen < 2 {
		return nil
	}
	return r.check(h)
}

// check says what is wrong about a header in the state that r has, lengths aside.
func (r *Receiver) check(h Header) error {
	switch {
	case h.RSV2 || h.RSV3, h.RSV1 && (!r.agreed.Agreed || h.Op == OpContinuation || h.Op.Control()):
		return errReservedBit
	case !h.Op.Known():
		return errReservedOpcode
	case h.Masked == r.cfg.Client:
		return errMask
	}
	if h.Op.Control() {
		switch {
		case !h.Fin:
			return errControlFragmented
		case h.Length > MaxControl:
			return errControlLength
		}
		return nil
	}
	switch {
	case h.Op == OpContinuation && r.msg == OpContinuation:
		return errNoMessage
	case h.Op != OpContinuation && r.msg != OpContinuation:
		return errInMessage
	}
	return nil
}

// begin enters the frame of h if the rules and limits allow it. malformed is what is wrong
// about its length; it comes second, as where the header arrives in pieces.
func (r *Receiver) begin(h Header, parts bool, malformed error) error {
	if err := r.check(h); err != nil {
		return err
	}
	if malformed != nil {
		return malformed
	}
	r.op, r.key, r.left, r.frame = h.Op, h.Key, h.Length, true
	if h.Op.Control() {
		return nil
	}
	if h.Op != OpContinuation {
		r.msg, r.packed, r.parts, r.total = h.Op, h.RSV1, parts, 0
	}
	r.fin = h.Fin
	limit := r.cfg.maxMessage()
	if r.packed && limit < math.MaxInt-limit>>6-64 {
		limit += limit>>6 + 64 // what cannot be compressed gets a little longer
	}
	switch {
	case r.cfg.MaxFrame > 0 && h.Length > r.cfg.MaxFrame:
		return errFrameSize
	case h.Length > limit-r.total:
		return errMessageSize
	}
	r.total += h.Length
	return nil
}

// payload takes the next bytes of a data frame.
func (r *Receiver) payload(chunk []byte) (Event, error) {
	ends := r.fin && !r.frame
	if r.msg == OpText && !r.packed {
		if err := r.checkText(chunk, ends); err != nil {
			return Event{}, err
		}
	}
	if !ends || len(r.buf) > 0 {
		if len(chunk) > 0 {
			r.buf = appendBuffer(r.buf, chunk)
		}
		if !ends {
			return Event{}, nil
		}
		chunk, r.handed = r.buf, true
	}
	if r.packed {
		var err error
		if chunk, err = r.inflate(chunk); err != nil {
			return Event{}, err
		}
	}
	ev := Event{Kind: Message, Op: r.msg, Fin: true, Data: chunk}
	r.msg = OpContinuation
	return ev, nil
}

// part hands out the next bytes of a data frame.
func (r *Receiver) part(chunk []byte) (Event, error) {
	ends := r.fin && !r.frame
	if r.msg == OpText && !r.packed {
		if err := r.checkText(chunk, ends); err != nil {
			return Event{}, err
		}
	}
	if len(r.buf) > 0 { // behind a control frame that Next has left in the middle
		r.buf = appendBuffer(r.buf, chunk)
		chunk, r.handed = r.buf, true
	}
	if !ends && len(chunk) == 0 {
		return Event{}, nil
	}
	ev := Event{Kind: Part, Op: r.msg, Fin: ends, Compressed: r.packed, Data: chunk}
	if ends {
		r.msg, r.parts = OpContinuation, false
	}
	return ev, nil
}

// checkText checks the next bytes of a text message.
func (r *Receiver) checkText(chunk []byte, ends bool) error {
	if ends && r.text.n == 0 {
		if !utf8.Valid(chunk) {
			return errText
		}
		return nil
	}
	if !r.text.next(chunk) || ends && !r.text.ended() {
		return errText
	}
	return nil
}

// controlPayload takes the next bytes of a control frame.
func (r *Receiver) controlPayload(chunk []byte) (Event, error) {
	if r.frame || r.control > 0 {
		r.buf = appendBuffer(r.buf, chunk)
		r.control += uint8(len(chunk))
		if r.frame {
			return Event{}, nil
		}
		chunk = r.buf[len(r.buf)-int(r.control):]
	}
	switch r.op {
	case OpPing:
		return Event{Kind: Ping, Data: chunk}, nil
	case OpPong:
		return Event{Kind: Pong, Data: chunk}, nil
	}
	r.over = true
	ev := Event{Kind: Closed, Code: CloseNoStatus}
	switch {
	case len(chunk) == 0:
		return ev, nil
	case len(chunk) == 1:
		return ev, errClosePayload
	}
	ev.Code, ev.Data = CloseCode(chunk[0])<<8|CloseCode(chunk[1]), chunk[2:]
	switch {
	case !ev.Code.Sendable():
		return ev, errCloseCode
	case !utf8.Valid(ev.Data):
		return ev, errCloseReason
	}
	return ev, nil
}

// Take returns the data of the last event for the caller to keep. It hands the buffer over
// if the message was put together in one, and copies it otherwise.
func (r *Receiver) Take(ev Event) []byte {
	if r.handed && len(ev.Data) > 0 && len(ev.Data) == len(r.buf) && &ev.Data[0] == &r.buf[0] {
		r.buf, r.handed = nil, false
		return ev.Data
	}
	return bytes.Clone(ev.Data)
}

// Done gives the memory of the last event back before the next is there.
func (r *Receiver) Done() { r.reclaim() }

// Buffered is how many bytes of memory r holds for the connection: for a message that has
// begun or was the last event, and for the window.
func (r *Receiver) Buffered() int { return cap(r.buf) + cap(r.window.b) }

// Release gives all memory back when the connection has ended. After it events are More, or
// the error that there was. What the last event has borrowed stays as it is.
func (r *Receiver) Release() {
	if !r.handed && r.control == 0 {
		putBuffer(r.buf)
	}
	r.window.release()
	r.buf, r.handed, r.control, r.over = nil, false, 0, true
}
