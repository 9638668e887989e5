package http2

import (
	"unsafe"

	"golang.org/x/net/http2/hpack"
)

// decoder reads header blocks (RFC 7541).
type decoder struct {
	table   dynamicTable
	allowed int    // what the table may be resized to
	text    []byte // scratch for Huffman codes
	slab    []byte // for strings that no table keeps
	last    entry
}

// slabSize is how much memory for strings is made at a time.
const slabSize = 1 << 10

// Write takes what a Huffman decoder has decoded.
func (d *decoder) Write(p []byte) (int, error) {
	d.text = append(d.text, p...)
	return len(p), nil
}

// decode calls emit for each field of a block. It returns false if the block is
// wrong: the table is out of step then and the connection cannot go on.
func (d *decoder) decode(block []byte, emit func(*entry)) bool {
	begun := false
	if cap(d.text) > 4*slabSize {
		d.text = nil
	}
	for len(block) > 0 {
		var ok bool
		b := block[0]
		switch {
		case b&0x80 != 0:
			var i int
			if i, block, ok = readInt(block, 7); !ok {
				return false
			}
			e := d.at(i)
			if e == nil {
				return false
			}
			emit(e)
		case b&0xc0 == 0x40:
			if d.last, block, ok = d.literal(block, 6, true); !ok {
				return false
			}
			d.table.add(d.last)
			emit(&d.last)
		case b&0xe0 == 0x20:
			var n int
			if n, block, ok = readInt(block, 5); !ok || n > d.allowed || begun {
				return false
			}
			d.table.resize(n)
			continue
		default:
			if d.last, block, ok = d.literal(block, 4, false); !ok {
				return false
			}
			emit(&d.last)
		}
		begun = true
	}
	return true
}

// at returns the entry with an index, nil if there is none.
func (d *decoder) at(i int) *entry {
	switch {
	case i <= 0:
		return nil
	case i <= staticEntries:
		return &staticTable[i]
	case i-staticEntries <= d.table.len():
		return d.table.at(i - staticEntries - 1)
	}
	return nil
}

// literal reads a field whose index has prefix bits. keep says that a table keeps it.
func (d *decoder) literal(block []byte, prefix uint8, keep bool) (e entry, rest []byte, ok bool) {
	i, block, ok := readInt(block, prefix)
	if !ok {
		return e, nil, false
	}
	if i == 0 {
		if e.Name, block, ok = d.readString(block, keep); !ok {
			return e, nil, false
		}
	} else {
		named := d.at(i)
		if named == nil {
			return e, nil, false
		}
		e.Name = named.Name
	}
	if e.Value, block, ok = d.readString(block, keep); !ok {
		return e, nil, false
	}
	e.kind = classify(e.Name, e.Value)
	return e, block, true
}

// readString reads a string literal (RFC 7541, section 5.2).
func (d *decoder) readString(b []byte, keep bool) (s string, rest []byte, ok bool) {
	if len(b) == 0 {
		return "", nil, false
	}
	coded := b[0]&0x80 != 0
	n, b, ok := readInt(b, 7)
	if !ok || n > len(b) {
		return "", nil, false
	}
	text := b[:n]
	if coded {
		d.text = d.text[:0]
		if _, err := hpack.HuffmanDecode(d, text); err != nil {
			return "", nil, false
		}
		text = d.text
	}
	if keep {
		return string(text), b[n:], true
	}
	return d.string(text), b[n:], true
}

// string returns a string that is valid for ever. Those that come together lie
// together.
func (d *decoder) string(b []byte) string {
	n := len(b)
	if n == 0 {
		return ""
	}
	if n > cap(d.slab)-len(d.slab) {
		if n > slabSize/4 {
			return string(b)
		}
		d.slab = make([]byte, 0, slabSize)
	}
	at := len(d.slab)
	d.slab = append(d.slab, b...)
	return unsafe.String(&d.slab[at], n)
}

// readInt reads an integer whose first byte has this many bits of it (RFC 7541,
// section 5.1).
func readInt(b []byte, bits uint8) (n int, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, false
	}
	most := 1<<bits - 1
	n = int(b[0]) & most
	if n < most {
		return n, b[1:], true
	}
	shift := 0
	for i, c := range b[1:] {
		if shift > 21 { // far beyond anything that fits a frame
			return 0, nil, false
		}
		n += int(c&0x7f) << shift
		if c&0x80 == 0 {
			return n, b[i+2:], true
		}
		shift += 7
	}
	return 0, nil, false
}
