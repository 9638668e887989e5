package wsframe

// Opcode says what a frame is for (RFC 6455, section 5.2).
type Opcode uint8

// The opcodes; those from OpClose on are of control frames.
const (
	OpContinuation Opcode = 0x0
	OpText         Opcode = 0x1
	OpBinary       Opcode = 0x2
	OpClose        Opcode = 0x8
	OpPing         Opcode = 0x9
	OpPong         Opcode = 0xa
)

// Control reports whether op is of control frames, the reserved ones among them.
func (op Opcode) Control() bool { return op&0x8 != 0 }

// Known reports whether RFC 6455 defines op.
func (op Opcode) Known() bool { return op <= OpBinary || op >= OpClose && op <= OpPong }

// MaxControl is the most bytes that the payload of a control frame may have.
const MaxControl = 125

// MaxReason is the most bytes that the reason of a close frame may have.
const MaxReason = MaxControl - 2
