package schema

import (
	"unsafe"
)

// members is a set of fields.
type members struct {
	few  [4]uint64
	more []bool
}

func newMembers(n int) (m members) {
	if n > 64*len(m.few) {
		m.more = make([]bool, n)
	}
	return m
}

func (m *members) add(i int) {
	if m.more != nil {
		m.more[i] = true
		return
	}
	m.few[i/64] |= 1 << (i % 64)
}

func (m *members) has(i int) bool {
	if m.more != nil {
		return m.more[i]
	}
	return m.few[i/64]&(1<<(i%64)) != 0
}

// object checks the struct at p. discriminator is the name of a member that the object
// may have beside its fields, "" for none.
func (in *inspector) object(o *object, p unsafe.Pointer, at *place, secret bool, discriminator string) {
	there := newMembers(len(o.fields))
	count := 0
	if in.raw != nil {
		count = in.decoded(o, p, at, secret, discriminator, &there)
	} else {
		count = in.undecoded(o, p, at, secret, &there)
	}
	below := child(at, "", -1)
	for i := range o.fields {
		f := &o.fields[i]
		switch {
		case f.required && !there.has(i) && !(f.readOnly && in.raw != nil):
			below.name = f.name
			in.fail(&below, Failure{Rule: "required", Detail: "is required"})
		case there.has(i):
			in.dependents(o, f, &there, &below)
		}
	}
	if count < o.minMembers {
		in.fail(at, Failure{Rule: "minProperties", Detail: "must have at least " + things["minProperties"].count(o.minMembers)})
	}
	if o.maxMembers >= 0 && count > o.maxMembers {
		in.fail(at, Failure{Rule: "maxProperties", Detail: "must have at most " + things["maxProperties"].count(o.maxMembers)})
	}
}

// dependents checks what must be there because f is.
func (in *inspector) dependents(o *object, f *field, there *members, below *place) {
	for _, i := range f.needs {
		if !there.has(i) {
			below.name = o.fields[i].name
			in.fail(below, Failure{Rule: "dependentRequired", Detail: "is required when " + f.name + " is there"})
		}
	}
}

// decoded checks the members that the JSON has. It returns how many there are.
func (in *inspector) decoded(o *object, p unsafe.Pointer, at *place, secret bool, discriminator string, there *members) (count int) {
	if !in.enter('{') {
		in.skip()
		return 0
	}
	below := child(at, "", -1)
	for quoted, ok := in.member(); ok; quoted, ok = in.member() {
		count++
		name := unquote(quoted)
		i, known := o.find(name)
		if !known {
			if o.closed && (discriminator == "" || name != discriminator) {
				below.name = name
				in.fail(&below, Failure{Rule: "additionalProperties", Detail: "is not a known member"})
			}
			in.scanner.value()
			continue
		}
		f := &o.fields[i]
		there.add(i)
		below.name = f.name
		if q := f.at(p); q != nil {
			in.value(f.schema, q, &below, secret)
		} else if in.null() {
			in.nullAt(f, &below)
		} else {
			in.scanner.value()
		}
	}
	return count
}

// nullAt checks a null whose field is below an embedded pointer that was not made.
func (in *inspector) nullAt(f *field, at *place) {
	if !f.schema.null {
		in.fail(at, Failure{Rule: "type", Detail: "must not be null"})
	}
}

// undecoded checks the members of a struct that does not come from JSON. A member that is
// zero may have been sent so: rules are for it too, unless it is one that says absent.
func (in *inspector) undecoded(o *object, p unsafe.Pointer, at *place, secret bool, there *members) (count int) {
	below := child(at, "", -1)
	for i := range o.fields {
		f := &o.fields[i]
		q := f.at(p)
		if q == nil || f.required && f.schema.absent(q) || !f.required && f.unsent(q) {
			continue
		}
		if f.required || !f.schema.zero(q) {
			there.add(i)
			count++
		}
		below.name = f.name
		in.value(f.schema, q, &below, secret)
	}
	return count
}

// union checks the variant that is set.
func (in *inspector) union(u *union, p unsafe.Pointer, at *place, secret bool) {
	v, q := u.set(p)
	if v == nil {
		in.skip()
		kind := (*Kind)(unsafe.Add(p, u.kind))
		below := child(at, u.discriminator, -1)
		if kind.Name == "" {
			in.fail(&below, Failure{Rule: "required", Detail: "is required; it is one of " + u.allowed})
			return
		}
		f := Failure{Rule: "oneOf", Detail: "must be one of " + u.allowed}
		if !secret {
			f.Value = cut(kind.Name)
		}
		in.fail(&below, f)
		return
	}
	before := in.found
	in.object(v.schema.object, q, at, secret, u.discriminator)
	if in.found > before {
		return
	}
	if v.schema.checks != nil {
		in.validate(v.schema.checks, q, at)
	}
	if u.checks != nil && in.found == before {
		in.validate(u.checks, p, at)
	}
}
