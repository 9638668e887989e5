package extract

import (
	"net/http"
	"reflect"
	"strings"

	"github.com/tako-go/tako"
)

// MultipartForm is a request body of type multipart/form-data as a struct:
//
//	type upload struct {
//		Title  string         `form:"title" required:"true" maxLength:"100"`
//		Tags   []string       `form:"tag"`
//		Public bool           `form:"public" default:"true"`
//		Photo  extract.File   `file:"photo" required:"true" accept:"image/png,image/*" maxSize:"5MiB"`
//		More   []extract.File `file:"more"`
//	}
//
// A form tag names a text field, of the types that queries have. A file tag names a
// file, of type [File], *[File] or []File: the last two are nil where there is none,
// the first is not Present. A list takes all fields of its name, anything else the
// first. Fields of embedded structs count as fields of the struct; parts that no
// field names are skipped. Text is UTF-8, whatever charset its part claims.
//
// accept lists the media types that a file may have, maxSize its greatest size, in
// bytes or with one of the units KiB, MiB and GiB; it is good for text too. For the
// rest see [MultipartLimits].
type MultipartForm[T any] struct {
	// Value is the decoded form.
	Value T
}

// Extract reads the form: 415 for another Content-Type and for a file whose type is
// not allowed, 413 over a limit, 408 for a part that takes too long, 400 for a
// malformed form, values that do not parse and text that is not UTF-8, 422 for what is
// missing or breaks a rule. Rules are those in the tag of each field that was sent; if
// they are kept, what [tako.Router.Validator] has set and a Validate method of T follow.
func (m *MultipartForm[T]) Extract(c *tako.Context) error {
	plan := formPlanOf(reflect.TypeFor[T]())
	if len(plan.problems) > 0 {
		return misuse("%s", strings.Join(plan.problems, "; "))
	}
	var limits MultipartLimits
	if own, ok := any(&m.Value).(limiter); ok {
		limits = own.MultipartLimits()
	}
	form, err := openForm(c, limits.over(suppliedLimits(c)).orDefaults())
	if err != nil {
		return err
	}
	defer form.close()
	d := formDecoder{c: c, form: form, plan: plan, to: reflect.ValueOf(&m.Value).Elem(), states: make([]fieldState, len(plan.fields)), uploads: new(uploads)}
	if plan.files {
		files := d.uploads
		c.OnDone(func(tako.Outcome) { files.endOfRequest() })
	}
	err = d.decode()
	if err == nil {
		err = present(tako.CheckOwn(c, &m.Value))
	}
	if err != nil {
		d.uploads.endOfRequest() // nobody will read them
	}
	return err
}

// Describe records the body.
func (m *MultipartForm[T]) Describe(op *tako.Operation, field string) {
	t := reflect.TypeFor[T]()
	plan := formPlanOf(t)
	for _, problem := range plan.problems {
		op.AddProblem(field + ": " + problem)
	}
	op.AddBody(field, t, formDataType)
	describeForm(op)
	op.AddFailure(http.StatusBadRequest, "a field of the form does not parse")
	op.AddFailure(http.StatusUnprocessableEntity, "a field of the form is missing or breaks a rule")
}

// uploads are the files of one form.
type uploads struct{ list []*upload }

func (u *uploads) endOfRequest() {
	for _, file := range u.list {
		file.endOfRequest()
	}
}

// formFailure is an error for fields of the form; its text is about the first.
func formFailure(status int, bad []tako.FieldError) error {
	detail := "form field " + bad[0].Name + " " + bad[0].Detail
	if bad[0].In != "form" {
		detail = "the form " + bad[0].Detail
	}
	if len(bad) > 1 {
		detail += " (and more)"
	}
	return &tako.Error{Status: status, Detail: detail, Fields: bad}
}
