package openapi

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"
)

// A UI is a page that shows the document: [Plain], [SwaggerUI], [Redoc], [Scalar],
// [RapiDoc], [None], the Offline of package openapi/swaggerui, or a function of
// your own.
type UI func() Page

// Page is what a [UI] is made of. The page has an element with the id "api", whose
// attributes data-document and data-title are the URL of the document and the title;
// the scripts read them there, so that no text gets into a script.
type Page struct {
	// Name is that of the UI, "" for no page.
	Name string
	// Styles and Scripts are loaded in order.
	Styles, Scripts []Asset
	// Files are served beside the page, under their names; nil for none.
	Files fs.FS
	// Policy has further sources for directives of the Content-Security-Policy of
	// the page, such as {"style-src", "'unsafe-inline'"}. Without it the page may
	// load its Styles and Scripts, and anything else from the service alone.
	Policy [][2]string
}

// Asset is a script or a style of a [Page].
type Asset struct {
	// URL is absolute, or the name of one of the page's Files.
	URL string
	// Integrity is the hash that an absolute URL must have, such as "sha384-…"
	// (Subresource Integrity).
	Integrity string
}

// None serves the document without a page.
func None() Page { return Page{} }

// pageHTML needs no script of its own, so that the policy needs no hash. The id
// of the element is part of what Page promises.
var pageHTML = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{{.Title}}</title>
{{range .Styles}}<link rel="stylesheet" href="{{.URL}}"{{with .Integrity}} integrity="{{.}}" crossorigin="anonymous" referrerpolicy="no-referrer"{{end}}>
{{end}}</head>
<body>
<div id="api" data-ui="{{.Name}}" data-title="{{.Title}}" data-document="{{.Spec}}"></div>
<noscript>This page needs JavaScript. The document itself is at <a href="{{.Spec}}">{{.Spec}}</a>.</noscript>
{{range .Scripts}}<script src="{{.URL}}"{{with .Integrity}} integrity="{{.}}" crossorigin="anonymous" referrerpolicy="no-referrer"{{end}}></script>
{{end}}</body>
</html>
`))

func (p Page) read(name string) ([]byte, error) {
	if p.Files == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return fs.ReadFile(p.Files, name)
}

// html renders the page. base leads from the page to its files, such as
// "./docs/"; spec is where the document is.
func (p Page) html(title, base, spec string) ([]byte, error) {
	data := struct {
		Name, Title, Spec string
		Styles, Scripts   []Asset
	}{p.Name, title, spec, below(base, p.Styles), below(base, p.Scripts)}
	var b bytes.Buffer
	if err := pageHTML.Execute(&b, data); err != nil {
		return nil, fmt.Errorf("openapi: render page: %w", err)
	}
	return b.Bytes(), nil
}

func below(base string, assets []Asset) []Asset {
	list := slices.Clone(assets)
	for i := range list {
		if origin(list[i].URL) == "" {
			list[i].URL = base + list[i].URL
		}
	}
	return list
}

// checkURL says what is wrong with the URL of a document, "" if nothing is.
func checkURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "is malformed"
	case u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https":
		return "has the scheme " + u.Scheme + ", http or https is expected"
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' }):
		return "has control characters"
	}
	return ""
}

// beside returns the way from a page at this path to what is registered below it:
// "./docs/" for /docs, "./" for /docs/. The dot keeps a segment from being read
// as a scheme.
func beside(pagePath string) string {
	if last := path.Base(pagePath); !strings.HasSuffix(pagePath, "/") {
		return "./" + last + "/"
	}
	return "./"
}
