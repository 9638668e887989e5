package runtimetest

import (
	"errors"
	"slices"

	"golang.org/x/net/http2/hpack"
)

// qpackEncode writes fields one by one, without a table and without Huffman codes.
func qpackEncode(fields []hpack.HeaderField) []byte {
	out := []byte{0, 0}
	for _, f := range fields {
		out = prefixed(out, 0x20, 3, len(f.Name))
		out = append(out, f.Name...)
		out = prefixed(out, 0, 7, len(f.Value))
		out = append(out, f.Value...)
	}
	return out
}

// prefixed appends an integer behind the flags of its first byte (RFC 7541, section 5.1).
func prefixed(out []byte, flags byte, bits, n int) []byte {
	most := 1<<bits - 1
	if n < most {
		return append(out, flags|byte(n))
	}
	out = append(out, flags|byte(most))
	for n -= most; n >= 128; n >>= 7 {
		out = append(out, byte(n)|128)
	}
	return append(out, byte(n))
}

var errQPACK = errors.New("a field section that cannot be read")

// qpackReader reads a field section that needs no dynamic table.
type qpackReader struct {
	rest []byte
	bad  bool
}

func qpackDecode(block []byte) (fields []field, err error) {
	r := &qpackReader{rest: block}
	if r.integer(8) != 0 || r.integer(7) != 0 { // required insert count, base
		return nil, errQPACK
	}
	for len(r.rest) > 0 && !r.bad {
		fields = append(fields, r.field())
	}
	if r.bad {
		return nil, errQPACK
	}
	return fields, nil
}

func (r *qpackReader) field() field {
	switch b := r.rest[0]; {
	case b&0xc0 == 0xc0: // indexed, static
		return r.static(r.integer(6))
	case b&0xd0 == 0x50: // its name is indexed
		f := r.static(r.integer(4))
		f.value = r.text(7)
		return f
	case b&0xe0 == 0x20: // literal
		name := r.text(3)
		return field{name, r.text(7)}
	}
	r.bad = true
	return field{}
}

func (r *qpackReader) static(i int) field {
	if i >= len(qpackTable) {
		r.bad = true
		return field{}
	}
	return qpackTable[i]
}

func (r *qpackReader) integer(bits int) int {
	if len(r.rest) == 0 {
		r.bad = true
		return 0
	}
	most := 1<<bits - 1
	n := int(r.rest[0]) & most
	r.rest = r.rest[1:]
	if n < most {
		return n
	}
	for shift := 0; len(r.rest) > 0 && shift < 28; shift += 7 {
		b := r.rest[0]
		r.rest = r.rest[1:]
		n += int(b&127) << shift
		if b < 128 {
			return n
		}
	}
	r.bad = true
	return 0
}

// text reads a string with the Huffman flag above its length.
func (r *qpackReader) text(bits int) string {
	coded := len(r.rest) > 0 && r.rest[0]>>bits&1 == 1
	n := r.integer(bits)
	if n > len(r.rest) || r.bad {
		r.bad = true
		return ""
	}
	p := slices.Clone(r.rest[:n])
	r.rest = r.rest[n:]
	if !coded {
		return string(p)
	}
	s, err := hpack.HuffmanDecodeToString(p)
	r.bad = err != nil
	return s
}
