package wsframe

import "encoding/binary"

// MaxHeader is the most bytes that the header of a frame has.
const MaxHeader = 14

// Header is what stands before the payload of a frame.
type Header struct {
	// Fin marks the last frame of a message.
	Fin bool
	// RSV1 marks a compressed message, on its first frame.
	RSV1 bool
	// RSV2 and RSV3 are for extensions that are not known here.
	RSV2, RSV3 bool
	// Op is the opcode.
	Op Opcode
	// Masked says that Key masks the payload, as that of each frame of a client is.
	Masked bool
	// Key is the masking key, first byte lowest.
	Key uint32
	// Length is the number of bytes of the payload.
	Length int64
}

const (
	bitFin  = 0x80
	bitRSV1 = 0x40
	bitRSV2 = 0x20
	bitRSV3 = 0x10
	bitMask = 0x80
)

// ParseHeader reads the header at the start of p. n is its length; it is 0 if p ends before the
// header does, and after an error: an [Error] with 1002 for lengths that are not minimal, and with
// 1009 for those of more than 63 bits. Then h is what the first two bytes say. What the role and the state of a
// connection forbid is left to the [Receiver].
func ParseHeader(p []byte) (h Header, n int, err error) {
	if len(p) < 2 {
		return h, 0, nil
	}
	h.Fin, h.RSV1, h.RSV2, h.RSV3 = p[0]&bitFin != 0, p[0]&bitRSV1 != 0, p[0]&bitRSV2 != 0, p[0]&bitRSV3 != 0
	h.Op = Opcode(p[0] & 0xf)
	h.Masked = p[1]&bitMask != 0
	h.Length = int64(p[1] &^ bitMask)
	n = 2
	switch h.Length {
	case 126:
		if len(p) < 4 {
			return h, 0, nil
		}
		length := int64(binary.BigEndian.Uint16(p[2:]))
		if length < 126 {
			return h, 0, errLengthNotMinimal
		}
		h.Length, n = length, 4
	case 127:
		if len(p) < 10 {
			return h, 0, nil
		}
		length := int64(binary.BigEndian.Uint64(p[2:]))
		switch {
		case length < 0:
			return h, 0, errLengthTopBit
		case length <= 0xffff:
			return h, 0, errLengthNotMinimal
		}
		h.Length, n = length, 10
	}
	if h.Masked {
		if len(p) < n+4 {
			return h, 0, nil
		}
		h.Key = binary.LittleEndian.Uint32(p[n:])
		n += 4
	}
	return h, n, nil
}

// AppendHeader appends h to dst, its length in the shortest form.
func AppendHeader(dst []byte, h Header) []byte {
	b0, b1 := byte(h.Op), byte(0)
	if h.Fin {
		b0 |= bitFin
	}
	if h.RSV1 {
		b0 |= bitRSV1
	}
	if h.RSV2 {
		b0 |= bitRSV2
	}
	if h.RSV3 {
		b0 |= bitRSV3
	}
	if h.Masked {
		b1 = bitMask
	}
	switch {
	case h.Length < 126:
		dst = append(dst, b0, b1|byte(h.Length))
	case h.Length <= 0xffff:
		dst = append(dst, b0, b1|126, byte(h.Length>>8), byte(h.Length))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, b0, b1|127), uint64(h.Length))
	}
	if h.Masked {
		dst = binary.LittleEndian.AppendUint32(dst, h.Key)
	}
	return dst
}

// AppendFrame appends a frame with the payload p, masked with h.Key if h.Masked. h.Length is
// not looked at. p is not changed.
func AppendFrame(dst []byte, h Header, p []byte) []byte {
	h.Length = int64(len(p))
	dst = AppendHeader(dst, h)
	n := len(dst)
	dst = append(dst, p...)
	if h.Masked {
		Mask(h.Key, 0, dst[n:])
	}
	return dst
}
