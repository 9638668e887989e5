package compress

import (
	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/coding"
)

// stage compresses a body on its way. It has an encoder from the first byte to the end, so
// that a stream which has not begun costs little.
type stage struct {
	coding string
	level  int
	next   tako.BodyWriter
	enc    *coding.Encoder
}

func (s *stage) begin() (err error) {
	if s.enc == nil {
		s.enc, err = coding.NewEncoder(s.coding, s.level, s.next)
	}
	return err
}

func (s *stage) Write(p []byte) (int, error) {
	if err := s.begin(); err != nil {
		return 0, err
	}
	return s.enc.Write(p)
}

func (s *stage) Flush() error {
	if s.enc != nil {
		if err := s.enc.Flush(); err != nil {
			return err
		}
	}
	return s.next.Flush()
}

// Close writes the end only if the body is whole.
func (s *stage) Close(err error) error {
	if err == nil {
		if err = s.begin(); err == nil {
			err = s.enc.Close()
		}
	}
	if s.enc != nil {
		s.enc.Release()
		s.enc = nil
	}
	return s.next.Close(err)
}
