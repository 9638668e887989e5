package msgpack

import (
	"encoding/binary"
	"errors"
	"math"
	"unicode/utf8"
)

// What a body is refused for, as words behind its name.
var (
	errShort    = errors.New("ends too early")
	errMore     = errors.New("has data after its value")
	errReserved = errors.New("has the byte 0xc1, which stands for nothing")
	errDepth    = errors.New("is nested too deeply")
	errElements = errors.New("has an array or a map of too many elements")
	errTwice    = errors.New("has a key twice in one map")
	errUTF8     = errors.New("has text that is not UTF-8")
	errFinite   = errors.New("has a number that is not finite")
	errKey      = errors.New("has a map with a key that is no text")
)

// checker goes through a body without building values.
type checker struct {
	data        []byte
	pos         int
	maxDepth    int
	maxElements int
	values      int64 // in arrays and maps
	large       bool  // there is a number that not every type of 64 bits has
	otherKeys   bool  // there are keys that are no text
}

// check refuses what is not one value within the limits, or not one for v.
func (c Codec) check(data []byte, v any) error {
	k := checker{data: data, maxDepth: c.MaxDepth, maxElements: c.MaxElements}
	if k.maxDepth <= 0 {
		k.maxDepth = DefaultMaxDepth
	}
	k.maxDepth = min(k.maxDepth, deepest-1)
	if k.maxElements <= 0 {
		k.maxElements = DefaultMaxElements
	}
	if err := k.value(0); err != nil {
		return err
	}
	if k.pos < len(data) {
		return errMore
	}
	return k.fits(v)
}

// kind is what the first byte of a value announces.
type kind uint8

const (
	fixed   kind = iota // of a size
	text                // of a length
	content             // bytes, or an extension, of a length
	array
	mapping
	reserved
)

// head takes the first byte of a value and its length, if it has one.
func (k *checker) head() (kind, int, error) {
	if k.pos == len(k.data) {
		return 0, 0, errShort
	}
	b := k.data[k.pos]
	k.pos++
	switch {
	case b <= 0x7f, b >= 0xe0, b == 0xc0, b == 0xc2, b == 0xc3:
		return fixed, 0, nil
	case b <= 0x8f:
		return mapping, int(b & 0x0f), nil
	case b <= 0x9f:
		return array, int(b & 0x0f), nil
	case b <= 0xbf:
		return text, int(b & 0x1f), nil
	case b == 0xc1:
		return reserved, 0, errReserved
	case b <= 0xc6:
		return k.sized(content, 1<<(b-0xc4), 0)
	case b <= 0xc9:
		return k.sized(content, 1<<(b-0xc7), 1)
	case b <= 0xcb:
		return fixed, 4 << (b - 0xca), nil
	case b <= 0xcf:
		return fixed, 1 << (b - 0xcc), nil
	case b <= 0xd3:
		return fixed, 1 << (b - 0xd0), nil
	case b <= 0xd8:
		return fixed, 1 + 1<<(b-0xd4), nil
	case b <= 0xdb:
		return k.sized(text, 1<<(b-0xd9), 0)
	case b <= 0xdd:
		return k.sized(array, 2<<(b-0xdc), 0)
	}
	return k.sized(mapping, 2<<(b-0xde), 0)
}

// sized takes a length of so many bytes, and counts more that belong to it.
func (k *checker) sized(of kind, bytes, more int) (kind, int, error) {
	if len(k.data)-k.pos < bytes {
		return of, 0, errShort
	}
	var word [4]byte
	copy(word[4-bytes:], k.data[k.pos:k.pos+bytes])
	k.pos += bytes
	n := int64(binary.BigEndian.Uint32(word[:])) + int64(more)
	if n > int64(len(k.data)) {
		if of == array || of == mapping {
			return of, 0, errElements
		}
		return of, 0, errShort
	}
	return of, int(n), nil
}

func (k *checker) value(depth int) error {
	start := k.pos
	of, n, err := k.head()
	if err != nil {
		return err
	}
	switch of {
	case array, mapping:
		if depth++; depth > k.maxDepth {
			return errDepth
		}
		if n > k.maxElements {
			return errElements
		}
		k.values += int64(n)
		if of == mapping {
			k.values += int64(n)
			return k.pairs(n, depth)
		}
		for range n {
			if err := k.value(depth); err != nil {
				return err
			}
		}
		return nil
	}
	if len(k.data)-k.pos < n {
		return errShort
	}
	k.pos += n
	switch first := k.data[start]; {
	case of == text && !utf8.Valid(k.data[k.pos-n:k.pos]):
		return errUTF8
	case first == 0xca || first == 0xcb || first == 0xcf && k.data[start+1] >= 0x80:
		return k.number(k.data[start:k.pos])
	}
	return nil
}

// number refuses a float that is no number, and notes a large one.
func (k *checker) number(value []byte) error {
	x, _ := numberOf(value)
	if !x.whole && (math.IsNaN(x.float) || math.IsInf(x.float, 0)) {
		return errFinite
	}
	k.large = k.large || x.isLarge()
	return nil
}

// few is up to how many keys are compared one by one.
const few = 16

// pairs goes through a map. Keys are the same if their bytes are, for text and bytes
// if what they hold is, whatever the length takes, and for numbers if their value is.
func (k *checker) pairs(n, depth int) error {
	var first [few]string
	var seen map[string]struct{}
	for i := range n {
		key, err := k.key(depth)
		if err != nil {
			return err
		}
		if i < few {
			for _, other := range first[:i] {
				if other == key {
					return errTwice
				}
			}
			first[i] = key
		} else {
			if seen == nil {
				seen = make(map[string]struct{}, few)
				for _, other := range first {
					seen[other] = struct{}{}
				}
			}
			if _, twice := seen[key]; twice {
				return errTwice
			}
			seen[key] = struct{}{}
		}
		if err := k.value(depth); err != nil {
			return err
		}
	}
	return nil
}

// key takes a key, and returns what tells it from others.
func (k *checker) key(depth int) (string, error) {
	start := k.pos
	of, n, err := k.head()
	if err != nil {
		return "", err
	}
	if of == text || of == content && k.data[start] <= 0xc6 {
		start = k.pos
		if len(k.data)-k.pos < n {
			return "", errShort
		}
		k.pos += n
		key := string(k.data[start:k.pos])
		k.otherKeys = k.otherKeys || of != text
		if of == text && !utf8.ValidString(key) {
			return "", errUTF8
		}
		return "=" + key, nil
	}
	k.pos, k.otherKeys = start, true
	if err := k.value(depth); err != nil {
		return "", err
	}
	if x, ok := numberOf(k.data[start:k.pos]); ok {
		return x.String(), nil
	}
	return string(k.data[start:k.pos]), nil
}
