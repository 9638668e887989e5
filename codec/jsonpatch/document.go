package jsonpatch

import (
	"errors"
	"slices"
	"strconv"

	"github.com/tako-go/tako"
)

// Why an operation does not fit.
var (
	errNoPath = errors.New("jsonpatch: a path does not exist")
	errTest   = errors.New("jsonpatch: a test has failed")
	errCopied = errors.New("jsonpatch: too much is copied")
	errMoved  = errors.New("jsonpatch: too many elements are moved")
	errDeep   = errors.New("jsonpatch: too many values lie in each other")
)

// maxMoved is how many elements of lists may be moved by what is put before them
// or taken away: some tenths of a second.
const maxMoved = 64 << 20

// document is a JSON text as values, with numbers as they are written.
type document struct {
	root   any
	copied int // bytes of JSON
	moved  int // elements of lists
}

// apply carries out one operation (RFC 6902, section 4).
func (d *document) apply(op *operation) error {
	switch op.op {
	case "add":
		return d.add(op.path, clone(op.value))
	case "remove":
		_, err := d.remove(op.path)
		return err
	case "replace":
		return d.replace(op.path, clone(op.value))
	case "move":
		return d.move(op.from, op.path)
	case "copy":
		return d.copy(op.from, op.path)
	}
	v, err := get(d.root, op.path)
	if err == nil && !equal(v, op.value) {
		err = errTest
	}
	return err
}

// add puts a value at a path, before what a list has there.
func (d *document) add(path []string, v any) error {
	return d.change(path, func(parent any, token string) (any, error) {
		switch p := parent.(type) {
		case map[string]any:
			p[token] = v
			return p, nil
		case []any:
			i, ok := index(token, len(p)+1)
			if token == "-" {
				i, ok = len(p), true
			}
			if d.moved += len(p) - i; ok && d.moved > maxMoved {
				return nil, errMoved
			}
			if ok {
				return slices.Insert(p, i, v), nil
			}
		}
		return nil, errNoPath
	}, v)
}

// replace puts a value in the place of one that is there.
func (d *document) replace(path []string, v any) error {
	return d.change(path, func(parent any, token string) (any, error) {
		_, err := get(parent, []string{token})
		if err != nil {
			return nil, err
		}
		return with(parent, token, v), nil
	}, v)
}

// remove takes the value at a path away and returns it. The whole document cannot
// be removed.
func (d *document) remove(path []string) (removed any, err error) {
	if len(path) == 0 {
		return nil, errNoPath
	}
	err = d.change(path, func(parent any, token string) (any, error) {
		if removed, err = get(parent, []string{token}); err != nil {
			return nil, err
		}
		switch p := parent.(type) {
		case map[string]any:
			delete(p, token)
		case []any:
			i, _ := index(token, len(p))
			if d.moved += len(p) - i; d.moved > maxMoved {
				return nil, errMoved
			}
			return slices.Delete(p, i, i+1), nil
		}
		return parent, nil
	}, nil)
	return removed, err
}

// move does not put a value into itself.
func (d *document) move(from, to []string) error {
	if _, err := get(d.root, from); err != nil || slices.Equal(from, to) {
		return err
	}
	if len(from) < len(to) && slices.Equal(from, to[:len(from)]) {
		return errNoPath
	}
	v, err := d.remove(from)
	if err != nil {
		return err
	}
	return d.add(to, v)
}

func (d *document) copy(from, to []string) error {
	v, err := get(d.root, from)
	if err != nil {
		return err
	}
	if deeper(v, tako.DefaultJSONDepth) {
		return errDeep
	}
	text, err := encode(v)
	if err != nil {
		return err
	}
	if d.copied += len(text); d.copied > MaxCopied {
		return errCopied
	}
	return d.add(to, clone(v))
}

// change puts what f makes of the parent of a path in its place; whole is the new
// document if the path has no parent.
func (d *document) change(path []string, f func(parent any, token string) (any, error), whole any) error {
	if len(path) == 0 {
		d.root = whole
		return nil
	}
	root, err := changed(d.root, path, f)
	if err == nil {
		d.root = root
	}
	return err
}

func changed(at any, path []string, f func(parent any, token string) (any, error)) (any, error) {
	if len(path) == 1 {
		return f(at, path[0])
	}
	child, err := get(at, path[:1])
	if err != nil {
		return nil, err
	}
	if child, err = changed(child, path[1:], f); err != nil {
		return nil, err
	}
	return with(at, path[0], child), nil
}

// with sets a member or element that is there.
func with(parent any, token string, v any) any {
	switch p := parent.(type) {
	case map[string]any:
		p[token] = v
	case []any:
		i, _ := index(token, len(p))
		p[i] = v
	}
	return parent
}

// get returns the value at a path below v.
func get(v any, path []string) (any, error) {
	for _, token := range path {
		ok := false
		switch at := v.(type) {
		case map[string]any:
			v, ok = at[token]
		case []any:
			var i int
			if i, ok = index(token, len(at)); ok {
				v = at[i]
			}
		}
		if !ok {
			return nil, errNoPath
		}
	}
	return v, nil
}

// index reads an index below end as RFC 6901, section 4, has it: digits without a
// sign or leading zeros.
func index(token string, end int) (int, bool) {
	i, err := strconv.Atoi(token)
	return i, err == nil && i >= 0 && i < end && strconv.Itoa(i) == token
}

// clone returns a copy that shares nothing that can be changed.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		to := make(map[string]any, len(v))
		for name, member := range v {
			to[name] = clone(member)
		}
		return to
	case []any:
		to := make([]any, len(v))
		for i := range v {
			to[i] = clone(v[i])
		}
		return to
	}
	return v
}

// deeper reports more than limit arrays and objects in each other. Operations can
// make more than a stack has room for.
func deeper(v any, limit int) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			if limit == 0 || deeper(member, limit-1) {
				return true
			}
		}
	case []any:
		for _, item := range v {
			if limit == 0 || deeper(item, limit-1) {
				return true
			}
		}
	}
	return false
}
