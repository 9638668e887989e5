package live

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The first bytes of frames that are whole messages (RFC 6455, section 5.2).
const (
	finBinary = 0x82
	finText   = 0x81
	finPing   = 0x89
	masked    = 0x80
)

// mask is the masking key of all frames that are sent.
var mask = [4]byte{0x12, 0x34, 0x56, 0x78}

// errFrame is about frames that no server here has a reason to send.
var errFrame = errors.New("no whole message in one frame")

// AppendFrame appends a masked frame with one binary message, as clients send it.
func AppendFrame(out, payload []byte) []byte {
	out = append(out, finBinary)
	switch n := len(payload); {
	case n < 126:
		out = append(out, masked|byte(n))
	case n < 1<<16:
		out = binary.BigEndian.AppendUint16(append(out, masked|126), uint16(n))
	default:
		out = binary.BigEndian.AppendUint64(append(out, masked|127), uint64(n))
	}
	out = append(out, mask[:]...)
	begin := len(out)
	out = append(out, payload...)
	applyMask(out[begin:], 0)
	return out
}

// applyMask works on payload that begins at an offset of its message.
func applyMask(p []byte, at int) {
	for i := range p {
		p[i] ^= mask[(at+i)%4]
	}
}

// frames takes apart what a server sends over WebSocket.
type frames struct {
	// held is the beginning of a frame whose end is to come.
	held []byte
}

// feed calls got with each message, which is valid until it returns.
func (f *frames) feed(p []byte, got func(message []byte) error) error {
	if len(f.held) > 0 {
		var err error
		if p, err = f.complete(p, got); err != nil {
			return err
		}
	}
	for len(p) > 0 {
		head, payload, err := parseFrame(p)
		if err != nil {
			return err
		}
		end := head + payload
		if head == 0 || len(p) < end {
			f.held = append(f.held, p...)
			return nil
		}
		if p[0] != finPing {
			if err := got(p[head:end]); err != nil {
				return err
			}
		}
		p = p[end:]
	}
	return nil
}

// complete adds to the frame that is held, and returns what is behind its end.
func (f *frames) complete(p []byte, got func([]byte) error) ([]byte, error) {
	for len(p) > 0 {
		head, payload, err := parseFrame(f.held)
		if err != nil {
			return nil, err
		}
		n := 1 // until the head is whole
		if head > 0 {
			n = min(head+payload-len(f.held), len(p))
		}
		f.held = append(f.held, p[:n]...)
		p = p[n:]
		if head, payload, err = parseFrame(f.held); err != nil {
			return nil, err
		}
		if head == 0 || len(f.held) < head+payload {
			continue
		}
		if f.held[0] != finPing {
			err = got(f.held[head:])
		}
		f.held = f.held[:0]
		return p, err
	}
	return nil, nil
}

// parseFrame returns the length of the head, 0 while it is not whole, and of the payload.
func parseFrame(p []byte) (head, payload int, err error) {
	if len(p) < 2 {
		return 0, 0, nil
	}
	if p[0] != finBinary && p[0] != finText && p[0] != finPing || p[1]&masked != 0 {
		return 0, 0, fmt.Errorf("%w: it begins with %x", errFrame, p[:2])
	}
	switch n := int(p[1]); {
	case n < 126:
		return 2, n, nil
	case n == 126 && len(p) >= 4:
		return 4, int(binary.BigEndian.Uint16(p[2:])), nil
	case n == 127 && len(p) >= 10:
		return 10, int(binary.BigEndian.Uint64(p[2:])), nil
	}
	return 0, 0, nil
}
