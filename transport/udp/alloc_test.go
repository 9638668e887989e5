//go:build !race

package udp_test

import (
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/udp"
)

// A datagram and its answer cost no allocation, also on a socket for all addresses and with
// layers. The client allocates nothing either.
func TestAllocs(t *testing.T) {
	needIPv6(t)
	for _, addr := range []string{"127.0.0.1:0", "0.0.0.0:0", "[::]:0"} {
		for _, batch := range batches {
			s := start(t, echo, udp.Config{Addr: addr, Batch: batch}, udp.Allow("127.0.0.0/8"), udp.RateLimit(1_000_000, 1000))
			c := dial(t, loopback(s.Addr()))
			message, buf := []byte("hello"), make([]byte, 100)
			assert.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
			round := func() {
				_, err := c.Write(message)
				assert.NoError(t, err)
				_, err = c.Read(buf)
				assert.NoError(t, err)
			}
			for range 100 { // so that all buffers are there
				round()
			}
			assert.Equal(t, testing.AllocsPerRun(1000, round), 0, addr, " batch ", batch)
			st := settled(t, s)
			assert.Equal(t, st.Refused, 0)
			assert.Equal(t, st.Served, st.Sent)
		}
	}
}
