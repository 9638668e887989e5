package jsonpatch

import (
	"encoding/json"
	"errors"
	"strings"
)

// operation is one of a JSON Patch.
type operation struct {
	op         string
	path, from []string
	value      any
}

// readOperation checks what RFC 6902, section 4, wants of one.
func readOperation(text []byte) (o operation, err error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil || members == nil {
		return o, errors.New("it is no object")
	}
	var ok bool
	if o.op, ok = member(members, "op"); !ok {
		return o, errors.New("it has no op")
	}
	path, ok := member(members, "path")
	if !ok || !isPointer(path) {
		return o, errors.New("its path is no JSON pointer")
	}
	o.path = tokens(path)
	switch o.op {
	case "add", "replace", "test":
		value, ok := members["value"]
		if !ok {
			return o, errors.New("it has no value")
		}
		o.value, err = tree(value)
	case "move", "copy":
		from, ok := member(members, "from")
		if !ok || !isPointer(from) {
			return o, errors.New("its from is no JSON pointer")
		}
		o.from = tokens(from)
	case "remove":
	default:
		return o, errors.New("its op is not known")
	}
	return o, err
}

// member returns one that is text.
func member(members map[string]json.RawMessage, name string) (string, bool) {
	var text *string
	if json.Unmarshal(members[name], &text) != nil || text == nil {
		return "", false
	}
	return *text, true
}

// tokens splits a pointer, and has none for that of the whole document.
func tokens(pointer string) []string {
	list := strings.Split(pointer, "/")[1:]
	for i := range list {
		list[i] = unescape.Replace(list[i])
	}
	return list
}

var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// isPointer checks the syntax of RFC 6901, section 3.
func isPointer(text string) bool {
	if text != "" && text[0] != '/' {
		return false
	}
	for {
		_, rest, escaped := strings.Cut(text, "~")
		if !escaped {
			return true
		}
		if rest == "" || rest[0] != '0' && rest[0] != '1' {
			return false
		}
		text = rest
	}
}
