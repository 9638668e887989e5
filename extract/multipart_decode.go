package extract

import (
	"bytes"
	"io"
	"net/http"
	"reflect"
	"unicode/utf8"

	"github.com/tako-go/tako"
)

// formDecoder fills one struct from one form.
type formDecoder struct {
	c       *tako.Context
	form    *form
	plan    *formPlan
	to      reflect.Value
	states  []fieldState // by field
	uploads *uploads
	text    []byte // memory for the values of fields
	bad     []tako.FieldError
	broken  []tako.FieldError
}

type fieldState struct{ seen, wrong bool }

// decode reads the form to its end, unless a limit is passed: what does not parse
// is collected.
func (d *formDecoder) decode() error {
	for {
		p, err := d.form.next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = d.part(p)
		}
		if err != nil {
			return err
		}
	}
	for i := range d.plan.fields {
		if err := d.settle(&d.plan.fields[i], d.states[i]); err != nil {
			return present(err)
		}
	}
	switch {
	case len(d.bad) > 0:
		return formFailure(http.StatusBadRequest, append(d.bad, d.broken...))
	case len(d.broken) > 0:
		return formFailure(http.StatusUnprocessableEntity, d.broken)
	}
	return nil
}

// settle looks at a field when the whole form was read. Rules hold for what was sent,
// zero or not, and not for defaults.
func (d *formDecoder) settle(f *formField, state fieldState) error {
	to := d.to.FieldByIndex(f.index)
	switch {
	case state.wrong || f.file && state.seen && len(d.bad) > 0: // files were not stored
	case state.seen:
		broken, err := tako.CheckParam(d.c, "form", f.name, f.tag, to.Addr().Interface())
		d.broken = append(d.broken, broken...)
		return err
	case f.required:
		d.broken = append(d.broken, tako.FieldError{In: "form", Name: f.name, Detail: "is required", Rule: "required"})
	case f.def != "":
		_ = parseText(to, f.def) // the plan has looked at it
	}
	return nil
}

// part gives a part to the field that it is for.
func (d *formDecoder) part(p *FormPart) error {
	i, known := d.plan.byName[p.Name()]
	if !known {
		return p.skip()
	}
	f := &d.plan.fields[i]
	if f.maxSize >= 0 {
		p.max = f.maxSize
	}
	if f.file != p.file {
		detail := "is text, a file is expected"
		if p.file {
			detail = "is a file, text is expected"
		}
		d.note(i, detail)
		return p.skip()
	}
	first, err := p.chunk()
	if err != nil && err != io.EOF {
		return err
	}
	if f.file && p.UnsafeFileName() == "" && len(first) == 0 {
		return nil // what browsers send where no file was chosen
	}
	again := d.states[i].seen && !f.list
	d.states[i].seen = true
	switch {
	case again:
		return p.skip()
	case f.file:
		return d.file(f, p, first)
	}
	return d.value(i, p, first)
}

// note says what keeps a field from being read.
func (d *formDecoder) note(i int, detail string) {
	d.states[i] = fieldState{seen: true, wrong: true}
	d.bad = append(d.bad, tako.FieldError{In: "form", Name: d.plan.fields[i].name, Detail: detail})
}

// value parses a text field.
func (d *formDecoder) value(i int, p *FormPart, first []byte) error {
	d.text = append(d.text[:0], first...)
	err := p.each(func(chunk []byte) error {
		d.text = append(d.text, chunk...)
		return nil
	})
	if err != nil {
		return err
	}
	if !utf8.Valid(d.text) {
		d.note(i, "is not UTF-8")
		return nil
	}
	f := &d.plan.fields[i]
	to := d.to.FieldByIndex(f.index)
	elem := to
	if f.list {
		elem = reflect.New(to.Type().Elem()).Elem()
	}
	if wrong := parseText(elem, string(d.text)); wrong != "" {
		d.note(i, wrong)
	} else if f.list {
		to.Set(reflect.Append(to, elem))
	}
	return nil
}

// file stores a file. Once something is known to be wrong it is only looked at.
func (d *formDecoder) file(f *formField, p *FormPart, first []byte) error {
	accept := f.accept
	if accept == nil {
		accept = d.form.limits.Accept
	}
	if !acceptsMedia(accept, p.ContentType()) {
		return wrongMedia(p, accept)
	}
	if len(d.bad) > 0 {
		return p.skip()
	}
	u, err := d.store(p, first)
	if err != nil {
		return err
	}
	to, file := d.to.FieldByIndex(f.index), File{u}
	switch to.Type() {
	case fileType:
		to.Set(reflect.ValueOf(file))
	case filePointer:
		to.Set(reflect.ValueOf(&file))
	default:
		to.Set(reflect.Append(to, reflect.ValueOf(file)))
	}
	return nil
}

// store reads a file into memory, or on disk from the size on where files spill.
func (d *formDecoder) store(p *FormPart, first []byte) (*upload, error) {
	limits := &d.form.limits
	u := &upload{name: p.UnsafeFileName(), contentType: p.ContentType()}
	d.uploads.list = append(d.uploads.list, u)
	var memory []byte
	write := func(chunk []byte) error {
		u.size += int64(len(chunk))
		if u.disk == nil && u.size < limits.SpillAt {
			memory = append(memory, chunk...)
			return nil
		}
		if u.disk == nil {
			if err := u.spill(limits, memory); err != nil {
				return err
			}
			memory = nil
		}
		_, err := u.disk.Write(chunk)
		return err
	}
	if err := write(first); err != nil {
		return nil, diskError(err)
	}
	if err := p.each(write); err != nil {
		return nil, err
	}
	if u.src = u.disk; u.disk == nil {
		u.src = bytes.NewReader(memory)
	}
	return u, nil
}

// spill puts a file on disk that has been in memory.
func (u *upload) spill(limits *MultipartLimits, memory []byte) (err error) {
	if u.disk, u.path, err = temporary(limits.Dir, limits.named); err != nil {
		return err
	}
	_, err = u.disk.Write(memory)
	return err
}

// each passes on the rest of the part. An error of use is the server's.
func (p *FormPart) each(use func(chunk []byte) error) error {
	for {
		chunk, err := p.chunk()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := use(chunk); err != nil {
			return diskError(err)
		}
	}
}

// skip reads the rest of the part, whose limits hold all the same.
func (p *FormPart) skip() error { return p.each(func([]byte) error { return nil }) }

// diskError is 500, whatever a system says: it is not the client's doing.
func diskError(err error) error {
	if err == nil {
		return nil
	}
	return misuse("store an uploaded file: %w", err)
}
