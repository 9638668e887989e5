package ws

import (
	"crypto/rand"
	"encoding/binary"

	"github.com/tako-go/tako/internal/wsframe"
)

// Prepared is a message for many: its frame is made once, and shared by all who get it. It is
// used by any number of goroutines at once, and kept as long as wanted.
type Prepared struct{ frames *wsframe.Prepared }

// Prepare copies p into a message for many. Where it is compressed, that is done once, in the
// fast way: Level of [Compression] does not count for it.
func Prepare(typ Type, p []byte) *Prepared {
	if !typ.valid() {
		typ = Binary
	}
	return &Prepared{frames: wsframe.Prepare(wsframe.Opcode(typ), p, 0)}
}

// Data is the message. It must not be changed.
func (p *Prepared) Data() []byte { return p.frames.Data() }

// Type is the type of the message.
func (p *Prepared) Type() Type { return Type(p.frames.Op()) }

// maskedFrame is that of a client that compresses with a window.
func (c *Conn) maskedFrame(p *Prepared) []byte {
	var key [4]byte
	_, _ = rand.Read(key[:]) // never fails
	h := wsframe.Header{Fin: true, Op: p.frames.Op(), Masked: true, Key: binary.LittleEndian.Uint32(key[:])}
	return wsframe.AppendFrame(nil, h, p.Data())
}
