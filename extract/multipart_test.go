package extract_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// echoParts answers with a line for each part.
func echoParts(c *tako.Context) error {
	form, err := tako.Extract[extract.Multipart](c)
	if err != nil {
		return err
	}
	var b strings.Builder
	for p, err := range form.Parts() {
		if err != nil {
			return err
		}
		data, err := io.ReadAll(p)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s|%t|%s|%s|%s\n", p.Name(), p.IsFile(), p.FileName(), p.ContentType(), data)
	}
	return c.Text(200, b.String())
}

func multipartApp(limits extract.MultipartLimits, options ...tako.Option) *tako.Router {
	app := tako.New()
	tako.Supply(app, limits)
	app.Post("/", echoParts, options...)
	return app
}

func TestMultipart(t *testing.T) {
	s := takotest.New(t, multipartApp(extract.MultipartLimits{}))
	postForm(s, "/", formOf(
		formPart("name=title", "", "hi"),
		formPart(`name=photo; filename="../a/b.png"`, "image/png; a=b", "bytes"),
		formPart(`name=photo; filename=""`, "", ""),
		formPart(`name=note`, "text/markdown", "*hi*"),
	)).Expect(200).ExpectText("title|false||text/plain|hi\nphoto|true|b.png|image/png; a=b|bytes\n" +
		"photo|true||application/octet-stream|\nnote|false||text/markdown|*hi*\n")
	postForm(s, "/", formOf()).Expect(200).ExpectText("")
}

func TestMultipartParts(t *testing.T) {
	app := tako.New()
	var kept *extract.FormPart
	app.Post("/", func(c *tako.Context) error {
		form, err := tako.Extract[extract.Multipart](c)
		if err != nil {
			return err
		}
		first, err := form.Next()
		assert.NoError(t, err)
		for name, value := range first.Headers() {
			assert.Equal(t, first.Header(strings.ToUpper(name)), value)
		}
		assert.Equal(t, first.UnsafeFileName(), `C:\x`)
		var p [2]byte
		_, err = io.ReadFull(first, p[:])
		assert.NoError(t, err)
		assert.Equal(t, string(p[:]), "on")
		second, err := form.Next()
		assert.NoError(t, err)
		if _, err = first.Read(p[:]); err == nil {
			t.Error("a part is read after the next was asked for")
		}
		var b strings.Builder
		_, err = io.Copy(&b, second)
		assert.NoError(t, err)
		assert.Equal(t, b.String(), "two")
		_, err = form.Next()
		assert.ErrorIs(t, err, io.EOF)
		_, err = form.Next()
		assert.ErrorIs(t, err, io.EOF)
		kept = second
		return c.NoContent()
	})
	s := takotest.New(t, app)
	postForm(s, "/", formOf(formPart(`name=a; filename="C:\x"`, "", "one"), formPart("name=b", "", "two"))).Expect(204)
	if _, err := kept.Read(make([]byte, 1)); err == nil {
		t.Error("a part is read after the request")
	}
	var zero extract.Multipart
	_, err := zero.Next()
	assert.Equal(t, tako.AsError(err).Status, 500)
}

func TestMultipartContentType(t *testing.T) {
	s := takotest.New(t, multipartApp(extract.MultipartLimits{}))
	form := formOf(formPart("name=a", "", "1"))
	for contentType, want := range map[string]int{
		"multipart/form-data; boundary=b": 200, `Multipart/Form-Data; charset=utf-8; boundary="b"`: 200,
		"multipart/form-data": 400, "multipart/form-data; boundary=": 400, "multipart/form-data; boundary=b; boundary=c": 415,
		"multipart/form-data; boundary=" + strings.Repeat("b", 71): 400, `multipart/form-data; boundary="b\"c"`: 400,
		"multipart/form-data; boundary=c": 400, "multipart/form-datax; boundary=b": 415, "multipart/mixed; boundary=b": 415,
		"application/x-www-form-urlencoded": 415, "text/plain": 415,
	} {
		resp := s.Post("/", takotest.Body(contentType, form))
		if resp.StatusCode != want {
			t.Errorf("%s: got status %d, want %d", contentType, resp.StatusCode, want)
		}
		if want == 415 && resp.StatusCode == 415 && !strings.Contains(contentType, "boundary=c") {
			resp.ExpectHeader("Accept", "multipart/form-data")
		}
	}
	s.Post("/").Expect(400)
	s.Post("/", takotest.Body(formType, form), takotest.Header("Content-Encoding", "gzip")).Expect(415).ExpectHeader("Accept-Encoding", "identity")
	postForm(s, "/", "--b\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\naGk=\r\n--b--").Expect(415)
	postForm(s, "/", "--b\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: Binary\r\n\r\n1\r\n--b--").Expect(200)
}

func TestMultipartOptional(t *testing.T) {
	app := tako.New()
	app.Post("/", func(c *tako.Context) error {
		form, err := tako.Extract[tako.Optional[extract.Multipart]](c)
		if err != nil {
			return err
		}
		return c.Text(200, fmt.Sprint(form.Present))
	})
	s := takotest.New(t, app)
	s.Post("/").Expect(200).ExpectText("false")
	postForm(s, "/", formOf()).Expect(200).ExpectText("true")
	s.Post("/", takotest.Body("text/plain", "x")).Expect(415)
}

// What each part costs.
func TestMultipartAllocations(t *testing.T) {
	app := tako.New()
	app.Post("/", func(c *tako.Context) error {
		form, err := tako.Extract[extract.Multipart](c)
		if err != nil {
			return err
		}
		for p, err := range form.Parts() {
			if err != nil {
				return err
			}
			if _, err := io.Copy(io.Discard, p); err != nil {
				return err
			}
		}
		return c.NoContent()
	})
	s := takotest.New(t, app)
	count := func(parts int) float64 {
		body := formOf(strings.Repeat(formPart("name=file; filename=x.txt", "text/plain", "body"), parts))
		return testing.AllocsPerRun(100, func() { postForm(s, "/", body).Expect(204) })
	}
	if perPart := (count(101) - count(1)) / 100; perPart > 5 {
		t.Errorf("%v allocations for each part, want at most 5", perPart)
	}
}
