package wsframe

import "github.com/tako-go/tako/internal/coding"

// large is from how many bytes on a message is compressed for itself, also with context
// takeover: what came before matters little then, and a compressor that builds up tables of its own
// does better.
const large = 32 << 10

// history is how many bytes of the messages before one it is compressed with, at most. The time that
// takes is that of reading them all, each time.
const history = 4 << 10

// takeover reports whether the compressor goes on from message to message.
func (s *Sender) takeover() bool {
	if s.cfg.Client {
		return !s.agreed.ClientNoContext
	}
	return !s.agreed.ServerNoContext
}

func (s *Sender) bits() uint8 {
	bits := s.agreed.ServerBits
	if s.cfg.Client {
		bits = s.agreed.ClientBits
	}
	if bits == 0 {
		return 15
	}
	return bits
}

func (s *Sender) compresses(n int) bool { return s.agreed.Agreed && n >= s.cfg.threshold() }

// deflate appends p compressed, ended by a sync flush.
func (s *Sender) deflate(dst, p []byte) []byte {
	bits := s.bits()
	if s.takeover() && len(p) < large && (bits == 15 || len(s.window.b)+len(p) <= windowSize(bits)) {
		return coding.AppendFlateDict(dst, p, s.window.b)
	}
	return coding.AppendFlate(dst, p, s.cfg.Level, int(bits))
}

// remember keeps what the next messages may refer to.
func (s *Sender) remember(p []byte) { s.window.write(p, min(windowSize(s.bits()), history)) }

// appendPacked appends p as a compressed message, unless it gets no shorter by that. With context
// takeover a short one may get a little longer: only what was compressed can help the next.
func (s *Sender) appendPacked(dst []byte, op Opcode, p []byte) (_ []byte, ok bool) {
	packed := s.deflate(getBuffer(len(p)+64), p)
	n := len(packed) - len(coding.FlateTail)
	if ok = n < len(p) || s.takeover() && len(p) <= history && n <= len(p)+16; ok {
		h := s.header(true, op)
		h.RSV1 = true
		dst = AppendFrame(dst, h, packed[:n])
		if s.takeover() {
			s.remember(p)
		}
	}
	putBuffer(packed)
	return dst, ok
}
