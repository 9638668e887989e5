package ascii

import "iter"

// ListItems yields the members of a comma-separated field value without the white space
// around them; empty ones are skipped (RFC 9110, section 5.6.1).
func ListItems(value string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for value != "" {
			end := itemEnd(value)
			item, rest := value[:end], value[min(end+1, len(value)):]
			if item = Trim(item); item != "" && !yield(item) {
				return
			}
			value = rest
		}
	}
}

// itemEnd returns where the first comma outside a quoted string is.
func itemEnd(value string) int {
	quoted := false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == ',' && !quoted:
			return i
		}
	}
	return len(value)
}
