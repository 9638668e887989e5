package soak

import (
	"encoding/binary"
	"fmt"
	"io"
)

// pattern is the body that belongs to a number: no two are alike, and no part of
// one is like another part.
type pattern struct {
	n     uint64
	at    int64
	size  int64
	wrong bool // compare has met a byte that does not belong to it
}

func newPattern(n uint64, size int64) *pattern { return &pattern{n: n, size: size} }

// Read fills p with what comes next.
func (b *pattern) Read(p []byte) (int, error) {
	if b.at == b.size {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), b.size-b.at)]
	var word [8]byte
	for i := 0; i < len(p); {
		off := b.at + int64(i)
		binary.LittleEndian.PutUint64(word[:], (b.n+1)*0x9e3779b97f4a7c15+uint64(off>>3)*0xbf58476d1ce4e5b9)
		i += copy(p[i:], word[off&7:])
	}
	b.at += int64(len(p))
	return len(p), nil
}

// compare reads r to its end, which has to be the pattern.
func (b *pattern) compare(r io.Reader) error {
	got, want := make([]byte, 16<<10), make([]byte, 16<<10)
	for {
		n, err := r.Read(got)
		if int64(n) > b.size-b.at {
			b.wrong = true
			return fmt.Errorf("body of %d: more than %d bytes", b.n, b.size)
		}
		at := b.at
		_, _ = io.ReadFull(b, want[:n])
		for i := range n {
			if got[i] != want[i] {
				b.wrong = true
				return fmt.Errorf("body of %d: byte %d of %d is wrong", b.n, at+int64(i), b.size)
			}
		}
		switch {
		case err == io.EOF && b.at < b.size:
			b.wrong = true
			return fmt.Errorf("body of %d: ends at %d of %d bytes", b.n, b.at, b.size)
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("body of %d: at %d of %d bytes: %w", b.n, b.at, b.size, err)
		}
	}
}
