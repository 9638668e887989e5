package fastjson

// maxDepth is how deep a value that is skipped may be nested.
const maxDepth = 64

// skip takes a value that nobody wants. It has to be valid all the same.
func (d *decoder) skip(depth int) bool {
	switch c := d.next(); c {
	case '"':
		end, ok := stringEnd(d.data, d.pos+1)
		d.pos = end + 1
		return ok
	case '{', '[':
		d.pos++
		return depth < maxDepth && d.skipList(c, depth)
	case 't':
		return d.word("true")
	case 'f':
		return d.word("false")
	case 'n':
		return d.word("null")
	}
	return d.number()
}

// skipList takes the rest of an object or array.
func (d *decoder) skipList(open byte, depth int) bool {
	end := open + 2 // the closing bracket
	if d.next() == end {
		d.pos++
		return true
	}
	for {
		if open == '{' {
			if d.next() != '"' || !d.skip(depth) || d.next() != ':' {
				return false
			}
			d.pos++
		}
		if !d.skip(depth + 1) {
			return false
		}
		c := d.next()
		d.pos++
		if c != ',' {
			return c == end
		}
	}
}
