package openapi

import (
	"reflect"
	"slices"
)

const (
	mergeType = "application/merge-patch+json"
	patchType = "application/json-patch+json"
)

// patch is the schema of a change to a value of type t, nil for a media type that
// is no patch.
func (b *builder) patch(t reflect.Type, media string) *object {
	switch media {
	case patchType:
		return patchSchema()
	case mergeType:
		s, _ := b.compiler.For(t, "")
		return b.use(s, func(*object) *object { return mergeSchema(s.Definition(nil)) })
	}
	return nil
}

// mergeSchema makes the schema of a value, written out, that of a JSON Merge Patch of
// it (RFC 7396): each member may be left out, down to the innermost object, and null
// removes one that is not required. Items of a list are given as a whole.
func mergeSchema(whole *object) *object {
	o := new(object).Set("type", "object").Set("description", "The members to change; null removes one.")
	members, _ := whole.Get("properties").(*object)
	if members == nil {
		return o
	}
	required, _ := whole.Get("required").([]any)
	changes := new(object)
	for name, value := range members.All() {
		change := mergeMember(value)
		if !slices.Contains(required, any(name)) {
			change = new(object).Set("anyOf", []any{change, new(object).Set("type", "null")})
		}
		changes.Set(name, change)
	}
	return o.Set("properties", changes)
}

// mergeMember is mergeSchema for objects, and the schema itself for all else.
func mergeMember(value any) any {
	o, ok := value.(*object)
	if !ok {
		return value
	}
	if _, ok := o.Get("properties").(*object); ok {
		return mergeSchema(o)
	}
	choices, ok := o.Get("anyOf").([]any)
	if !ok {
		return value
	}
	list := make([]any, len(choices))
	for i := range choices {
		list[i] = mergeMember(choices[i])
	}
	return new(object).Set("anyOf", list)
}

// patchSchema is that of a JSON Patch (RFC 6902).
func patchSchema() *object {
	pointer := new(object).Set("type", "string").Set("format", "json-pointer")
	step := func(member string, value *object, ops ...string) *object {
		required := []string{"op", "path"}
		properties := new(object).
			Set("op", new(object).Set("type", "string").Set("enum", ops)).
			Set("path", pointer)
		if member != "" {
			required = append(required, member)
			properties.Set(member, value)
		}
		return new(object).Set("type", "object").Set("required", required).Set("properties", properties)
	}
	return new(object).Set("type", "array").Set("items", new(object).Set("oneOf", []*object{
		step("value", new(object), "add", "replace", "test"),
		step("from", pointer, "move", "copy"),
		step("", nil, "remove"),
	}))
}
