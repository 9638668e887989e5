package fastjson

import (
	"cmp"
	"slices"

	"github.com/tako-go/tako/internal/jsonscan"
)

// extent is where an array or object begins and ends. They let a union be told by
// a member behind others without going through those each time: unions may lie in
// each other.
type extent struct{ start, end int }

// variant returns the value of the discriminator of the object at i, and whether it
// has one that is a string.
func (n *naming) variant(discriminator string, i int) (kind string, told bool) {
	if i >= n.measured {
		n.extents, n.measured = measure(n.extents[:0], n.data, i)
	}
	i, more := n.begin(i)
	for more {
		name, value := n.name(i)
		tells := string(name) == discriminator
		value = jsonscan.Space(n.data, value)
		end := n.past(value)
		switch {
		case tells && n.data[value] == '"':
			n.scratch = jsonscan.Unquote(n.scratch[:0], n.data[value+1:end-1])
			kind, told = string(n.scratch), true
		case tells:
			kind, told = "", false
		}
		i, more = n.next(end)
	}
	return kind, told
}

// past returns the end of the value at i.
func (n *naming) past(i int) int {
	if c := n.data[i]; c != '{' && c != '[' {
		return n.skip(i)
	}
	k, _ := slices.BinarySearchFunc(n.extents, i, func(e extent, i int) int { return cmp.Compare(e.start, i) })
	return n.extents[k].end
}

// measure returns the extents in the object or array at start of a valid text, in
// order, and where it ends.
func measure(list []extent, data []byte, start int) (all []extent, end int) {
	var open []int // indices of list
	for i := start; ; i++ {
		switch data[i] {
		case '"':
			for i++; data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			open = append(open, len(list))
			list = append(list, extent{start: i})
		case '}', ']':
			list[open[len(open)-1]].end = i + 1
			if open = open[:len(open)-1]; len(open) == 0 {
				return list, i + 1
			}
		}
	}
}
