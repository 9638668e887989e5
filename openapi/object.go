package openapi

import "github.com/tako-go/tako/internal/schema"

// object is a JSON object whose members keep their order.
type object = schema.Object

// setText sets a member unless it is empty.
func setText(o *object, name, value string) {
	if value != "" {
		o.Set(name, value)
	}
}

// setSome sets a member unless it is an object without members.
func setSome(o *object, name string, value *object) {
	if value.Len() > 0 {
		o.Set(name, value)
	}
}

// child returns the object that is the member of this name, made if there is none.
func child(o *object, name string) *object {
	if c, ok := o.Get(name).(*object); ok {
		return c
	}
	c := new(object)
	o.Set(name, c)
	return c
}

func ref(to string) *object { return new(object).Set("$ref", to) }
