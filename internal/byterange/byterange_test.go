package byterange

import (
	"math"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	tests := []struct {
		value string
		size  int64
		want  string // parts, "all" or "416"
	}{
		{"", 10, "all"}, {"bytes=0-0", 10, "0-0"}, {"bytes=0-", 10, "0-9"}, {"bytes=-3", 10, "7-9"}, {"bytes=-30", 10, "0-9"},
		{"BYTES=5-99", 10, "5-9"}, {"bytes= 1-2 , 4-5", 10, "1-2 4-5"}, {"bytes=4-5,1-2", 10, "4-5 1-2"}, {"bytes=,1-2,,", 10, "1-2"},
		{"bytes=10-", 10, "416"}, {"bytes=10-,0-1", 10, "0-1"}, {"bytes=-0", 10, "416"}, {"bytes=99999999999999999999-", 10, "416"},
		{"bytes=0-99999999999999999999", 10, "0-9"}, {"bytes=-99999999999999999999", 10, "0-9"},
		{"bytes=2-1", 10, "all"}, {"bytes=a-b", 10, "all"}, {"bytes=--1", 10, "all"}, {"bytes=-", 10, "all"}, {"bytes", 10, "all"}, {"bytes=", 10, "all"},
		{"bytes=+1-2", 10, "all"}, {"bytes=0-1 2", 10, "all"}, {"seconds=1-2", 10, "all"}, {"bytes =0-1", 10, "all"},
		{"bytes=0-,1-", 10, "0-9"}, {"bytes=0-5,4-7", 10, "0-7"}, {"bytes=0-1,2-3", 10, "0-3"}, {"bytes=8-9,0-1,4-5", 10, "8-9 0-1 4-5"},
		{"bytes=0-1,6-7,3-4,2-6", 10, "0-7"}, {"bytes=6-7,9-9,0-1,1-8", 10, "0-9"},
		{"bytes=0-", 0, "416"}, {"bytes=-5", 0, "all"}, {"bytes=0-,-5", 0, "all"}, {"bytes=-0", 0, "416"}, {"bytes=0-", -1, "all"},
		{"bytes=0-0,2-2,4-4,6-6,8-8", 10, "all"},
	}
	for _, tt := range tests {
		parts, ok := Resolve(Parse(tt.value, 4), tt.size)
		var got []string
		for _, p := range parts {
			text := strings.TrimPrefix(p.ContentRange(tt.size), "bytes ")
			got = append(got, text[:strings.IndexByte(text, '/')])
		}
		text := strings.Join(got, " ")
		switch {
		case !ok:
			text += "416"
		case parts == nil:
			text = "all"
		}
		assert.Equal(t, text, tt.want, tt.value, " of ", tt.size)
	}
	assert.Equal(t, Unsatisfied(7), "bytes */7")
}

func FuzzRange(f *testing.F) {
	for _, seed := range []string{"bytes=0-499", "bytes=-5,0-0", "bytes=9-1", "bytes=99999999999999999999-", "bytes=0-,0-,0-", "x=1", "bytes=1-,",
		"bytes=-9223372036854775807,1-9223372036854775807", "bytes=8-9,0-1,1-8"} {
		f.Add(seed, int64(1000))
	}
	f.Add("bytes=0-9223372036854775807", int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, value string, size int64) {
		specs := Parse(value, 16)
		assert.Equal(t, len(specs) <= 16, true)
		parts, ok := Resolve(specs, size)
		assert.Equal(t, ok || len(parts) == 0, true)
		left := size
		for i, p := range parts {
			assert.Equal(t, p.Start >= 0 && p.Length > 0 && p.Start <= size-p.Length, true, p)
			left -= p.Length
			for _, q := range parts[:i] {
				if p.Start <= q.Start+q.Length && q.Start <= p.Start+p.Length {
					t.Errorf("%v and %v are not joined", q, p)
				}
			}
		}
		if parts != nil {
			assert.Equal(t, left >= 0, true, "parts are more than the content")
		}
		wanted := func(at int64) bool {
			for _, s := range specs {
				if p, ok := s.Within(size); ok && at >= p.Start && at-p.Start < p.Length {
					return true
				}
			}
			return false
		}
		for _, p := range parts { // nothing is added by joining, and nothing lost
			assert.Equal(t, wanted(p.Start) && wanted(p.Start+p.Length-1) && !(p.Start > 0 && wanted(p.Start-1)), true, p)
		}
	})
}
