package extract_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

type place struct {
	City string `form:"city" maxLength:"10"`
}

type everyField struct {
	place
	Text   string         `form:"text"`
	Int    int8           `form:"int"`
	Uint   uint64         `form:"uint"`
	Float  float32        `form:"float"`
	Bool   bool           `form:"bool"`
	Wait   time.Duration  `form:"wait"`
	At     time.Time      `form:"at"`
	Addr   netip.Addr     `form:"addr"`
	Opt    *int           `form:"opt"`
	Tags   []string       `form:"tag"`
	Nums   []int          `form:"num"`
	Page   int            `form:"page" default:"7"`
	File   extract.File   `file:"file"`
	Ptr    *extract.File  `file:"ptr"`
	Files  []extract.File `file:"files"`
	Absent *extract.File  `file:"absent"`
}

func uploadFile(name, content string) extract.File {
	return extract.NewFile(name, "text/plain", strings.NewReader(content), int64(len(content)))
}

func contentsOf(t *testing.T, files ...extract.File) (all []string) {
	t.Helper()
	for _, f := range files {
		data, err := io.ReadAll(f)
		assert.NoError(t, err)
		all = append(all, f.Name()+"="+string(data))
	}
	return all
}

// A form that a client writes is the form that the handler gets.
func TestMultipartFormRoundTrip(t *testing.T) {
	for _, spillAt := range []int64{0, 1} {
		dir := t.TempDir()
		n := 5
		in := everyField{place: place{"Kyoto"}, Text: "a\r\n--b\"c", Int: -5, Uint: 1 << 63, Float: 1.5, Bool: true, Wait: time.Minute,
			At: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Addr: netip.MustParseAddr("::1"), Opt: &n, Tags: []string{"x", "", "y"},
			Nums: []int{1, 2}, Page: 9}
		want := in
		ptr := uploadFile(`p"t\r`, "ptr")
		in.File, in.Ptr, in.Files = uploadFile("a.txt", strings.Repeat("x", 200_000)), &ptr, []extract.File{uploadFile("1", ""), uploadFile("2", "two")}
		app := tako.New()
		tako.Supply(app, extract.MultipartLimits{Dir: dir, SpillAt: spillAt})
		route := tako.Post(app, "/", func(_ context.Context, form extract.MultipartForm[everyField]) (tako.NoContent, error) {
			got := form.Value
			assert.Equal(t, len(contentsOf(t, got.File)[0]), len("a.txt=")+200_000)
			assert.Equal(t, contentsOf(t, *got.Ptr), []string{`r=ptr`})
			assert.Equal(t, got.Ptr.UnsafeName(), `p"t\r`)
			assert.Equal(t, contentsOf(t, got.Files...), []string{"1=", "2=two"})
			assert.Equal(t, got.File.ContentType(), "text/plain")
			got.File, got.Ptr, got.Files = extract.File{}, nil, nil
			assert.Equal(t, got, want)
			return tako.NoContent{}, nil
		})
		s := takotest.New(t, app)
		for range 2 { // files can be sent again
			_, err := route.Do(t.Context(), s, extract.MultipartForm[everyField]{Value: in})
			assert.NoError(t, err)
		}
		req, err := route.Request(t.Context(), extract.MultipartForm[everyField]{Value: in})
		assert.NoError(t, err)
		body, err := io.ReadAll(req.Body)
		assert.NoError(t, err)
		assert.Equal(t, req.ContentLength, int64(len(body)))
		again, err := req.GetBody()
		assert.NoError(t, err)
		second, err := io.ReadAll(again)
		assert.NoError(t, err)
		if !bytes.Equal(body, second) {
			t.Error("the body is another one when it is sent again")
		}
		expectNoneLeft(t, dir)
	}
}

// formApp answers with what f says of the form.
func formApp[T any](limits extract.MultipartLimits, f func(T) string) *tako.Router {
	app := tako.New()
	tako.Supply(app, limits)
	tako.Post(app, "/", func(_ context.Context, in struct{ Form extract.MultipartForm[T] }) (tako.Stream, error) {
		return tako.Stream{Body: strings.NewReader(f(in.Form.Value))}, nil
	})
	return app
}

type strictForm struct {
	Title string         `form:"title" required:"true"`
	Count int            `form:"count"`
	Until *time.Time     `form:"until"`
	Photo extract.File   `file:"photo" required:"true" accept:"image/png, image/gif" maxSize:"1KiB"`
	More  []extract.File `file:"more"`
	Note  string         `form:"note" maxSize:"4"`
}

func (f *strictForm) Validate(context.Context) error {
	if f.Title == "bad" {
		return errors.New("the title is bad")
	}
	return nil
}

func TestMultipartFormFailures(t *testing.T) {
	dir := t.TempDir()
	s := takotest.New(t, formApp(spilling(dir), func(f strictForm) string { return f.Title + " " + f.Photo.Name() }))
	title, photo := formPart("name=title", "", "hi"), formPart("name=photo; filename=a.png", "image/png", "png")
	postForm(s, "/", formOf(title, photo)).Expect(200).ExpectText("hi a.png")
	postForm(s, "/", formOf(title, formPart("name=title", "", "again"), photo, formPart("name=photo; filename=b.png", "image/png", "2"))).Expect(200).ExpectText("hi a.png")
	postForm(s, "/", formOf(title, photo, formPart("name=more; filename=\"\"", "application/octet-stream", ""), formPart("name=other", "", "skipped"))).Expect(200)

	tests := []struct {
		name   string
		body   string
		status int
		fields []string
	}{
		{"nothing", formOf(), 422, []string{"form title: is required", "form photo: is required"}},
		{"no file was chosen", formOf(title, formPart(`name=photo; filename=""`, "application/octet-stream", "")), 422, []string{"form photo: is required"}},
		{"does not parse", formOf(formPart("name=count", "", "x"), formPart("name=until", "", "soon")), 400,
			[]string{"form count: is not an integer", "form until: is not a date and time such as 2030-01-31T12:00:00Z", "form title: is required", "form photo: is required"}},
		{"text for a file", formOf(title, formPart("name=photo", "", "png")), 400, []string{"form photo: is text, a file is expected"}},
		{"file for a text", formOf(photo, formPart("name=title; filename=x", "", "hi")), 400, []string{"form title: is a file, text is expected"}},
		{"type", formOf(title, formPart("name=photo; filename=a", "image/jpeg", "x")), 415, []string{`form photo: has media type "image/jpeg", image/png or image/gif is expected`}},
		{"no type", formOf(title, formPart("name=photo; filename=a", "", "x")), 415, []string{`form photo: has media type "application/octet-stream", image/png or image/gif is expected`}},
		{"file size", formOf(title, formPart("name=photo; filename=a", "image/png", strings.Repeat("x", 1025))), 413, []string{"form photo: is larger than 1024 bytes"}},
		{"text size", formOf(title, photo, formPart("name=note", "", "12345")), 413, []string{"form note: is larger than 4 bytes"}},
		{"validate", formOf(formPart("name=title", "", "bad"), photo), 422, nil},
		{"malformed", title, 400, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := postForm(s, "/", tt.body).Problem(tt.status)
			assert.Equal(t, fieldNames(got), tt.fields)
			expectNoneLeft(t, dir)
		})
	}
	postForm(s, "/", formOf(title, formPart("name=photo; filename=a", "image/png", strings.Repeat("x", 1024)))).Expect(200)
	e := postForm(s, "/", formOf(formPart("name=title", "", "bad"), photo)).Problem(422)
	assert.Equal(t, e.Detail, "the title is bad")
}

type ruledForm struct {
	Title string         `form:"title" required:"true" minLength:"3"`
	Tags  []string       `form:"tag" maxItems:"2" items.maxLength:"2"`
	Photo extract.File   `file:"photo" required:"true"`
	More  []extract.File `file:"more" maxItems:"1"`
}

func TestMultipartFormRules(t *testing.T) {
	s := takotest.New(t, formApp(extract.MultipartLimits{}, func(f ruledForm) string { return f.Title }))
	e := postForm(s, "/", formOf(formPart("name=title", "", "hi"), formPart("name=tag", "", "a"), formPart("name=tag", "", "abc"),
		formPart("name=more; filename=a", "", "1"), formPart("name=more; filename=b", "", "2"))).Problem(422)
	var got []string
	for _, f := range e.Fields {
		got = append(got, f.In+" "+f.Name+" "+f.Rule)
	}
	assert.Equal(t, got, []string{"form title minLength", "form tag maxLength", "form photo required", "form more maxItems"})
	postForm(s, "/", formOf(formPart("name=title", "", "high"), formPart("name=photo; filename=a", "", ""))).Expect(200)
}

func TestMultipartFormOptional(t *testing.T) {
	app := tako.New()
	tako.Post(app, "/", func(_ context.Context, in struct {
		Form tako.Optional[extract.MultipartForm[strictForm]]
	}) (bool, error) {
		return in.Form.Present, nil
	})
	s := takotest.New(t, app)
	s.Post("/").Expect(200).ExpectText("false")
	postForm(s, "/", formOf()).Expect(422)
}

type limitedForm struct {
	A string `form:"a"`
}

func (limitedForm) MultipartLimits() extract.MultipartLimits {
	return extract.MultipartLimits{MaxParts: 2}
}

// The limits of a type count before those of the group, which count for the rest.
func TestMultipartFormLimitsOfItsType(t *testing.T) {
	s := takotest.New(t, formApp(extract.MultipartLimits{MaxParts: 1, MaxField: 3}, func(limitedForm) string { return "" }))
	a := formPart("name=a", "", "123")
	postForm(s, "/", formOf(a, a)).Expect(200)
	postForm(s, "/", formOf(a, a, a)).Expect(413)
	postForm(s, "/", formOf(formPart("name=a", "", "1234"))).Expect(413)
}

func TestMultipartFormMistakes(t *testing.T) {
	type embedded struct {
		Twice string `form:"a"`
	}
	type wrong struct {
		A string `form:"a"`
		embedded
		Both    string       `form:"b" file:"c"`
		None    string       //
		Empty   string       `form:""`
		hidden  string       `form:"d"` //nolint:unused // the mistake that is looked for
		Type    chan int     `form:"e"`
		Default int          `form:"f" default:"x"`
		List    []int        `form:"g" default:"1"`
		Text    string       `file:"h"`
		File    extract.File `form:"i"`
		Accept  extract.File `file:"j" accept:"png"`
		Wild    extract.File `file:"k" accept:"*/png"`
		Size    extract.File `file:"l" maxSize:"5MB"`
		Given   extract.File `file:"m" default:"x"`
		NoFile  string       `form:"n" accept:"text/plain"`
	}
	app := tako.New()
	tako.Post(app, "/", func(context.Context, extract.MultipartForm[wrong]) (tako.NoContent, error) {
		return tako.NoContent{}, nil
	})
	err := app.Build()
	if err == nil {
		t.Fatal("a form that cannot be read is built")
	}
	for _, want := range []string{"Twice reads form field \"a\"", "Both has a form tag and a file tag", "None has no form tag", "Empty has no form tag",
		"hidden is unexported", "Type has type chan int", "Default has default \"x\", which is not an integer", "List is a list",
		"Text has type string, a file is", "File is a file: give it a file tag", "Accept accepts \"png\"", "Wild accepts \"*/png\"",
		"Size has maxSize \"5MB\"", "Given is a file, which can have no default", "NoFile has an accept tag"} {
		assert.Contains(t, err.Error(), want)
	}
	app = tako.New()
	app.Post("/", func(c *tako.Context) error { _, err := tako.Extract[extract.MultipartForm[int]](c); return err })
	postForm(takotest.New(t, app), "/", formOf()).Expect(500)
}

func TestMultipartFormDescribes(t *testing.T) {
	for name, describe := range map[string]func(op *tako.Operation){
		"typed": func(op *tako.Operation) { new(extract.MultipartForm[strictForm]).Describe(op, "Form") },
		"parts": func(op *tako.Operation) { new(extract.Multipart).Describe(op, "Form") },
	} {
		op := new(tako.Operation)
		describe(op)
		assert.Equal(t, op.BodyMedia, []string{"multipart/form-data"}, name)
		assert.Equal(t, op.Body == reflect.TypeFor[strictForm](), name == "typed")
		statuses := map[int]bool{}
		for _, f := range op.Failures() {
			statuses[f.Status] = true
		}
		assert.Equal(t, statuses[http.StatusUnprocessableEntity], name == "typed", name)
		for _, status := range []int{400, 408, 413, 415} {
			assert.Equal(t, statuses[status], true, name, " ", status)
		}
	}
}
