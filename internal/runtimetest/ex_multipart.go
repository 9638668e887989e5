package runtimetest

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
)

const asMultipart = "multipart/form-data; boundary=xx"

// multipartCases send each form to both readers: part by part, and as a struct.
func multipartCases() []testCase {
	t400, t413 := turned("400"), turned("413")
	off := planted("limits-off")
	refused := replies("refused", "HTTP/1.1 200 ", "HTTP/1.1 413 ")
	return []testCase{
		{id: "EX-08/parts", run: limitedForms(extract.MultipartLimits{MaxParts: 5}, formOf(5, "a"), formOf(6, "a")), faults: []fault{off, t413, refused}},
		{id: "EX-08/default-parts", run: limitedForms(extract.MultipartLimits{}, formOf(extract.DefaultMaxParts, "a"), formOf(extract.DefaultMaxParts+1, "a")), faults: []fault{off, t413}},
		{id: "EX-08/file-size", run: limitedForms(extract.MultipartLimits{MaxFile: 1000}, formOf(3, strings.Repeat("a", 1000)), formOf(1, strings.Repeat("a", 1001))), faults: []fault{off, t413}},
		{id: "EX-08/field-size", run: limitedForms(extract.MultipartLimits{MaxField: 100}, fieldsOf(100), fieldsOf(101)), faults: []fault{off, t413}},
		{id: "EX-08/default-field-size", run: limitedForms(extract.MultipartLimits{}, fieldsOf(extract.DefaultMaxField), fieldsOf(extract.DefaultMaxField+1)), faults: []fault{off, t413}},
		{id: "EX-08/total-size", run: limitedForms(extract.MultipartLimits{MaxTotal: 2000}, bodyOf("multipart", 2000), bodyOf("multipart", 2001)), faults: []fault{off, t413}},
		{id: "EX-08/more-than-the-route", run: limitedForms(extract.MultipartLimits{MaxTotal: 2 << 20}, bodyOf("multipart", 2<<20), bodyOf("multipart", 2<<20+1)), faults: []fault{off, t413, refused}},
		{id: "EX-08/header-size", run: limitedForms(extract.MultipartLimits{MaxHeaderBytes: 1000}, headersOf(1, 500), headersOf(1, 1000)), faults: []fault{off, t413}},
		{id: "EX-08/header-count", run: limitedForms(extract.MultipartLimits{MaxHeaders: 5}, headersOf(4, 1), headersOf(5, 1)), faults: []fault{off, t413}},
		{id: "EX-08/stops-reading", run: stopsReading, faults: []fault{off, t413}},
		{id: "EX-08/near-boundaries", run: nearBoundaries, faults: []fault{replies("lost", "bytes=1", "bytes=2"), refused}},
		{id: "EX-09/boundary", run: formBoundaries, faults: []fault{t400, refused}},
		{id: "EX-09/malformed", run: formsOf(malformedForms, 400, ""), faults: []fault{t400}},
		{id: "EX-09/read-all-the-same", run: formsOf(oddForms, 200, "parts=2\nbytes=10\n"), faults: []fault{refused, replies("part-lost", "parts=2", "parts=1")}},
		{id: "EX-09/repeated-names", run: repeatedNames, faults: []fault{replies("last-wins", "first=one", "first=two"), replies("one-lost", "[one two]", "[two]")}},
		{id: "EX-09/nested", run: nestedForm, faults: []fault{replies("unfolded", "--yy", "++yy")}},
	}
}

// filesForm is a form of files and texts.
type filesForm struct {
	Texts []string       `form:"text"`
	Files []extract.File `file:"file"`
}

// counted is what a form has.
type counted struct{ parts, bytes int }

func (n counted) text() string { return "parts=" + itoa(n.parts) + "\nbytes=" + itoa(n.bytes) + "\n" }

func (f filesForm) sizes() (n counted) {
	for _, text := range f.Texts {
		n.bytes += len(text)
	}
	for _, file := range f.Files {
		n.bytes += int(file.Size())
	}
	n.parts = len(f.Texts) + len(f.Files)
	return n
}

// skim reads a form to its end.
func skim(form extract.Multipart) (n counted, err error) {
	for part, err := range form.Parts() {
		if err != nil {
			return n, err
		}
		size, err := io.Copy(io.Discard, part)
		if err != nil {
			return n, err
		}
		n.parts++
		n.bytes += int(size)
	}
	return n, nil
}

// formRoutes take a form part by part and as a struct.
func formRoutes(app *tako.Router) {
	app.Post("/parts", func(c *tako.Context) error {
		form, err := tako.Extract[extract.Multipart](c)
		if err != nil {
			return err
		}
		n, err := skim(form)
		if err != nil {
			return err
		}
		return c.Text(200, n.text())
	})
	app.Post("/struct", func(c *tako.Context) error {
		form, err := tako.Extract[extract.MultipartForm[filesForm]](c)
		if err != nil {
			return err
		}
		return c.Text(200, form.Value.sizes().text())
	})
}

var formPaths = []string{"/parts", "/struct"}

// formWithin serves formRoutes under limits.
func (x *T) formWithin(limits extract.MultipartLimits) *server {
	x.Helper()
	if x.planted("limits-off") {
		limits = extract.MultipartLimits{MaxTotal: tako.NoLimit, MaxParts: tako.NoLimit, MaxField: tako.NoLimit, MaxHeaders: tako.NoLimit, MaxHeaderBytes: 1 << 20}
	}
	return x.serve(tako.Limits{}, func(app *tako.Router) {
		tako.Supply(app, limits)
		formRoutes(app)
	})
}

// formOf is a form of n files.
func formOf(n int, content string) string {
	return strings.Repeat(filePart("name=file; filename=a", content), n) + "--xx--\r\n"
}

// fieldsOf is a form with a text of n bytes.
func fieldsOf(n int) string { return filePart("name=text", strings.Repeat("a", n)) + "--xx--\r\n" }

// headersOf is a form whose part has n more fields of some size in its header.
func headersOf(n, size int) string {
	return "--xx\r\n" + strings.Repeat("X-Long: "+strings.Repeat("a", size)+"\r\n", n) + strings.TrimPrefix(fieldsOf(3), "--xx\r\n")
}

// filePart is a part of a form.
func filePart(disposition, content string, header ...string) string {
	return "--xx\r\nContent-Disposition: form-data; " + disposition + "\r\n" + strings.Join(append(header, ""), "\r\n") + "\r\n" + content + "\r\n"
}

func postMultipart(path, body string) string {
	return request("POST", path, body, "Content-Type: "+asMultipart)
}

// limitedForms sends a form at a limit and one over it.
func limitedForms(limits extract.MultipartLimits, at, over string) func(x *T) {
	return func(x *T) {
		s := x.formWithin(limits)
		for _, path := range formPaths {
			s.ask(postMultipart(path, at), 200)
			if r := s.ask(postMultipart(path, over), 413); !contains(r.body, `"detail":`) {
				x.Errorf("%s: the answer does not say which limit: %s", path, r.body)
			}
			s.ask("POST "+path+" HTTP/1.1\r\nHost: a.example\r\nContent-Type: "+asMultipart+"\r\nTransfer-Encoding: chunked\r\n\r\n"+chunks(over), 413)
		}
	}
}

// stopsReading has bodies that never end: the refusal comes as soon as a limit is passed.
func stopsReading(x *T) {
	s := x.formWithin(extract.MultipartLimits{MaxParts: 10, MaxFile: 10_000, MaxField: 10_000, MaxHeaderBytes: 5000, MaxHeaders: 10, MaxTotal: tako.NoLimit})
	s.frayed = true
	for limit, body := range map[string]string{
		"parts":        strings.Repeat(filePart("name=file; filename=a", "a"), 20),
		"file":         "--xx\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\n" + strings.Repeat("a", 20_000),
		"field":        "--xx\r\nContent-Disposition: form-data; name=text\r\n\r\n" + strings.Repeat("a", 20_000),
		"header bytes": "--xx\r\nX-Long: " + strings.Repeat("a", 10_000),
		"headers":      "--xx\r\n" + strings.Repeat("X-Many: a\r\n", 20) + "\r\n",
	} {
		for _, path := range formPaths {
			c := s.dial()
			c.send("POST " + path + " HTTP/1.1\r\nHost: a.example\r\nContent-Type: " + asMultipart + "\r\nContent-Length: 100000000\r\n\r\n" + body)
			if r := c.read("POST"); r.status != 413 {
				x.Errorf("%s, %s: got status %d with %s, want 413", path, limit, r.status, r.body)
			}
			_ = c.Close()
		}
	}
}

// nearBoundaries is full of what could begin a boundary, the longest there is.
func nearBoundaries(x *T) {
	boundary := strings.Repeat("b", 70)
	s := x.formWithin(extract.MultipartLimits{MaxTotal: 4 << 20})
	head, tail := "--"+boundary+"\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\n", "\r\n--"+boundary+"--\r\n"
	for _, near := range []string{"\r\n--" + boundary[1:], "\r\n--" + boundary + "c", "\r\n--" + boundary + "-", "\r\n-", "\r", "\n--" + boundary, "b"} {
		content := strings.Repeat(near, 1<<20/len(near))
		content += strings.Repeat("x", 1<<20-len(content))
		for _, path := range formPaths {
			began := time.Now()
			r := s.ask(request("POST", path, head+content+tail, "Content-Type: multipart/form-data; boundary="+boundary), 200)
			if r.line("bytes") != itoa(1<<20) || r.line("parts") != "1" {
				x.Errorf("%s: a part full of %.20q has %s bytes, want %d", path, near, r.line("bytes"), 1<<20)
			}
			if took := time.Since(began); took > 10*time.Second {
				x.Errorf("%s: a part full of %.20q took %v", path, near, took)
			}
		}
	}
}

func formBoundaries(x *T) {
	s := x.formWithin(extract.MultipartLimits{})
	form := func(boundary string) string { return strings.ReplaceAll(formOf(1, "abc"), "xx", boundary) }
	for _, path := range formPaths {
		for _, good := range []string{"xx", "x", strings.Repeat("x", 70), "'()+_,-./:=?", "a b"} {
			s.ask(request("POST", path, form(good), `Content-Type: multipart/form-data; boundary="`+good+`"`), 200)
		}
		for _, bad := range []string{"", "; boundary=", `; boundary=""`, "; boundary=" + strings.Repeat("x", 71), `; boundary="xx "`, `; boundary="x\"x"`, "; boundary=yy"} {
			s.ask(request("POST", path, form("xx"), "Content-Type: multipart/form-data"+bad), 400)
		}
	}
}

const anyPart = "Content-Disposition: form-data; name=text\r\n\r\nabcde\r\n"

// malformedForms are refused; what a reader made of them would be a guess.
var malformedForms = map[string]string{
	"empty": "\r\n", "no boundary": "abc", "never closed": "--xx\r\n" + anyPart, "not quite closed": "--xx\r\n" + anyPart + "--xx-",
	"ends in a header": "--xx\r\nContent-Disposition: form-data; name=te", "ends in a part": "--xx\r\nContent-Disposition: form-data; name=text\r\n\r\nabc",
	"no header": "--xx\r\n\r\nabc\r\n--xx--\r\n", "no name": "--xx\r\nContent-Disposition: form-data\r\n\r\nabc\r\n--xx--\r\n",
	"only a file name": "--xx\r\nContent-Disposition: form-data; filename=a\r\n\r\nabc\r\n--xx--\r\n",
	"name twice":       "--xx\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\nabc\r\n--xx--\r\n",
	"attachment":       "--xx\r\nContent-Disposition: attachment; name=text\r\n\r\nabc\r\n--xx--\r\n",
	"line feeds alone": "--xx\n" + strings.ReplaceAll(anyPart, "\r", "") + "--xx--\n", "line feed in a header": "--xx\r\nX-A: b\n" + anyPart + "--xx--\r\n",
	"words behind a boundary": "--xx y\r\n" + anyPart + "--xx--\r\n", "space before a colon": "--xx\r\nX-A : b\r\n" + anyPart + "--xx--\r\n",
	"no field": "--xx\r\nnonsense\r\n" + anyPart + "--xx--\r\n",
}

// oddForms have two parts of five bytes all the same.
var oddForms = map[string]string{
	"preamble and epilogue":  "hello\r\n--xx\r\n" + anyPart + "--xx\r\n" + anyPart + "--xx--\r\nbye\r\n--xx\r\n",
	"white space behind":     "--xx \t\r\n" + anyPart + "--xx\t\r\n" + anyPart + "--xx-- \r\n",
	"no line end at the end": "--xx\r\n" + anyPart + "--xx\r\n" + anyPart + "--xx--",
	"fields in other case":   "--xx\r\n" + strings.ToLower(anyPart[:20]) + anyPart[20:] + "--xx\r\n" + anyPart + "--xx--\r\n",
	"name in quotes":         "--xx\r\nContent-Disposition: form-data; name=\"text\"\r\nX-Other: a\r\n\r\nabcde\r\n--xx\r\n" + anyPart + "--xx--\r\n",
}

func formsOf(forms map[string]string, status int, want string) func(x *T) {
	return func(x *T) {
		s := x.formWithin(extract.MultipartLimits{})
		for name, form := range forms {
			for _, path := range formPaths {
				c := s.dial()
				c.send(postMultipart(path, form))
				r := c.read("POST")
				_ = c.Close()
				if r.status != status || want != "" && r.body != want {
					x.Errorf("%s, %s: got status %d with %q, want %d with %q", name, path, r.status, r.body, status, want)
				}
			}
		}
	}
}

type repeatedForm struct {
	First string   `form:"name"`
	All   []string `form:"all"`
}

func repeatedNames(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Post("/", func(c *tako.Context) error {
			form, err := tako.Extract[extract.MultipartForm[repeatedForm]](c)
			if err != nil {
				return err
			}
			return c.Text(200, "first="+form.Value.First+"\nall=["+strings.Join(form.Value.All, " ")+"]\n")
		})
	})
	form := filePart("name=name", "one") + filePart("name=all", "one") + filePart("name=name", "two") + filePart("name=other", "x") + filePart("name=all", "two") + "--xx--\r\n"
	r := s.ask(postMultipart("/", form), 200)
	if r.line("first") != "one" || r.line("all") != "[one two]" {
		x.Errorf("got %q", r.body)
	}
}

// nestedForm has a part that is a form itself, which RFC 7578 does not know any more: it is
// a text like any other.
func nestedForm(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		tako.Post(app, "/", func(_ context.Context, in extract.MultipartForm[filesForm]) ([]string, error) {
			return in.Value.Texts, nil
		})
	})
	inner := "--yy\r\nContent-Disposition: file; filename=a\r\n\r\n1\r\n--yy--"
	form := filePart("name=text", inner, "Content-Type: multipart/mixed; boundary=yy") + "--xx--\r\n"
	want := `["` + strings.ReplaceAll(inner, "\r\n", `\r\n`) + `"]`
	if r := s.ask(postMultipart("/", form), 200); r.body != want {
		x.Errorf("got %s, want %s", r.body, want)
	}
}
