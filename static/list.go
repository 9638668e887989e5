package static

import (
	"bytes"
	"cmp"
	"encoding/json"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tako-go/tako"
)

// maxListed is the most names of a directory that are listed.
const maxListed = 10_000

// listPolicy keeps the page from loading or running anything.
const listPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

var listPage = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{.Title}}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem }
td, th { padding: 0 1rem 0 0; text-align: left }
td:nth-child(2) { text-align: right }
</style>
<h1>{{.Title}}</h1>
<table>
<tr>{{range .Columns}}<th><a href="{{.Link}}">{{.Name}}</a></th>{{end}}</tr>
{{- if .Up}}
<tr><td><a href="../">../</a></td><td></td><td></td></tr>
{{- end}}
{{- range .Entries}}
<tr><td><a href="{{.Link}}">{{.Name}}</a></td><td>{{if not .Dir}}{{.Size}}{{end}}</td><td>{{.Time}}</td></tr>
{{- end}}
</table>
`))

type listed struct {
	Name string
	Link string
	Dir  bool
	Size int64
	Time string
	at   time.Time
}

type column struct{ Name, Link string }

// list answers with what is in the directory, as a page or, to clients that like it better, in JSON.
func (s *site) list(c *tako.Context, name string) error {
	infos, err := s.tree.list(name, maxListed)
	if err != nil {
		return &missing{err}
	}
	entries := s.entries(infos, name == "")
	by, descending := c.Query("sort"), c.Query("order") == "desc"
	sortListed(entries, by, descending)
	h := c.Header()
	h.AddVary("Accept")
	h.Set("Content-Security-Policy", listPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	if c.Accepts("text/html", "application/json") == "application/json" {
		text, err := json.Marshal(inJSON(entries)) // which escapes what HTML would take for its own
		if err != nil {
			return err
		}
		return c.Bytes(http.StatusOK, "application/json", text)
	}
	view := struct {
		Title   string
		Up      bool
		Columns []column
		Entries []listed
	}{"/" + name, name != "", columns(by, descending), entries}
	var page bytes.Buffer
	if err := listPage.Execute(&page, view); err != nil {
		return err
	}
	return c.Bytes(http.StatusOK, "text/html; charset=utf-8", page.Bytes())
}

// entries are what may be asked for, which no path can do for a name that is not UTF-8; base
// says that they lie at the base.
func (s *site) entries(infos []fs.FileInfo, base bool) (all []listed) {
	for _, info := range infos {
		name := info.Name()
		if _, ok := cleanName(name, s.cfg.DotFiles); !ok || !utf8.ValidString(name) || !info.IsDir() && !info.Mode().IsRegular() ||
			hidden(name, base, s.cfg.DotFiles) {
			continue
		}
		e := listed{Name: name, Dir: info.IsDir(), Size: info.Size(), at: stampOf(info).time()}
		if e.Dir {
			e.Name += "/"
		}
		// With ./ a colon does not look like the end of a scheme.
		e.Link = "./" + url.PathEscape(name) + strings.TrimPrefix(e.Name, name)
		if !e.at.IsZero() {
			e.Time = e.at.UTC().Format(time.DateTime)
		}
		all = append(all, e)
	}
	return all
}

// columns are the heads of the table: a click on the one that sorts turns it around.
func columns(by string, descending bool) []column {
	if by != "size" && by != "time" {
		by = "name"
	}
	var all []column
	for _, name := range []string{"name", "size", "time"} {
		link := "?sort=" + name
		if name == by && !descending {
			link += "&order=desc"
		}
		all = append(all, column{name, link})
	}
	return all
}

// sortListed sorts directories before files, and by name what is equal otherwise.
func sortListed(all []listed, by string, descending bool) {
	slices.SortFunc(all, func(a, b listed) int {
		if a.Dir != b.Dir {
			if a.Dir {
				return -1
			}
			return 1
		}
		order := 0
		switch by {
		case "size":
			order = cmp.Compare(a.Size, b.Size)
		case "time":
			order = a.at.Compare(b.at)
		}
		order = cmp.Or(order, cmp.Compare(path.Clean(a.Name), path.Clean(b.Name)))
		if descending {
			order = -order
		}
		return order
	})
}
