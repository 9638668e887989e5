package http1

import (
	"strings"
	"testing"
)

// naive is the index of the first byte from i on that is none of those allowed.
func naive(b []byte, i int, allowed func(c byte) bool) int {
	for i < len(b) && allowed(b[i]) {
		i++
	}
	return i
}

func inTarget(c byte) bool { return c > ' ' && c < 0x7f && c != '#' }
func inValue(c byte) bool  { return c == '\t' || c >= ' ' && c != 0x7f }
func inToken(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c != 0 && strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

var scanners = []struct {
	name    string
	scan    func(b []byte, i int) int
	allowed func(c byte) bool
	fill    string // bytes that are allowed, at the borders of what is
}{
	{"target", endOfTarget, inTarget, "a!\"$~/"},
	{"value", endOfValue, inValue, "a \t\x80\xff~"},
	{"token", endOfToken, inToken, "a!z|~0"},
}

// TestScan puts every byte at every place of texts of all short lengths, at all
// offsets to the eight bytes that are looked at together.
func TestScan(t *testing.T) {
	for _, s := range scanners {
		t.Run(s.name, func(t *testing.T) {
			for length := range 41 {
				for at := range length {
					for c := range 256 {
						fill := s.fill[(at+length)%len(s.fill)]
						b := make([]byte, length)
						for i := range b {
							b[i] = fill
						}
						b[at] = byte(c)
						for _, from := range []int{0, at, at / 2, min(at+1, length), length} {
							if got, want := s.scan(b, from), naive(b, from, s.allowed); got != want {
								t.Fatalf("%q from %d: got %d, want %d", b, from, got, want)
							}
						}
					}
				}
			}
		})
	}
}

// TestScanPairs puts every pair of bytes side by side, where a carry of the one
// could change the verdict on the other.
func TestScanPairs(t *testing.T) {
	for _, s := range scanners {
		t.Run(s.name, func(t *testing.T) {
			for at := range 9 {
				for c := range 1 << 16 {
					b := []byte("aaaaaaaaaaaaaaaa")
					b[at], b[at+1] = byte(c), byte(c>>8)
					if got, want := s.scan(b, 0), naive(b, 0, s.allowed); got != want {
						t.Fatalf("%q: got %d, want %d", b, got, want)
					}
				}
			}
		})
	}
}

// TestScanOffsets begins at every place and keeps to the end of the slice, behind
// which the array goes on with what ends a text.
func TestScanOffsets(t *testing.T) {
	for _, s := range scanners {
		array := []byte(strings.Repeat(s.fill, 14)[:80])
		for from := range 40 {
			for length := range 41 {
				b := array[:from+length]
				array[from+length] = '\r'
				if got := s.scan(b, from); got != len(b) {
					t.Errorf("%s: from %d of %d: got %d", s.name, from, len(b), got)
				}
				array[from+length] = s.fill[0]
			}
		}
	}
}

func TestEqualFold(t *testing.T) {
	for c := range 256 {
		for want := byte(0); want < 128; want++ {
			if want >= 'A' && want <= 'Z' {
				continue
			}
			lower := byte(c)
			if lower >= 'A' && lower <= 'Z' {
				lower += 'a' - 'A'
			}
			if got := equalFold([]byte{'A', byte(c)}, string([]byte{'a', want})); got != (lower == want) {
				t.Errorf("%q and %q: got %v", byte(c), want, got)
			}
		}
	}
	if equalFold([]byte("abc"), "ab") || equalFold([]byte("ab"), "abc") || !equalFold(nil, "") {
		t.Error("texts of unequal length are equal")
	}
}

func TestTrim(t *testing.T) {
	for _, text := range []string{"", " ", "\t", " \t ", "a", " a", "a\t", "\t a b \t", "\va\v", "\xa0a"} {
		if got, want := string(trim([]byte(text))), strings.Trim(text, " \t"); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
