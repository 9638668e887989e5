package load

import (
	"math"
	"math/bits"
	"time"
)

// Each power of two has this many buckets: values are at most 0.8 % too high.
const (
	perPower = 128
	powers   = 34 // up to 18 minutes in nanoseconds
)

// Histogram counts durations.
type Histogram struct {
	// Max is exact.
	Max time.Duration

	counts [(powers + 1) * perPower]int64
	n      int64
}

// Add counts one duration.
func (h *Histogram) Add(d time.Duration) {
	h.Max = max(h.Max, d)
	h.counts[bucket(d)]++
	h.n++
}

// Merge adds all of another one.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.Max = max(h.Max, other.Max)
	h.n += other.n
}

// Times is a histogram in which each duration counts n times.
func (h *Histogram) Times(n int) *Histogram {
	more := *h
	for i := range more.counts {
		more.counts[i] *= int64(n)
	}
	more.n *= int64(n)
	return &more
}

// Count is the number of durations.
func (h *Histogram) Count() int64 { return h.n }

// Quantile is the smallest duration that the part q of all, such as 0.99, does
// not exceed; 0 when there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := max(1, int64(math.Ceil(q*float64(h.n))))
	for i, n := range h.counts {
		if rank -= n; rank <= 0 {
			return min(top(i), h.Max)
		}
	}
	return h.Max
}

func bucket(d time.Duration) int {
	v := uint64(max(d, 0))
	shift := max(0, bits.Len64(v)-8)
	return min(shift*perPower+int(v>>shift), (powers+1)*perPower-1)
}

// top is the largest duration in a bucket.
func top(bucket int) time.Duration {
	shift := max(0, bucket/perPower-1)
	return time.Duration(bucket-shift*perPower+1)<<shift - 1
}
