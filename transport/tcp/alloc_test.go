//go:build !race

package tcp_test

import (
	"io"
	"net"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/tcp"
)

// A message that comes and goes allocates nothing.
func TestEchoAllocs(t *testing.T) {
	conn := raw(t, start(t, plain, tcp.Config{}))
	out, in := []byte("hello, world\n"), make([]byte, 13)
	n := testing.AllocsPerRun(500, func() {
		if _, err := conn.Write(out); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, in); err != nil {
			t.Fatal(err)
		}
	})
	assert.Equal(t, n, 0.0, "allocations of an echo")
}

func raw(t testing.TB, s *tcp.Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr().String())
	assert.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
