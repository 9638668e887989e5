package jsonscan

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"
)

// few is up to how many names of an object are compared one by one as they come.
// More are sorted when the object ends.
const few = 16

// kept is how many names may stay with a scanner that rests.
const kept = 1 << 10

// nameSet holds the names of the objects that are open, those of the innermost
// last.
type nameSet struct {
	seed    maphash.Seed
	seeded  bool
	list    []name
	scratch []byte
}

// name is one with its quotes.
type name struct {
	hash       uint64
	start, end int
}

func (n *nameSet) reset() {
	if cap(n.list) > kept {
		n.list = nil
	}
	n.list = n.list[:0]
}

// open begins an object and returns its mark.
func (n *nameSet) open() int { return len(n.list) }

// add takes the name data[start:end] of the innermost object. It reports false if
// it sees that the object has it already; [nameSet.close] sees the rest.
func (n *nameSet) add(mark int, data []byte, start, end int) bool {
	if !n.seeded {
		n.seed, n.seeded = maphash.MakeSeed(), true
	}
	text := n.plain(data[start+1 : end-1])
	next := name{maphash.Bytes(n.seed, text), start, end}
	own := n.list[mark:]
	if len(own) < few {
		for i := range own {
			if own[i].hash == next.hash && n.equal(own[i], next, data) {
				return false
			}
		}
	}
	n.list = append(n.list, next)
	return true
}

// plain returns the text of a name without escapes.
func (n *nameSet) plain(text []byte) []byte {
	if bytes.IndexByte(text, '\\') < 0 {
		return text
	}
	n.scratch = Unquote(n.scratch[:0], text)
	return n.scratch
}

func (n *nameSet) equal(a, b name, data []byte) bool {
	x, y := data[a.start+1:a.end-1], data[b.start+1:b.end-1]
	if bytes.Equal(x, y) {
		return true
	}
	if bytes.IndexByte(x, '\\') < 0 && bytes.IndexByte(y, '\\') < 0 {
		return false
	}
	return bytes.Equal(Unquote(nil, x), Unquote(nil, y))
}

// close ends the innermost object. It returns where a name stands that the object
// has twice, -1 if there is none.
func (n *nameSet) close(mark int, data []byte) int {
	own := n.list[mark:]
	n.list = n.list[:mark]
	if len(own) <= few {
		return -1
	}
	slices.SortFunc(own, func(a, b name) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.start, b.start))
	})
	first := -1
	for i := 1; i < len(own); i++ {
		if own[i].hash == own[i-1].hash && n.equal(own[i-1], own[i], data) && (first < 0 || own[i].start < first) {
			first = own[i].start
		}
	}
	return first
}
