package extracttable

import (
	"io"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
)

// photo is a form with a file.
type photo struct {
	Title string       `form:"title" required:"true"`
	Stars int          `form:"stars"`
	Image extract.File `file:"image" accept:"image/png" maxSize:"16"`
}

// slow is a form whose parts have no time to come.
type slow struct {
	Title string `form:"title"`
}

// MultipartLimits leaves a part a nanosecond.
func (slow) MultipartLimits() extract.MultipartLimits {
	return extract.MultipartLimits{PartTimeout: 1}
}

const asMultipart = "Content-Type: multipart/form-data; boundary=xx"

// parts puts a form together; each part begins with what stands behind its
// Content-Disposition.
func parts(list ...string) string {
	var b strings.Builder
	for _, p := range list {
		b.WriteString("--xx\r\nContent-Disposition: form-data; " + p + "\r\n")
	}
	return b.String() + "--xx--\r\n"
}

func text(name, value string) string { return `name="` + name + "\"\r\n\r\n" + value }

func file(name, kind, content string) string {
	return `name="` + name + `"; filename="a.png"` + "\r\nContent-Type: " + kind + "\r\n\r\n" + content
}

func form(want string, list ...string) Case {
	return Case{Fields: []string{asMultipart}, Body: parts(list...), Want: want}
}

func uploadRows() []Row {
	shared := []Failure{
		noBody(), coded(asMultipart), overLimit(asMultipart),
		{415, "another media type, or none", Case{Fields: []string{asText}, Body: "x", Want: "multipart/form-data is expected"}, false},
		{400, "no boundary, or one that cannot be", Case{Fields: []string{"Content-Type: multipart/form-data"}, Body: "x", Want: "boundary"}, false},
		{400, "malformed, or not closed", Case{Fields: []string{asMultipart}, Body: "--xx\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nabc"}, false},
		{413, "too many parts, or one with too long a header", form("", repeated(text("a", "b"), extract.DefaultMaxParts+1)...), false},
	}
	return []Row{
		row("extract.Multipart", showParts, Row{
			Source:   "a body of type `multipart/form-data`, part by part as it comes; `Next` and `Parts` fail",
			Options:  "`MultipartLimits`, supplied",
			Good:     []Case{form("title=Reef image=3", text("title", "Reef"), file("image", "image/png", "abc"))},
			Failures: shared,
		}),
		row("extract.MultipartForm[T]", func(v extract.MultipartForm[photo]) (string, error) {
			if !v.Value.Image.Present() {
				return v.Value.Title, nil
			}
			content, err := io.ReadAll(v.Value.Image)
			return v.Value.Title + " " + v.Value.Image.Name() + " " + string(content), err
		}, Row{
			Source:  "a body of type `multipart/form-data`, as a struct with `form` and `file` tags; files are on disk from a size on, and deleted with the request",
			Options: "`MultipartLimits`, of `T` or supplied; tags `accept` and `maxSize`; types, defaults and [rules](typed-handlers.md#inputs) of the fields",
			Good:    []Case{form("Reef", text("title", "Reef")), form("Reef a.png abc", file("image", "image/png", "abc"), text("title", "Reef"), text("title", "again"))},
			Failures: append(shared[:len(shared):len(shared)],
				Failure{400, "a value does not parse", form("form field stars is not an integer", text("title", "a"), text("stars", "many")), false},
				Failure{408, "a part takes too long", Case{Target: "/slow-form", Fields: []string{asMultipart}, Body: parts(text("title", "a")), Want: "took longer"}, false},
				Failure{413, "a part is over its limit", form("is larger than 16 bytes", text("title", "a"), file("image", "image/png", strings.Repeat("x", 17))), false},
				Failure{415, "a file has a type that is not allowed", form("image/png is expected", text("title", "a"), file("image", "image/pngx", "abc")), false},
				Failure{422, "a field is missing, or breaks a rule", form("form field title is required", text("stars", "1")), false},
			),
			extra: func(r *tako.Router) {
				r.Post("/slow-form", func(c *tako.Context) error {
					_, err := tako.Extract[extract.MultipartForm[slow]](c)
					return err
				})
			},
		}),
	}
}

func repeated(s string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = s
	}
	return list
}

func showParts(v extract.Multipart) (string, error) {
	var shown []string
	for part, err := range v.Parts() {
		if err != nil {
			return "", err
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return "", err
		}
		if part.IsFile() {
			content = append(content[:0], byte('0'+len(content)))
		}
		shown = append(shown, part.Name()+"="+string(content))
	}
	return strings.Join(shown, " "), nil
}
