package extract_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

func textParts(pairs ...string) string {
	var parts []string
	for i := 0; i < len(pairs); i += 2 {
		parts = append(parts, formPart("name="+pairs[i], "", pairs[i+1]))
	}
	return formOf(parts...)
}

func rulesOf(e *tako.Error) (all []string) {
	for _, f := range e.Fields {
		all = append(all, f.Name+" "+f.Rule)
	}
	return all
}

type zeroForm struct {
	Qty    int     `form:"qty" minimum:"1"`
	Req    int     `form:"req" required:"true"`
	Name   string  `form:"name" minLength:"3"`
	Kind   string  `form:"kind" required:"true" enum:"a,b"`
	OK     bool    `form:"ok" const:"true"`
	Rate   float64 `form:"rate" exclusiveMinimum:"0"`
	Hidden string  `form:"hidden" json:"-" maxLength:"2"`
	Limit  *int    `form:"limit" minimum:"1"`
	Secret string  `form:"secret" secret:"true" maxLength:"2"`
	Page   int     `form:"page" default:"0" maximum:"9"`
}

// Rules hold for what was sent, be it zero, and not for what was not.
func TestMultipartFormChecksWhatWasSent(t *testing.T) {
	app := tako.New()
	tako.Post(app, "/parts", func(context.Context, extract.MultipartForm[zeroForm]) (tako.NoContent, error) {
		return tako.NoContent{}, nil
	})
	tako.Post(app, "/pairs", func(context.Context, tako.Form[zeroForm]) (tako.NoContent, error) { return tako.NoContent{}, nil })
	s := takotest.New(t, app)
	tests := []struct {
		fields []string
		want   []string
	}{
		{[]string{"req", "0", "kind", "a"}, nil},
		{[]string{"req", "0", "kind", "a", "qty", "1", "name", "abc", "ok", "true", "rate", "1", "hidden", "ab", "limit", "1"}, nil},
		{nil, []string{"req required", "kind required"}},
		{[]string{"req", "0", "kind", "", "qty", "0", "name", "", "ok", "false", "rate", "0", "hidden", "abc", "limit", "0", "secret", "private", "page", "10"},
			[]string{"qty minimum", "name minLength", "kind enum", "ok const", "rate exclusiveMinimum", "hidden maxLength", "limit minimum", "secret maxLength", "page maximum"}},
	}
	for _, tt := range tests {
		var pairs []string
		for i := 0; i < len(tt.fields); i += 2 {
			pairs = append(pairs, tt.fields[i]+"="+tt.fields[i+1])
		}
		parts := postForm(s, "/parts", textParts(tt.fields...))
		encoded := s.Post("/pairs", takotest.Body("application/x-www-form-urlencoded", strings.Join(pairs, "&")))
		assert.Equal(t, parts.StatusCode, encoded.StatusCode, tt.fields)
		if tt.want == nil {
			parts.Expect(204)
			continue
		}
		got := parts.Problem(422)
		assert.Equal(t, rulesOf(got), tt.want)
		assert.Equal(t, got.Fields, encoded.Problem(422).Fields)
		if strings.Contains(parts.Text, "private") {
			t.Errorf("a secret is shown: %s", parts.Text)
		}
	}
}

type (
	nameA struct {
		Name string `form:"a" maxLength:"2"`
	}
	nameB struct {
		Name string `form:"b" maxLength:"2"`
	}
	twoNames struct {
		nameA
		nameB
	}
	shadowNames struct {
		nameA
		Name string `form:"n" maxLength:"2"`
	}
)

// Each field has its own rules, also where Go or JSON see one of a name only.
func TestMultipartFormChecksShadowedFields(t *testing.T) {
	two := takotest.New(t, formApp(extract.MultipartLimits{}, func(twoNames) string { return "" }))
	assert.Equal(t, rulesOf(postForm(two, "/", textParts("a", "long", "b", "long")).Problem(422)), []string{"a maxLength", "b maxLength"})
	shadow := takotest.New(t, formApp(extract.MultipartLimits{}, func(shadowNames) string { return "" }))
	assert.Equal(t, rulesOf(postForm(shadow, "/", textParts("a", "long", "n", "long")).Problem(422)), []string{"a maxLength", "n maxLength"})
}

// formOrder is a form that looks at itself.
type formOrder struct {
	Req  string `form:"req" required:"true"`
	Same string `form:"same"`
}

func (o *formOrder) Validate(context.Context) error {
	switch {
	case o.Req == o.Same:
		return errors.New("both are the same")
	case o.Same == "nobody":
		return fmt.Errorf("no such user: %w", tako.ErrAbsent)
	case o.Same == "late":
		return fmt.Errorf("no user: %w: %w", context.DeadlineExceeded, tako.ErrAbsent)
	}
	return nil
}

// Validate is called once each field is right, also for one that is sent and empty, and
// what it misses does not make the form absent.
func TestMultipartFormValidates(t *testing.T) {
	app := tako.New()
	app.Log(quietLog())
	app.Validator(func(_ context.Context, v any) error {
		if form, ok := v.(*formOrder); ok && form.Req == "blocked" {
			return errors.New("is blocked")
		}
		return nil
	})
	tako.Post(app, "/must", func(context.Context, extract.MultipartForm[formOrder]) (bool, error) { return true, nil })
	tako.Post(app, "/may", func(_ context.Context, in tako.Optional[extract.MultipartForm[formOrder]]) (bool, error) {
		return in.Present, nil
	})
	s := takotest.New(t, app)
	for _, path := range []string{"/must", "/may"} {
		postForm(s, path, textParts("req", "a", "same", "b")).Expect(200).ExpectText("true")
		assert.Equal(t, postForm(s, path, textParts("req", "", "same", "")).Problem(422).Detail, "both are the same")
		assert.Equal(t, postForm(s, path, textParts("req", "blocked", "same", "blocked")).Problem(422).Detail, "is blocked")
		postForm(s, path, textParts("req", "a", "same", "nobody")).Expect(422)
		postForm(s, path, textParts("req", "a", "same", "late")).Expect(503)
		assert.Equal(t, rulesOf(postForm(s, path, textParts("same", "")).Problem(422)), []string{"req required"})
	}
}

func TestMultipartFormTextIsUTF8(t *testing.T) {
	s := takotest.New(t, formApp(extract.MultipartLimits{}, func(f struct {
		A string   `form:"a"`
		L []string `form:"l"`
	}) string {
		return f.A + fmt.Sprint(len(f.L))
	}))
	postForm(s, "/", textParts("a", "é\x00", "l", "ß", "other", "\xff")).Expect(200).ExpectText("é\x001")
	got := postForm(s, "/", textParts("a", "\xff\xfe\x00", "l", "x", "l", "\xc3")).Problem(400)
	assert.Equal(t, fieldNames(got), []string{"form a: is not UTF-8", "form l: is not UTF-8"})
}

func TestMultipartRefusesFoldedLines(t *testing.T) {
	s := takotest.New(t, formApp(extract.MultipartLimits{}, func(struct{}) string { return "" }))
	got := postForm(s, "/", formOf(formPart("name=a\r\nX: a"+strings.Repeat("\r\n x", 2000), "", ""))).Problem(400)
	assert.Equal(t, got.Detail, "a line of the header of a part begins with white space")
}

// lock is a field that checks itself.
type lock string

func (l lock) Validate(context.Context) error {
	switch l {
	case "shut":
		return errors.New("is shut")
	case "broken":
		return tako.Conflict("it is broken")
	}
	return nil
}

func TestMultipartFieldValidate(t *testing.T) {
	app := tako.New()
	tako.Post(app, "/", func(context.Context, extract.MultipartForm[struct {
		L lock `form:"l"`
	}]) (tako.NoContent, error) {
		return tako.NoContent{}, nil
	})
	s := takotest.New(t, app)
	post := func(l string) *takotest.Response {
		return s.Post("/", takotest.Body("multipart/form-data; boundary=b", textParts("l", l)))
	}
	post("open").Expect(204)
	post("broken").Expect(409)
	var e tako.Error
	assert.NoError(t, e.UnmarshalJSON([]byte(post("shut").Expect(422).Text)))
	assert.Equal(t, e.Fields, []tako.FieldError{{In: "form", Name: "l", Detail: "is shut", Rule: "validate"}})
}
