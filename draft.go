package tako

import (
	"errors"
	"math"
	"strings"
)

// A draft is a tree to which routes are added. compact makes the tree of it.
type draft struct {
	prefix  string
	index   string
	literal []*draft
	param   *draft
	leaf    *leaf
	rest    *leaf
}

// insert returns the leaf for the pattern, new if it was not there.
func (n *draft) insert(parts []part) *leaf {
	for _, p := range parts {
		switch {
		case p.rest:
			if n.rest == nil {
				n.rest = new(leaf)
			}
			return n.rest
		case p.param != "":
			if n.param == nil {
				n.param = new(draft)
			}
			n = n.param
		default:
			n = n.child(p.literal)
		}
	}
	if n.leaf == nil {
		n.leaf = new(leaf)
	}
	return n.leaf
}

// child returns the node behind literal, splitting nodes as needed.
func (n *draft) child(literal string) *draft {
	for literal != "" {
		i := strings.IndexByte(n.index, literal[0])
		if i < 0 {
			next := &draft{prefix: literal}
			n.index += literal[:1]
			n.literal = append(n.literal, next)
			return next
		}
		next := n.literal[i]
		common := commonPrefix(next.prefix, literal)
		if common < len(next.prefix) {
			upper := &draft{prefix: next.prefix[:common], index: next.prefix[common : common+1], literal: []*draft{next}}
			next.prefix = next.prefix[common:]
			n.literal[i] = upper
			next = upper
		}
		n, literal = next, literal[common:]
	}
	return n
}

func commonPrefix(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return i
}

// add puts r among the routes of the leaf.
func (l *leaf) add(r *route) {
	if l.first == nil {
		l.method, l.first = r.method, r
		return
	}
	l.more = append(l.more, r)
}

// compact returns the finished tree: siblings side by side, and behind them what
// follows each, so that the way to one route lies close together.
func (n *draft) compact() (tree, error) {
	t := tree{nodes: make([]node, 1), leaves: make([]leaf, 1)}
	text, jumps := texts{at: map[string]uint32{}}, texts{at: map[string]uint32{}}
	n.place(&t, 0, &text, &jumps)
	t.text, t.jumps = text.all.String(), jumps.all.String()
	if len(t.text) > math.MaxUint32 || len(t.nodes) > math.MaxUint32 {
		return tree{}, errors.New("too many routes")
	}
	return t, nil
}

// texts is the text of a tree, each piece once: that of many routes stays close.
type texts struct {
	all strings.Builder
	at  map[string]uint32
}

func (t *texts) add(s string) uint32 {
	at, ok := t.at[s]
	if !ok {
		at = uint32(t.all.Len())
		t.all.WriteString(s)
		t.at[s] = at
	}
	return at
}

// jump returns the lowest byte that a literal begins with, and for each byte from
// there to the highest which literal that is, counted from 1.
func (n *draft) jump() (low byte, jump string) {
	if n.index == "" {
		return 0, ""
	}
	low, high := n.index[0], n.index[0]
	for i := range len(n.index) {
		low, high = min(low, n.index[i]), max(high, n.index[i])
	}
	table := make([]byte, int(high-low)+1)
	for i := range len(n.index) {
		table[n.index[i]-low] = byte(i + 1)
	}
	return low, string(table)
}

// place puts n at its number and what follows it behind.
func (n *draft) place(t *tree, at int, text, jumps *texts) {
	place := func(l *leaf) uint32 {
		if l == nil {
			return 0
		}
		t.leaves = append(t.leaves, *l)
		return uint32(len(t.leaves) - 1)
	}
	first := len(t.nodes)
	t.nodes = append(t.nodes, make([]node, len(n.literal))...)
	placed := &t.nodes[at]
	placed.leaf, placed.rest = place(n.leaf), place(n.rest)
	placed.literal = uint32(first)
	if low, jump := n.jump(); jump != "" {
		placed.low, placed.span, placed.jump = low, uint8(len(jump)), jumps.add(jump)
	}
	for i, child := range n.literal {
		sibling := &t.nodes[first+i]
		sibling.prefix, sibling.prefixLen = text.add(child.prefix), uint16(len(child.prefix))
	}
	for i, child := range n.literal {
		child.place(t, first+i, text, jumps)
	}
	if n.param != nil {
		t.nodes = append(t.nodes, node{})
		t.nodes[at].param = uint32(len(t.nodes) - 1)
		n.param.place(t, len(t.nodes)-1, text, jumps)
	}
}
