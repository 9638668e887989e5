package udp

import (
	"net/netip"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

func testBuckets(most int) *buckets {
	return &buckets{interval: 100 * time.Millisecond, depth: 200 * time.Millisecond, most: most, due: map[netip.Addr]time.Duration{}}
}

func TestBuckets(t *testing.T) {
	b, a := testBuckets(10), netip.MustParseAddr("192.0.2.1")
	passed := func(now time.Duration) (n int) {
		for b.take(a, now) {
			n++
		}
		return n
	}
	assert.Equal(t, passed(0), 3, "at once")
	assert.Equal(t, passed(99*time.Millisecond), 0, "before the interval is over")
	assert.Equal(t, passed(100*time.Millisecond), 1, "after one interval")
	assert.Equal(t, passed(300*time.Millisecond), 2, "after two more")
	assert.Equal(t, passed(time.Hour), 3, "after a pause")
	assert.Equal(t, b.take(netip.MustParseAddr("192.0.2.2"), time.Hour), true, "another one")
}

// Forged addresses take no memory, and nothing from who was known before.
func TestBucketsFull(t *testing.T) {
	b, known := testBuckets(10), netip.MustParseAddr("192.0.2.1")
	b.take(known, 0)
	ip, passed := netip.MustParseAddr("198.51.100.1"), 0
	for range 1000 {
		if b.take(ip, 10*time.Millisecond) {
			passed++
		}
		ip = ip.Next()
	}
	assert.Equal(t, passed, 9+3, "nine more addresses, and one allowance for all others")
	assert.Equal(t, len(b.due), 11)
	assert.Equal(t, b.take(known, 10*time.Millisecond), true, "the known one")
	// When they have paused, they are forgotten.
	b.take(ip, 10*time.Second)
	assert.Equal(t, len(b.due), 1)
}
