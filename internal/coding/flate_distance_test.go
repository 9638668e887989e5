package coding

import "testing"

// farthest decodes raw deflate (RFC 1951) only so far that it knows how far back the
// farthest match reaches.
func farthest(tb testing.TB, p []byte) int {
	tb.Helper()
	r := &bitReader{p: p}
	far := 0
	for r.at/8 < len(p) {
		final := r.bits(1)
		switch kind := r.bits(2); kind {
		case 0:
			r.at = (r.at + 7) &^ 7
			n := r.bits(16)
			r.bits(16)
			r.at += 8 * n
		case 1, 2:
			far = max(far, r.block(kind))
		default:
			tb.Fatal("reserved block")
		}
		if final == 1 {
			break
		}
	}
	return far
}

type bitReader struct {
	p  []byte
	at int
}

func (r *bitReader) bits(n int) (v int) {
	for i := range n {
		if r.at/8 < len(r.p) {
			v |= int(r.p[r.at/8]>>(r.at%8)&1) << i
		}
		r.at++
	}
	return v
}

// code is a Huffman code: symbols by length and bits.
type code map[[2]int]int

func newCode(lengths []int) code {
	c, next := code{}, 0
	for n := 1; n < 16; n++ {
		for sym, l := range lengths {
			if l == n {
				c[[2]int{n, next}] = sym
				next++
			}
		}
		next <<= 1
	}
	return c
}

func (r *bitReader) symbol(c code) int {
	v := 0
	for n := 1; n < 16; n++ {
		v = v<<1 | r.bits(1)
		if sym, ok := c[[2]int{n, v}]; ok {
			return sym
		}
	}
	panic("no such code")
}

func (r *bitReader) codes(kind int) (literals, distances code) {
	if kind == 1 {
		lengths := make([]int, 288)
		for i := range lengths {
			lengths[i] = 8
			if i >= 144 && i < 256 {
				lengths[i] = 9
			} else if i >= 256 && i < 280 {
				lengths[i] = 7
			}
		}
		five := make([]int, 30)
		for i := range five {
			five[i] = 5
		}
		return newCode(lengths), newCode(five)
	}
	nlit, ndist, nlen := r.bits(5)+257, r.bits(5)+1, r.bits(4)+4
	order := []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	small := make([]int, 19)
	for _, i := range order[:nlen] {
		small[i] = r.bits(3)
	}
	c := newCode(small)
	var all []int
	for len(all) < nlit+ndist {
		sym, value, times := r.symbol(c), 0, 1
		switch sym {
		case 16:
			value, times = all[len(all)-1], 3+r.bits(2)
		case 17:
			times = 3 + r.bits(3)
		case 18:
			times = 11 + r.bits(7)
		default:
			value = sym
		}
		for range times {
			all = append(all, value)
		}
	}
	return newCode(all[:nlit]), newCode(all[nlit:])
}

func (r *bitReader) block(kind int) (far int) {
	literals, distances := r.codes(kind)
	for {
		sym := r.symbol(literals)
		switch {
		case sym == 256:
			return far
		case sym < 256:
			continue
		case sym >= 265 && sym < 285:
			r.bits((sym - 261) / 4)
		}
		d := r.symbol(distances)
		if d < 4 {
			far = max(far, d+1)
			continue
		}
		extra := d/2 - 1
		far = max(far, (2+d&1)<<extra+1+r.bits(extra))
	}
}
