package byterange

// Resolve returns the parts of content with size bytes that specs ask for, in their
// order; none with ok for all of it, without ranges. Parts that overlap or touch are joined where
// the first of them stands, so that no byte is sent twice (RFC 9110, section
// 15.3.7.2). ok is false if nothing that is asked for is within the content: 416.
func Resolve(specs []Spec, size int64) (parts []Part, ok bool) {
	if len(specs) == 0 || size <= 0 && !startBeyond(specs, size) {
		return nil, true
	}
	for _, spec := range specs {
		if part, ok := spec.Within(size); ok {
			parts = join(parts, part)
		}
	}
	return parts, len(parts) > 0
}

// join adds p to parts, of which no two touch.
func join(parts []Part, p Part) []Part {
	at := -1
	kept := parts[:0]
	for _, q := range parts {
		if p.Start > q.Start+q.Length || q.Start > p.Start+p.Length {
			kept = append(kept, q)
			continue
		}
		if at < 0 {
			at = len(kept)
			kept = append(kept, q)
		}
		end := max(p.Start+p.Length, q.Start+q.Length)
		p.Start = min(p.Start, q.Start)
		p.Length = end - p.Start
	}
	if at < 0 {
		return append(kept, p)
	}
	kept[at] = p
	return kept
}

// startBeyond reports whether all specs begin behind content that is empty: its
// last bytes can be asked for, but nothing else.
func startBeyond(specs []Spec, size int64) bool {
	for _, spec := range specs {
		if size < 0 || spec.First < 0 && spec.Last > 0 {
			return false
		}
	}
	return true
}
