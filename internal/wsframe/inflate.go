package wsframe

import (
	"io"
	"unicode/utf8"

	"github.com/tako-go/tako/internal/coding"
)

// takeover reports whether the peer's compressor goes on from message to message.
func (r *Receiver) takeover() bool {
	if r.cfg.Client {
		return !r.agreed.ServerNoContext
	}
	return !r.agreed.ClientNoContext
}

func (r *Receiver) remember(p []byte) {
	bits := r.agreed.ClientBits
	if r.cfg.Client {
		bits = r.agreed.ServerBits
	}
	r.window.write(p, windowSize(bits))
}

// inflate decompresses a whole message into buf, in place of what was there.
func (r *Receiver) inflate(p []byte) ([]byte, error) {
	var out []byte
	if len(p) > 0 {
		z := coding.NewFlateReader(p, r.window.b)
		var err error
		out, err = r.readAll(z, getBuffer(2*len(p)))
		z.Close()
		if err != nil {
			putBuffer(out)
			return nil, err
		}
	}
	putBuffer(r.buf)
	r.buf, r.handed = out, true
	if r.msg == OpText && !utf8.Valid(out) {
		return nil, errText
	}
	if r.takeover() {
		r.remember(out)
	}
	return out, nil
}

// readAll reads z to its end into out, which grows with what comes.
func (r *Receiver) readAll(z *coding.FlateReader, out []byte) ([]byte, error) {
	limit := r.cfg.maxMessage()
	for {
		out = growBuffer(out, 1)
		room := out[len(out):min(int64(cap(out)), max(limit, limit+1))]
		n, err := z.Read(room)
		out = out[:len(out)+n]
		switch {
		case int64(len(out)) > limit:
			return out, errMessageSize
		case err == io.EOF:
			if more, err := z.More(out); err != nil {
				return out, errCompressed
			} else if !more {
				return out, nil
			}
		case err != nil:
			return out, errCompressed
		}
	}
}

// Inflate returns a reader of a message whose Parts are Compressed. src gives their Data one
// after the other, and io.EOF behind the last. The reader checks text and the limit of the
// message, and returns an [Error] for what the peer did wrong, and the errors of src. It has to
// be read to its end, or an error, before the next message; its memory is given back then.
func (r *Receiver) Inflate(op Opcode, src io.Reader) io.Reader {
	from := &sourceReader{src: src}
	return &messageReader{r: r, op: op, from: from, z: coding.NewFlateStream(from, r.window.b)}
}

// sourceReader tells the errors of a source from those of what it gives.
type sourceReader struct {
	src   io.Reader
	some  bool // something has come
	ended bool
	err   error
}

func (s *sourceReader) Read(p []byte) (int, error) {
	n, err := s.src.Read(p)
	s.some = s.some || n > 0
	s.ended = s.ended || err == io.EOF
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

type messageReader struct {
	r    *Receiver
	op   Opcode
	from *sourceReader
	z    *coding.FlateReader
	size int64
	text text
	err  error
}

// Read reads decompressed bytes.
func (m *messageReader) Read(p []byte) (int, error) {
	if m.err != nil || len(p) == 0 {
		return 0, m.err
	}
	n, err := m.z.Read(p)
	if m.r.takeover() {
		m.r.remember(p[:n])
	}
	if err != nil && m.from.ended && !m.from.some {
		err = io.EOF // no bytes at all are the empty message, as they are to Next
	} else if err == io.EOF {
		var more bool
		if more, err = m.z.More(m.r.window.b); err == nil && !more {
			err = io.EOF
		}
	}
	m.size += int64(n)
	switch {
	case m.size > m.r.cfg.maxMessage():
		m.err = errMessageSize
	case m.op == OpText && (!m.text.next(p[:n]) || err == io.EOF && !m.text.ended()):
		m.err = errText
	case m.from.err != nil:
		m.err = m.from.err
	case err != nil && err != io.EOF:
		m.err = errCompressed
	default:
		m.err = err
	}
	if m.err == nil {
		return n, nil
	}
	m.z.Close()
	m.z = nil
	if m.err == io.EOF {
		return n, io.EOF
	}
	_, _, _ = m.r.fail(m.err)
	return 0, m.err
}
