package schema

import (
	"reflect"
	"strings"
	"unsafe"
)

// object is a struct type.
type object struct {
	typ      reflect.Type
	fields   []field
	exact    map[string]int // fields by name
	folded   map[string]int // by what fold returns, if they are many
	steps    []step         // fields that have to be looked at
	words    Object         // what blank fields say, for documents
	mistakes []string

	closed                 bool // additionalProperties:"false"
	minMembers, maxMembers int  // maxMembers is -1 for any number
}

// field is a member of an object.
type field struct {
	name      string
	goName    string
	tag       reflect.StructTag
	via       []uintptr // embedded pointers to follow first
	offset    uintptr
	typ       reflect.Type
	quoted    bool // json:",string"
	omitted   bool // json:",omitzero", or omitempty where it counts: zero says absent
	required  bool
	readOnly  bool
	dependent []string // what must be there if this is
	needs     []int    // dependent, as fields
	schema    *Schema
}

// at returns where the field of the struct at p is, nil if an embedded pointer is.
func (f *field) at(p unsafe.Pointer) unsafe.Pointer {
	for _, offset := range f.via {
		if p = *(*unsafe.Pointer)(unsafe.Add(p, offset)); p == nil {
			return nil
		}
	}
	return unsafe.Add(p, f.offset)
}

// unsent reports that the optional member at p, of a struct that does not come from JSON,
// says that it is absent.
func (f *field) unsent(p unsafe.Pointer) bool {
	switch f.schema.kind {
	case kindPointer, kindSlice, kindBytes, kindMap, kindUnion:
		return f.schema.zero(p)
	case kindOpt, kindAny:
		if f.schema.absent(p) {
			return true
		}
	}
	return f.omitted && f.schema.zero(p)
}

// object returns the struct type, and whether it has yet to be filled.
func (c *Compiler) object(t reflect.Type) (*object, bool) {
	if o := c.objects[t]; o != nil {
		return o, false
	}
	o := &object{typ: t, maxMembers: -1}
	c.objects[t] = o
	c.unsettled = append(c.unsettled, o)
	return o, true
}

func (c *Compiler) fill(o *object) {
	t := o.typ
	o.fields = fieldsOf(t)
	o.index()
	for i := range o.fields {
		f := &o.fields[i]
		b := builder{c: c, at: t.String() + "." + f.goName}
		b.field(o, f)
		o.mistakes = append(o.mistakes, b.mistakes...)
	}
	o.blanks()
}

// wants reports that members have to be looked for by themselves.
func (o *object) wants() bool {
	for i := range o.fields {
		if o.fields[i].required || len(o.fields[i].needs) > 0 {
			return true
		}
	}
	return false
}

// field makes the schema of one member.
func (b *builder) field(o *object, f *field) {
	b.tags = parseTag(f.tag, b.wrong)
	f.required = b.flag("required")
	f.readOnly = b.flag("readOnly")
	if text, ok := b.tags.get("dependentRequired"); ok {
		b.dependents(o, f, text)
	}
	f.schema = b.schema(f.typ, b.tags.without("required", "dependentRequired"))
	if f.quoted {
		f.schema = b.quote(f.schema)
	}
}

// flag reads a keyword that is true or false.
func (b *builder) flag(key string) bool {
	text, ok := b.tags.get(key)
	if ok && text != "true" && text != "false" {
		b.wrong(pair{key, text}, `is neither "true" nor "false"`)
	}
	return text == "true"
}

func (b *builder) dependents(o *object, f *field, text string) {
	for name := range strings.SplitSeq(text, ",") {
		i, known := o.exact[name]
		if !known {
			b.wrong(pair{"dependentRequired", text}, "names "+name+", which is no member of "+o.typ.String()+"; use the names that JSON has")
			continue
		}
		f.dependent = append(f.dependent, name)
		f.needs = append(f.needs, i)
	}
}

// tells reports whether the object wants its member name to be value, and whether it has
// one.
func (o *object) tells(name, value string) (tells, has bool) {
	i, has := o.exact[name]
	if !has {
		return false, false
	}
	f := &o.fields[i]
	for j := range f.schema.rules {
		if r := &f.schema.rules[j]; r.keyword == "const" && len(r.texts) == 1 && r.texts[0] == value {
			return f.required, true
		}
	}
	return false, true
}
