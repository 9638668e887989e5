package extract

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// formPlan is how a struct is filled from a form.
type formPlan struct {
	fields   []formField
	byName   map[string]int
	files    bool
	problems []string
}

type formField struct {
	name     string // on the wire
	goName   string // for mistakes
	index    []int
	tag      reflect.StructTag
	file     bool
	list     bool
	required bool
	def      string
	maxSize  int64 // -1 for none of its own
	accept   []string
}

var (
	fileType    = reflect.TypeFor[File]()
	filePointer = reflect.TypeFor[*File]()
	fileList    = reflect.TypeFor[[]File]()
)

// formPlans caches plans, reflect.Type to *formPlan.
var formPlans sync.Map

// formPlanOf returns the plan of t. It is never nil; its problems say what is wrong
// with the type.
func formPlanOf(t reflect.Type) *formPlan {
	if plan, ok := formPlans.Load(t); ok {
		return plan.(*formPlan)
	}
	plan := &formPlan{byName: map[string]int{}}
	if t.Kind() != reflect.Struct {
		plan.problem("%v is no struct with form and file tags", t)
	} else {
		plan.addStruct(t, nil)
	}
	stored, _ := formPlans.LoadOrStore(t, plan)
	return stored.(*formPlan)
}

func (p *formPlan) problem(format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
}

func (p *formPlan) addStruct(t reflect.Type, index []int) {
	for f := range t.Fields() {
		if f.Name == "_" {
			continue
		}
		at := append(index[:len(index):len(index)], f.Index...)
		text, isText := f.Tag.Lookup("form")
		file, isFile := f.Tag.Lookup("file")
		field := formField{name: text + file, goName: fmt.Sprintf("%v.%s", t, f.Name), index: at, file: isFile, maxSize: -1,
			tag: f.Tag, required: f.Tag.Get("required") == "true", def: f.Tag.Get("default")}
		switch {
		case f.Anonymous && f.Type.Kind() == reflect.Struct && !isText && !isFile:
			p.addStruct(f.Type, at)
		case isText && isFile:
			p.problem("field %s has a form tag and a file tag", field.goName)
		case field.name == "":
			p.problem("field %s has no form tag and no file tag", field.goName)
		case !f.IsExported():
			p.problem("field %s is unexported and can never be filled", field.goName)
		default:
			p.add(field, f)
		}
	}
}

// add takes a field whose tags name exactly one source.
func (p *formPlan) add(field formField, f reflect.StructField) {
	if i, taken := p.byName[field.name]; taken {
		p.problem("field %s reads form field %q, which %s reads already", field.goName, field.name, p.fields[i].goName)
		return
	}
	if field.file {
		p.files = true
		p.addFile(&field, f)
	} else {
		p.addText(&field, f)
	}
	if size, ok := f.Tag.Lookup("maxSize"); ok {
		n, err := parseSize(size)
		if err != nil {
			p.problem("field %s has maxSize %q, which is no number of bytes such as 512, 64KiB or 5MiB", field.goName, size)
		}
		field.maxSize = n
	}
	p.byName[field.name] = len(p.fields)
	p.fields = append(p.fields, field)
}

func (p *formPlan) addFile(field *formField, f reflect.StructField) {
	field.list = f.Type == fileList
	if f.Type != fileType && f.Type != filePointer && f.Type != fileList {
		p.problem("field %s has type %v, a file is extract.File, *extract.File or []extract.File", field.goName, f.Type)
	}
	if field.def != "" {
		p.problem("field %s is a file, which can have no default", field.goName)
	}
	accept, ok := f.Tag.Lookup("accept")
	if !ok {
		return
	}
	for pattern := range strings.SplitSeq(accept, ",") {
		pattern = strings.TrimSpace(pattern)
		kind, sub, ok := strings.Cut(pattern, "/")
		if !ok || kind == "" || sub == "" || kind == "*" && sub != "*" || strings.ContainsAny(pattern, "; ") {
			p.problem("field %s accepts %q, which is no media type such as image/png or image/*", field.goName, pattern)
		}
		field.accept = append(field.accept, pattern)
	}
}

func (p *formPlan) addText(field *formField, f reflect.StructField) {
	elem := f.Type
	if isList(elem) {
		field.list, elem = true, elem.Elem()
	}
	switch {
	case f.Type == fileType || f.Type == filePointer || f.Type == fileList:
		p.problem("field %s is a file: give it a file tag in place of the form tag", field.goName)
	case !parsable(elem):
		p.problem("field %s has type %v, which cannot be read from a form", field.goName, f.Type)
	case field.def != "" && (field.list || elem.Kind() == reflect.Pointer):
		p.problem("field %s is a list or a pointer, which can have no default", field.goName)
	case field.def != "":
		if wrong := parseText(reflect.New(elem).Elem(), field.def); wrong != "" {
			p.problem("field %s has default %q, which %s", field.goName, field.def, wrong)
		}
	}
	if _, ok := f.Tag.Lookup("accept"); ok {
		p.problem("field %s has an accept tag and is no file", field.goName)
	}
}

// parseSize reads a number of bytes, with one of the units of IEC 80000-13.
func parseSize(s string) (int64, error) {
	unit := int64(1)
	for i, suffix := range []string{"KiB", "MiB", "GiB"} {
		if number, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = strings.TrimSpace(number), 1<<(10*(i+1))
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil && (n < 0 || n > math.MaxInt64/2/unit) {
		err = strconv.ErrRange
	}
	return n * unit, err
}
