package wsframe

import (
	"math/rand/v2"
	"strings"
	"unicode/utf8"

	"github.com/tako-go/tako/internal/coding"
)

// Sender frames what goes to a peer. It is used by one goroutine at a time, and not copied
// after Init. Its frames have to reach the peer in the order in which they were made.
type Sender struct {
	cfg    *Config
	window window // of the compressor
	agreed Deflate
	inside bool // between the parts of a message
	packed bool // which is compressed
}

// Init makes s ready for a new connection. cfg may be shared; agreed is the outcome of the
// handshake, its zero value no compression.
func (s *Sender) Init(cfg *Config, agreed Deflate) { *s = Sender{cfg: cfg, agreed: agreed} }

// AppendMessage appends p as a message of one frame, op being OpText or OpBinary. It is
// compressed if that was agreed, p is not shorter than the threshold, and it helps. p is not
// changed; that text is UTF-8 is up to the caller. No other message may be in its parts.
func (s *Sender) AppendMessage(dst []byte, op Opcode, p []byte) []byte {
	if s.compresses(len(p)) {
		if packed, ok := s.appendPacked(dst, op, p); ok {
			return packed
		}
	}
	if !s.cfg.Client && len(p) < 126 {
		return append(append(dst, bitFin|byte(op), byte(len(p))), p...)
	}
	return AppendFrame(dst, s.header(true, op), p)
}

// AppendPart appends the next part of a message as a frame of its own; fin ends the message.
// Whether it is compressed is decided with the first part, as by AppendMessage.
func (s *Sender) AppendPart(dst []byte, op Opcode, p []byte, fin bool) []byte {
	h := s.header(fin, op)
	if s.inside {
		h.Op = OpContinuation
	} else {
		s.packed = s.compresses(len(p))
		h.RSV1 = s.packed
	}
	s.inside = !fin
	if !s.packed {
		return AppendFrame(dst, h, p)
	}
	packed := s.deflate(getBuffer(len(p)+64), p)
	if fin {
		packed = packed[:len(packed)-len(coding.FlateTail)]
	}
	dst = AppendFrame(dst, h, packed)
	putBuffer(packed)
	if s.takeover() {
		s.remember(p)
	}
	return dst
}

// AppendControl appends a ping or pong, also between the parts of a message. p is cut at
// MaxControl.
func (s *Sender) AppendControl(dst []byte, op Opcode, p []byte) []byte {
	return AppendFrame(dst, s.header(true, op), p[:min(len(p), MaxControl)])
}

// AppendClose appends a close frame. It has no payload for CloseNoStatus and 0; another code
// that is not Sendable is sent as CloseInternal. reason is made UTF-8, and cut at MaxReason.
func (s *Sender) AppendClose(dst []byte, code CloseCode, reason string) []byte {
	var p [MaxControl]byte
	n := 0
	if code != CloseNoStatus && code != 0 {
		if !code.Sendable() {
			code = CloseInternal
		}
		p[0], p[1] = byte(code>>8), byte(code)
		reason = strings.ToValidUTF8(reason, "\ufffd")
		if len(reason) > MaxReason {
			end := MaxReason
			for !utf8.RuneStart(reason[end]) {
				end--
			}
			reason = reason[:end]
		}
		n = 2 + copy(p[2:], reason)
	}
	return AppendFrame(dst, s.header(true, OpClose), p[:n])
}

// Verbatim reports whether a message of n bytes goes out as it is behind its header, which
// AppendHeader makes of Fin, Op and Length: both may be written without a copy then.
func (s *Sender) Verbatim(n int) bool { return !s.cfg.Client && !s.compresses(n) }

// Buffered is how many bytes of memory s holds: the window of context takeover.
func (s *Sender) Buffered() int { return cap(s.window.b) }

// Release gives all memory back, when the connection has ended. Nothing may be sent after it.
func (s *Sender) Release() { s.window.release() }

// header returns a header with the mask that the role asks for. The keys come out of a
// generator that is seeded by the system and cannot be predicted (RFC 6455, section 10.3).
func (s *Sender) header(fin bool, op Opcode) Header {
	h := Header{Fin: fin, Op: op, Masked: s.cfg.Client}
	if h.Masked {
		h.Key = rand.Uint32()
	}
	return h
}
