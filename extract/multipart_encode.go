package extract

import (
	"crypto/rand"
	"io"
	"net/http"
	"reflect"
	"strings"

	"github.com/tako-go/tako"
)

var _ tako.RequestEncoder = (*MultipartForm[struct{}])(nil)

// EncodeRequest makes the form the body of req. Files are read as the body is sent,
// from their beginning, and can be sent again; see [NewFile]. Pointers that are nil
// and files that are absent are left out.
func (m *MultipartForm[T]) EncodeRequest(req *http.Request) error {
	plan := formPlanOf(reflect.TypeFor[T]())
	if len(plan.problems) > 0 {
		return misuse("%s", strings.Join(plan.problems, "; "))
	}
	w := formWriter{boundary: rand.Text()}
	v := reflect.ValueOf(&m.Value).Elem()
	for i := range plan.fields {
		w.field(&plan.fields[i], v.FieldByIndex(plan.fields[i].index))
	}
	w.text.WriteString("--" + w.boundary + "--\r\n")
	w.flush()
	req.Header.Set("Content-Type", formDataType+"; boundary="+w.boundary)
	req.ContentLength = w.size
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(w.reader()), nil }
	req.Body, _ = req.GetBody()
	return nil
}

// formWriter collects what a form is made of.
type formWriter struct {
	boundary string
	text     strings.Builder
	pieces   []func() io.Reader
	size     int64
}

func (w *formWriter) reader() io.Reader {
	readers := make([]io.Reader, len(w.pieces))
	for i, piece := range w.pieces {
		readers[i] = piece()
	}
	return io.MultiReader(readers...)
}

// flush makes a piece of the text so far.
func (w *formWriter) flush() {
	text := w.text.String()
	w.text.Reset()
	w.size += int64(len(text))
	w.pieces = append(w.pieces, func() io.Reader { return strings.NewReader(text) })
}

func (w *formWriter) field(f *formField, v reflect.Value) {
	switch {
	case f.list:
		for i := range v.Len() {
			w.one(f, v.Index(i))
		}
	case v.Kind() != reflect.Pointer || !v.IsNil():
		w.one(f, v)
	}
}

func (w *formWriter) one(f *formField, v reflect.Value) {
	if f.file {
		file, ok := v.Interface().(File)
		if !ok {
			file = *v.Interface().(*File)
		}
		w.file(f.name, file)
		return
	}
	w.text.WriteString("--" + w.boundary + "\r\nContent-Disposition: form-data; name=" + quoted(f.name) + "\r\n\r\n" + formatText(v) + "\r\n")
}

func (w *formWriter) file(name string, f File) {
	if !f.Present() {
		return
	}
	w.text.WriteString("--" + w.boundary + "\r\nContent-Disposition: form-data; name=" + quoted(name) + "; filename=" + quoted(f.UnsafeName()) +
		"\r\nContent-Type: " + oneLine(f.ContentType()) + "\r\n\r\n")
	w.flush()
	w.size += f.Size()
	w.pieces = append(w.pieces, func() io.Reader { return io.NewSectionReader(f, 0, f.Size()) })
	w.text.WriteString("\r\n")
}

// quoted is how names stand in a Content-Disposition. Line ends are escaped as
// browsers do it.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", "%0D", "\n", "%0A").Replace(s) + `"`
}

func oneLine(s string) string { return strings.NewReplacer("\r", "", "\n", "").Replace(s) }
