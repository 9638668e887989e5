package tako

// Key names a value of type T that middleware leaves for handlers further in.
// Make one with [NewKey] as a package variable.
type Key[T any] struct{ id *keyID }

type keyID struct{ name string }

type value struct {
	key *keyID
	v   any
}

// NewKey returns a new key. Two keys are never the same, whatever their names.
func NewKey[T any](name string) Key[T] { return Key[T]{&keyID{name}} }

// String returns the name of the key.
func (k Key[T]) String() string { return k.id.name }

// Get returns the value of this request, and whether there is one.
func (k Key[T]) Get(c *Context) (T, bool) {
	c.live()
	for i := range c.values {
		if c.values[i].key == k.id {
			v, _ := c.values[i].v.(T) // a nil interface is no T
			return v, true
		}
	}
	var zero T
	return zero, false
}

// Set sets the value for this request.
func (k Key[T]) Set(c *Context, v T) {
	c.live()
	for i := range c.values {
		if c.values[i].key == k.id {
			c.values[i].v = v
			return
		}
	}
	c.values = append(c.values, value{k.id, v})
}

// On attaches a value to an operation, for packages that describe routes.
func (k Key[T]) On(op *Operation, v T) {
	for i := range op.values {
		if op.values[i].key == k.id {
			op.values[i].v = v
			return
		}
	}
	op.values = append(op.values, value{k.id, v})
}

// Of returns the value attached to an operation, and whether there is one.
func (k Key[T]) Of(op *Operation) (T, bool) {
	for i := range op.values {
		if op.values[i].key == k.id {
			v, _ := op.values[i].v.(T)
			return v, true
		}
	}
	var zero T
	return zero, false
}
