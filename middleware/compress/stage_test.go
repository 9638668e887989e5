package compress

import (
	"bytes"
	"errors"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/coding"
)

// last is the end of the way of a body.
type last struct {
	bytes.Buffer
	fails   error
	flushes int
	closed  error
}

func (l *last) Write(p []byte) (int, error) {
	if l.fails != nil {
		return 0, l.fails
	}
	return l.Buffer.Write(p)
}

func (l *last) Flush() error { l.flushes++; return nil }

func (l *last) Close(err error) error { l.closed = err; return err }

// TestCO05Stage: a broken body is handed on as one, and gets no end.
func TestCO05Stage(t *testing.T) {
	t.Parallel()
	dry := errors.New("dry")
	for _, name := range []string{"br", "zstd", "gzip", "deflate"} {
		for what, fail := range map[string]func(s *stage, l *last) error{
			"before the first byte": func(s *stage, _ *last) error { return s.Close(dry) },
			"in the middle": func(s *stage, _ *last) error {
				_, err := s.Write([]byte("octopus"))
				assert.NoError(t, errors.Join(err, s.Flush()))
				return s.Close(dry)
			},
			"on the wire": func(s *stage, l *last) error {
				_, err := s.Write([]byte("octopus"))
				assert.NoError(t, err)
				l.fails = dry
				return s.Close(nil)
			},
		} {
			l := &last{closed: errors.New("not closed")}
			s := &stage{coding: name, level: coding.Level(name, 0, true), next: l}
			assert.ErrorIs(t, fail(s, l), dry, what)
			assert.ErrorIs(t, l.closed, dry, what)
			if s.enc != nil {
				t.Errorf("%s, %s: the encoder was not given back", name, what)
			}
			d, err := coding.NewDecoder(name, &l.Buffer)
			assert.NoError(t, err)
			if _, err := new(bytes.Buffer).ReadFrom(d); err == nil {
				t.Errorf("%s, %s: the body ends well", name, what)
			}
		}
	}
}

// TestCO08Stage: a stream has an encoder from its first byte to its end only.
func TestCO08Stage(t *testing.T) {
	t.Parallel()
	l := &last{}
	s := &stage{coding: "br", level: 3, next: l}
	assert.NoError(t, s.Flush())
	assert.Equal(t, s.enc == nil, true, "flushed")
	assert.Equal(t, l.flushes, 1)
	_, err := s.Write([]byte("x"))
	assert.NoError(t, err)
	assert.Equal(t, s.enc == nil, false, "written")
	assert.NoError(t, s.Close(nil))
	assert.Equal(t, s.enc == nil, true, "closed")
}
