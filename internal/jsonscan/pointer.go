package jsonscan

import (
	"strconv"
	"strings"
)

// Pointer returns the JSON pointer (RFC 6901) of the innermost value that byte
// offset of a text belongs to, a name belonging to its value. The text needs to be
// valid only up to there. A pointer that would be longer than 512 bytes ends at a
// value further out: it goes into answers.
func Pointer(data []byte, offset int) string {
	w := walker{Scanner{data: data}, offset, nil}
	w.value(Space(data, 0))
	var b strings.Builder
	for _, part := range w.path {
		if b.Len()+len(part) > longest {
			break
		}
		b.WriteByte('/')
		_, _ = escaped.WriteString(&b, part)
	}
	return b.String()
}

// longest is how long a pointer may be, roughly.
const longest = 512

// maxWalk bounds how deep a pointer may point.
const maxWalk = 10001

var escaped = strings.NewReplacer("~", "~0", "/", "~1")

// walker goes to the value at an offset, in one pass.
type walker struct {
	Scanner
	offset int
	path   []string
}

// value walks over the value at i and returns its end, or -1 if the offset is in
// it, or it is broken: then path is the way to the innermost value.
func (w *walker) value(i int) int {
	if i >= len(w.data) || len(w.path) > maxWalk {
		return -1
	}
	if c := w.data[i]; c != '{' && c != '[' {
		return w.Value(i, 0)
	}
	object := w.data[i] == '{'
	i = Space(w.data, i+1)
	for n := 0; ; n++ {
		if i >= len(w.data) || i > w.offset {
			return -1
		}
		if n == 0 && (w.data[i] == ']' || w.data[i] == '}') {
			return i + 1
		}
		if i = w.member(i, n, object); i < 0 {
			return -1
		}
		if i = Space(w.data, i); i >= len(w.data) || i >= w.offset {
			return -1
		}
		if w.data[i] != ',' {
			return i + 1
		}
		i = Space(w.data, i+1)
	}
}

// member walks over the nth member, which begins at i.
func (w *walker) member(i, n int, object bool) int {
	part := ""
	if object {
		start := i
		if i = w.Text(i); i < 0 || w.data[start] != '"' {
			return -1
		}
		part = string(Unquote(nil, w.data[start+1:i-1]))
		if i = Space(w.data, i); i == len(w.data) || w.data[i] != ':' {
			w.path = append(w.path, part)
			return -1
		}
		i = Space(w.data, i+1)
	} else {
		part = strconv.Itoa(n)
	}
	w.path = append(w.path, part)
	if w.offset < i {
		return -1
	}
	if i = w.value(i); i < 0 || w.offset < i {
		return -1
	}
	w.path = w.path[:len(w.path)-1]
	return i
}
