package schema

// settle finds the traits of the schemas that were made. They depend on each other in
// circles where types are recursive, so it goes round until nothing changes.
func (c *Compiler) settle() {
	for _, s := range c.fresh {
		s.traits = s.ownTraits()
	}
	for changed := true; changed; {
		changed = false
		for _, s := range c.fresh {
			before := s.traits
			s.children(func(child *Schema) {
				s.ruled = s.ruled || child.ruled
				s.rawful = s.rawful || child.rawful
				s.inner = s.inner || child.inner || child.nullish && s.kind != kindPointer && s.kind != kindOpt
				s.nullish = s.nullish || s.inner
				s.validating = s.validating || child.validating || child.checks != nil
			})
			changed = changed || s.traits != before
		}
	}
	for _, o := range c.unsettled {
		for i := range o.fields {
			if f := &o.fields[i]; f.required || len(f.needs) > 0 || f.schema.ruled {
				o.steps = append(o.steps, stepOf(f))
			}
		}
	}
	for _, u := range c.unions {
		for i := range u.variants {
			v := &u.variants[i]
			v.tells, v.declared = v.schema.object.tells(u.discriminator, v.name)
		}
	}
}

// ownTraits are those that s has by itself.
func (s *Schema) ownTraits() traits {
	t := traits{ruled: len(s.rules) > 0, nullish: !s.null || s.quoted, inner: s.quoted}
	t.rawful = s.written != nil && !s.written.decoded
	switch s.kind {
	case kindAny, kindCustom, kindBad:
		t.ruled = false
	case kindArray, kindBytes, kindNumber:
		t.rawful = true
	case kindText:
		t.rawful = t.rawful || t.ruled
	case kindUnion:
		t.ruled = true
		t.validating = s.union.checks != nil
	case kindStruct:
		o := s.object
		t.rawful = o.closed || o.minMembers > 0 || o.maxMembers >= 0
		t.ruled = o.wants()
	}
	return t
}
