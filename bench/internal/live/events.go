package live

import (
	"bytes"
	"errors"
	"fmt"
)

var (
	errEnded  = errors.New("the server ended the stream")
	errChunks = errors.New("malformed chunk")
)

// events takes apart a response of server-sent events, in chunks or not.
type events struct {
	// state is what the next byte belongs to.
	state chunkState
	// left of the chunk, or its size as far as that was read.
	left int
	// digits of the size were read.
	digits int
	// line is the beginning of one, data what an event has so far.
	line, data []byte
}

type chunkState byte

const (
	inSize chunkState = iota
	inData
	behindData
	// unchunked bodies have no such thing.
	unchunked
)

// feed calls got with the data of each event, which is valid until it returns.
func (e *events) feed(p []byte, got func(message []byte) error) error {
	for len(p) > 0 {
		switch e.state {
		case inData:
			n := min(e.left, len(p))
			if err := e.text(p[:n], got); err != nil {
				return err
			}
			p = p[n:]
			if e.left -= n; e.left == 0 {
				e.state = behindData
			}
		case unchunked:
			return e.text(p, got)
		default:
			if err := e.between(p[0]); err != nil {
				return err
			}
			p = p[1:]
		}
	}
	return nil
}

// between takes a byte of the framing of chunks.
func (e *events) between(b byte) error {
	digit := bytes.IndexByte([]byte("0123456789abcdef"), b|0x20)
	switch {
	case b == '\r':
	case b == '\n' && e.state == behindData:
		e.state, e.left, e.digits = inSize, 0, 0
	case b == '\n' && e.digits == 0:
		return errChunks
	case b == '\n' && e.left == 0:
		return errEnded
	case b == '\n':
		e.state = inData
	case e.state == inSize && digit >= 0 && e.digits < 7:
		e.left, e.digits = e.left<<4|digit, e.digits+1
	default:
		return fmt.Errorf("%w: %q", errChunks, b)
	}
	return nil
}

// text takes some of the body.
func (e *events) text(p []byte, got func([]byte) error) error {
	for {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			e.line = append(e.line, p...)
			return nil
		}
		line := p[:end]
		if len(e.line) > 0 {
			e.line = append(e.line, line...)
			line = e.line
		}
		p = p[end+1:]
		if err := e.field(bytes.TrimSuffix(line, []byte("\r")), got); err != nil {
			return err
		}
		e.line = e.line[:0]
	}
}

// field takes a line. Events have one with data here.
func (e *events) field(line []byte, got func([]byte) error) error {
	if data, ok := bytes.CutPrefix(line, []byte("data:")); ok {
		e.data = append(e.data, bytes.TrimPrefix(data, []byte(" "))...)
		return nil
	}
	if len(line) > 0 || len(e.data) == 0 {
		return nil
	}
	err := got(e.data)
	e.data = e.data[:0]
	return err
}
