package wsframe

// window is the end of what went through a compressor or decompressor with context takeover. Its zero
// value is empty; it grows with what is written up to its size.
type window struct{ b []byte }

// write remembers the last size bytes of what it has and p.
func (w *window) write(p []byte, size int) {
	if len(p) >= size {
		w.b = appendBuffer(w.b[:0], p[len(p)-size:])
		return
	}
	if over := len(w.b) + len(p) - size; over > 0 {
		w.b = w.b[:copy(w.b, w.b[over:])]
	}
	w.b = appendBuffer(w.b, p)
}

func (w *window) release() {
	putBuffer(w.b)
	w.b = nil
}

// windowSize is the size for bits of the handshake, of which 0 is 15.
func windowSize(bits uint8) int {
	if bits < 8 || bits > 15 {
		return 32 << 10
	}
	return 1 << bits
}
