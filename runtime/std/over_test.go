package std

import (
	"net"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// A connection that is accepted when a drain has found the server empty is not let in: nobody
// would cut it any more.
func TestOver(t *testing.T) {
	t.Parallel()
	add := func(s *Server) (c *conn, let bool) {
		a, b := net.Pipe()
		t.Cleanup(func() { _, _ = a.Close(), b.Close() })
		c = newConn(s, a, nil, false)
		return c, s.track(c)
	}
	s := New(nil, Config{})
	s.sweeping = true // by nobody
	<-s.whenEmpty()
	_, let := add(s)
	assert.Equal(t, let, false)

	s = New(nil, Config{})
	s.sweeping = true
	last, let := add(s)
	assert.Equal(t, let, true)
	empty := s.whenEmpty()
	_, let = add(s)
	assert.Equal(t, let, true, "beside another")
	for c := range s.conns {
		if c != last {
			s.forget(c)
		}
	}
	s.forget(last)
	<-empty
	_, let = add(s)
	assert.Equal(t, let, false)
}
