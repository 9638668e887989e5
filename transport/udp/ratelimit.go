package udp

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/tako-go/tako/internal/connlimit"
)

// maxSenders bounds what a RateLimit remembers. Senders beyond share one allowance, so that
// forged addresses take neither memory nor the service of those that are known.
const maxSenders = 1 << 16

// maxRate bounds rate and burst, so that times do not overflow.
const maxRate = 1_000_000_000

// RateLimit refuses datagrams of an address, or of a /64 of IPv6, that come more often than
// rate in a second, but for the first burst after a pause. What has no IP address passes. It
// remembers up to 65536 addresses.
func RateLimit(rate, burst int) Layer { return rateLimit{rate, burst} }

type rateLimit struct{ rate, burst int }

func (l rateLimit) check() error {
	if l.rate < 1 || l.burst < 1 || l.rate > maxRate || l.burst > maxRate {
		return fmt.Errorf("udp: RateLimit(%d, %d): both must be 1 to %d", l.rate, l.burst, maxRate)
	}
	return nil
}

func (l rateLimit) Wrap(next Handler) Handler {
	start := time.Now()
	interval := time.Second / time.Duration(l.rate)
	b := &buckets{interval: interval, depth: interval * time.Duration(l.burst-1), most: maxSenders, due: map[netip.Addr]time.Duration{}}
	return func(ctx context.Context, p *Packet) error {
		if key := connlimit.KeyIP(p.remote.Addr()); key.IsValid() && !b.take(key, time.Since(start)) {
			return ErrRefused
		}
		return next(ctx, p)
	}
}

// buckets are the allowances of senders, each kept as the time when it will be whole again
// (the generic cell rate algorithm).
type buckets struct {
	interval, depth time.Duration
	most            int

	mu    sync.Mutex
	due   map[netip.Addr]time.Duration
	swept time.Duration
}

func (b *buckets) take(key netip.Addr, now time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	due, known := b.due[key]
	if !known && len(b.due) >= b.most {
		b.sweep(now)
		if len(b.due) >= b.most {
			key = netip.Addr{}
			due = b.due[key]
		}
	}
	due = max(due, now)
	if due-now > b.depth {
		return false
	}
	b.due[key] = due + b.interval
	return true
}

// sweep forgets whole allowances, at most once a second.
func (b *buckets) sweep(now time.Duration) {
	if now-b.swept < time.Second {
		return
	}
	b.swept = now
	for key, due := range b.due {
		if due <= now {
			delete(b.due, key)
		}
	}
}
