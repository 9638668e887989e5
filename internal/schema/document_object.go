package schema

// dictionary writes a map.
func (w *writer) dictionary(o *Object, s *Schema) {
	o.Set("type", "object")
	names := w.schema(s.keys, false)
	if names.Get("type") == "string" && names.Len() == 1 {
		names = new(Object)
	}
	if names.Len() > 0 {
		o.Set("propertyNames", names)
	}
	o.Set("additionalProperties", w.schema(s.elem, false))
}

// object writes a struct; extra is a member that it has beside its fields, or that
// replaces one.
func (w *writer) object(o *Object, t *object, extra func(properties *Object, required []any) []any) {
	o.merge(&t.words)
	o.Set("type", "object")
	properties, required, dependent := new(Object), []any(nil), new(Object)
	for i := range t.fields {
		f := &t.fields[i]
		properties.Set(f.name, w.schema(f.schema, false))
		if f.required {
			required = append(required, f.name)
		}
		if len(f.dependent) > 0 {
			dependent.Set(f.name, texts(f.dependent))
		}
	}
	if extra != nil {
		required = extra(properties, required)
	}
	if properties.Len() > 0 {
		o.Set("properties", properties)
	}
	if required != nil {
		o.Set("required", required)
	}
	if dependent.Len() > 0 {
		o.Set("dependentRequired", dependent)
	}
	if t.minMembers > 0 {
		o.Set("minProperties", t.minMembers)
	}
	if t.maxMembers >= 0 {
		o.Set("maxProperties", t.maxMembers)
	}
	if t.closed {
		o.Set("additionalProperties", false)
	}
}

func texts(names []string) []any {
	out := make([]any, len(names))
	for i, name := range names {
		out[i] = name
	}
	return out
}

// union writes oneOf, with a mapping where variants are components.
func (w *writer) union(o *Object, s *Schema) {
	u, oneOf, mapping := s.union, []any{}, new(Object)
	for i := range u.variants {
		v := &u.variants[i]
		written := w.variant(s, v)
		oneOf = append(oneOf, written)
		if ref := written.Get("$ref"); ref != nil {
			mapping.Set(v.name, ref)
		}
	}
	discriminator := new(Object).Set("propertyName", u.discriminator)
	if mapping.Len() > 0 {
		discriminator.Set("mapping", mapping)
	}
	o.Set("type", "object").Set("oneOf", oneOf).Set("discriminator", discriminator)
}

// variant writes one of a union: the reference alone if the type itself wants its
// discriminator, else with the discriminator beside it. A type that takes no further
// members has it inside, as a component that is only for the union: tools that go by the
// discriminator pass over what is no reference.
func (w *writer) variant(s *Schema, v *variant) *Object {
	if v.tells {
		return w.schema(v.schema, false)
	}
	if v.schema.object.closed && !v.declared || !v.schema.Named() || w.ref == nil {
		if w.part != nil {
			if ref := w.part(s, v); ref != "" {
				return new(Object).Set("$ref", ref)
			}
		}
		return w.whole(s.union, v)
	}
	return new(Object).Set("$ref", w.ref(v.schema.typ)).
		Set("properties", new(Object).Set(s.union.discriminator, constant(v))).
		Set("required", []any{s.union.discriminator})
}

// whole writes a variant out with its discriminator inside.
func (w *writer) whole(u *union, v *variant) *Object {
	o := new(Object)
	w.object(o, v.schema.object, func(properties *Object, required []any) []any {
		properties.Set(u.discriminator, constant(v))
		return append(required, u.discriminator)
	})
	return o
}

// constant is the schema of the discriminator of a variant.
func constant(v *variant) *Object {
	return new(Object).Set("type", "string").Set("const", v.name)
}
