package wsframe

import (
	"sync"

	"github.com/tako-go/tako/internal/coding"
)

// Prepared is a message for many peers, which is framed once, and compressed once if a peer
// wants that. It is used by any number of goroutines at once.
type Prepared struct {
	op    Opcode
	level int
	size  int    // of the message, at the end of plain
	plain []byte // the frame, uncompressed

	once   sync.Once
	packed []byte // the frame, compressed without context; plain if that is not longer
}

// Prepare makes the frame of a server for a copy of p, op being OpText or OpBinary. level is
// that of [Config].
func Prepare(op Opcode, p []byte, level int) *Prepared {
	plain := AppendFrame(make([]byte, 0, len(p)+MaxHeader), Header{Fin: true, Op: op}, p)
	return &Prepared{op: op, level: level, size: len(p), plain: plain}
}

// Op is the opcode.
func (p *Prepared) Op() Opcode { return p.op }

// Data is the message. It must not be changed.
func (p *Prepared) Data() []byte { return p.plain[len(p.plain)-p.size:] }

// Plain is the frame without compression. It must not be changed.
func (p *Prepared) Plain() []byte { return p.plain }

// deflated is the compressed frame. It matches nothing in front of the message, so it suits
// connections with and without context takeover.
func (p *Prepared) deflated() []byte {
	p.once.Do(func() {
		data := p.Data()
		packed := coding.AppendFlate(getBuffer(len(data)+64), data, p.level, 15)
		if n := len(packed) - len(coding.FlateTail); n < len(data) {
			p.packed = AppendFrame(make([]byte, 0, n+MaxHeader), Header{Fin: true, RSV1: true, Op: p.op}, packed[:n])
		} else {
			p.packed = p.plain
		}
		putBuffer(packed)
	})
	return p.packed
}

// Frame returns the bytes that send p. They must not be changed: they are shared, unless s is
// of a client, or its peer has a window of less than 32 KiB.
func (s *Sender) Frame(p *Prepared) []byte {
	compressed := s.compresses(p.size)
	switch {
	case s.cfg.Client, compressed && s.bits() < 15:
		return s.AppendMessage(nil, p.op, p.Data())
	case !compressed:
		return p.plain
	}
	frame := p.deflated()
	if s.takeover() && &frame[0] != &p.plain[0] {
		s.remember(p.Data())
	}
	return frame
}
