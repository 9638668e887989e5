package wsframe

import "unicode/utf8"

// text checks UTF-8 that comes in pieces, as far as it has come. Its zero value is the start.
type text struct {
	held [utf8.UTFMax]byte // the start of a character that goes on in the next piece
	n    uint8
}

// next reports whether p may follow what came before.
func (t *text) next(p []byte) bool {
	for t.n > 0 && len(p) > 0 {
		t.held[t.n] = p[0]
		t.n++
		p = p[1:]
		if !utf8.FullRune(t.held[:t.n]) { // what cannot become a character is full as well
			continue
		}
		if !utf8.Valid(t.held[:t.n]) {
			return false
		}
		t.n = 0
	}
	cut := len(p) - unfinished(p)
	t.n += uint8(copy(t.held[t.n:], p[cut:]))
	return utf8.Valid(p[:cut])
}

// ended reports whether the text may end here.
func (t *text) ended() bool { return t.n == 0 }

// unfinished returns how many bytes at the end of p start a character that may go on.
func unfinished(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if tail := p[len(p)-n:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return n
			}
			return 0
		}
	}
	return 0
}
