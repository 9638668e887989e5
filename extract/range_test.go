package extract

import (
	"math"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

func TestRange(t *testing.T) {
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
		{"bytes=0-,1-", 10, "all"}, {"bytes=0-5,4-7", 10, "0-5 4-7"}, {"bytes=0-5,4-9", 10, "all"},
		{"bytes=0-", 0, "416"}, {"bytes=-5", 0, "all"}, {"bytes=0-,-5", 0, "all"}, {"bytes=-0", 0, "416"}, {"bytes=0-", -1, "all"},
	}
	for _, tt := range tests {
		parts, err := Range{parseRange(tt.value)}.Resolve(tt.size)
		var got []string
		for _, p := range parts {
			text := strings.TrimPrefix(p.ContentRange(tt.size), "bytes ")
			got = append(got, text[:strings.IndexByte(text, '/')])
		}
		text := strings.Join(got, " ")
		switch {
		case err != nil:
			e := tako.AsError(err)
			assert.Equal(t, e.Status, 416)
			assert.Contains(t, e.Header.Get("Content-Range"), "bytes */")
			text = "416"
		case parts == nil:
			text = "all"
		}
		assert.Equal(t, text, tt.want, tt.value, " of ", tt.size)
	}
}

func TestRangeOfRequest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		method string
		lines  []string
		want   string
	}{
		{"GET", []string{"Range: bytes=1-2,-3,4-"}, "bytes=1-2,-3,4-"}, {"GET", nil, ""}, {"HEAD", []string{"Range: bytes=1-2"}, ""},
		{"PUT", []string{"Range: bytes=1-2"}, ""}, {"GET", []string{"Range: bytes=1-2", "Range: bytes=3-4"}, ""},
	} {
		with(t, tt.method, "/", tt.lines, "", func(c *tako.Context) {
			r, err := tako.Extract[Range](c)
			assert.NoError(t, err)
			assert.Equal(t, r.String(), tt.want)
			assert.Equal(t, rewritten(t, &r).Get("Range"), tt.want)
			assert.Equal(t, r.Absent(), tt.want == "")
		})
	}
	assert.Equal(t, len(parseRange("bytes="+strings.Repeat("0-0,", maxRanges))), maxRanges)
	assert.Equal(t, len(parseRange("bytes="+strings.Repeat("0-0,", maxRanges+1))), 0)
}

func FuzzRange(f *testing.F) {
	for _, seed := range []string{"bytes=0-499", "bytes=-5,0-0", "bytes=9-1", "bytes=99999999999999999999-", "bytes=0-,0-,0-", "x=1", "bytes=1-,", "bytes=-9223372036854775807,1-9223372036854775807"} {
		f.Add(seed, int64(1000))
	}
	f.Add("bytes=0-9223372036854775807", int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, value string, size int64) {
		r := Range{parseRange(value)}
		assert.Equal(t, len(r.Specs) <= maxRanges, true)
		parts, err := r.Resolve(size)
		if err != nil {
			assert.Equal(t, len(parts), 0)
		}
		left := size
		for _, p := range parts {
			assert.Equal(t, p.Start >= 0 && p.Length > 0 && p.Start <= size-p.Length, true, p)
			left -= p.Length
		}
		if parts != nil {
			assert.Equal(t, left >= 0, true, "parts are more than the content")
		}
		if len(r.Specs) > 0 {
			assert.Equal(t, parseRange(r.String()), r.Specs, r.String())
		}
	})
}
