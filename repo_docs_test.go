package tako_test

import (
	"fmt"
	"go/ast"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// keepDocumented asks for a comment on every exported name that users of the
// module see. Neighbours in a block may share one.
func keepDocumented(tr *tree) (faults []string) {
	for _, f := range tr.files {
		hidden := strings.Contains("/"+f.folder+"/", "/internal/") || f.ast.Name.Name == "main"
		if f.test || hidden || coveredBy([]string{"cmd/...", "examples/..."}, f.folder) {
			continue
		}
		need := func(n ast.Node, name string, comments ...*ast.CommentGroup) {
			if !slices.ContainsFunc(comments, func(c *ast.CommentGroup) bool { return c.Text() != "" }) {
				faults = append(faults, fmt.Sprintf("%s:%d: %s has no comment", f.path, f.line(n), name))
			}
		}
		for _, decl := range f.ast.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if name, exported := funcName(decl); exported {
					need(decl, name, decl.Doc)
				}
			case *ast.GenDecl:
				for _, spec := range decl.Specs {
					f.needSpec(decl, spec, need)
				}
			}
		}
	}
	return faults
}

type needComment func(n ast.Node, name string, comments ...*ast.CommentGroup)

func (f *goFile) needSpec(decl *ast.GenDecl, spec ast.Spec, need needComment) {
	switch spec := spec.(type) {
	case *ast.ValueSpec:
		for _, name := range spec.Names {
			if name.IsExported() {
				need(spec, name.Name, spec.Doc, spec.Comment, decl.Doc)
			}
		}
	case *ast.TypeSpec:
		if !spec.Name.IsExported() {
			return
		}
		need(spec, spec.Name.Name, spec.Doc, spec.Comment, decl.Doc)
		switch typ := spec.Type.(type) {
		case *ast.StructType:
			f.needFields(spec.Name.Name, typ.Fields, need)
		case *ast.InterfaceType:
			f.needFields(spec.Name.Name, typ.Methods, need)
		}
	}
}

// needFields lets a field share the comment of the line above it, and a small
// type explain its members in its own comment.
func (f *goFile) needFields(owner string, fields *ast.FieldList, need needComment) {
	if fields.NumFields() <= 3 {
		return
	}
	var above *ast.CommentGroup
	last := 0
	for _, field := range fields.List {
		doc := field.Doc
		if doc == nil && f.line(field) == last+1 {
			doc = above
		}
		for _, name := range field.Names {
			if name.IsExported() {
				need(field, owner+"."+name.Name, doc, field.Comment)
			}
		}
		above, last = doc, f.fset.Position(field.End()).Line
	}
}

func funcName(fn *ast.FuncDecl) (name string, exported bool) {
	if fn.Recv == nil {
		return fn.Name.Name, fn.Name.IsExported()
	}
	typ := fn.Recv.List[0].Type
	for {
		switch t := typ.(type) {
		case *ast.StarExpr:
			typ = t.X
		case *ast.IndexExpr:
			typ = t.X
		case *ast.IndexListExpr:
			typ = t.X
		case *ast.Ident:
			return t.Name + "." + fn.Name.Name, t.IsExported() && fn.Name.IsExported()
		default:
			return "", false
		}
	}
}

// A snippet is a fenced block of a page.
type snippet struct {
	page string
	line int    // of the opening fence
	info string // what follows the opening fence
	code string
}

// whole tells a program or package from a fragment.
func (s snippet) whole() bool {
	for line := range strings.Lines(s.code) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			return strings.HasPrefix(line, "package ")
		}
	}
	return false
}

// keepSnippetsWhole looks at the form only; TestSnippetsCompile builds them.
func keepSnippetsWhole(tr *tree) (faults []string) {
	for _, s := range tr.goSnippets() {
		switch {
		case !s.whole():
			faults = append(faults, fmt.Sprintf("%s:%d: a go block starts with its package clause, or is marked \"go fragment\"", s.page, s.line))
		case strings.Contains(s.code, `"`+module+`/internal/`):
			faults = append(faults, fmt.Sprintf("%s:%d: users cannot import internal packages", s.page, s.line))
		}
	}
	return faults
}

func TestSnippetsCompile(t *testing.T) {
	snippets := thisTree(t).goSnippets()
	if len(snippets) == 0 {
		t.Skip("no go blocks in README.md and docs")
	}
	// Inside the module, so that its own go.mod says what it imports.
	dir, err := os.MkdirTemp(".", "_snippets")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"vet"}
	for i, s := range snippets {
		if !s.whole() {
			continue // reported by TestRepo
		}
		name := "main.go"
		if strings.Contains(s.code, `"testing"`) {
			name = "main_test.go"
		}
		folder := filepath.Join(dir, fmt.Sprintf("s%02d", i))
		text := fmt.Sprintf("//line %s:%d\n%s", filepath.Join(here, s.page), s.line+1, s.code)
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, "./"+filepath.ToSlash(folder))
	}
	if len(args) == 1 {
		return
	}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
}

func (tr *tree) goSnippets() (all []snippet) {
	for _, file := range tr.pages() {
		if file != "README.md" && !strings.HasPrefix(file, "docs/") {
			continue
		}
		for _, s := range tr.page(file).snippets {
			if s.info == "go" {
				all = append(all, s)
			}
		}
	}
	return all
}

var (
	inlineLink = regexp.MustCompile(`\]\(<?([^)>\s]+)>?(?:\s+"[^"]*")?\)`)
	namedLink  = regexp.MustCompile(`^\s{0,3}\[[^\]]+\]:\s+<?([^>\s]+)`)
	codeSpan   = regexp.MustCompile("`+[^`]*`+")
)

func keepLinks(tr *tree) (faults []string) {
	for _, file := range tr.pages() {
		for i, text := range tr.page(file).lines {
			text = codeSpan.ReplaceAllString(text, "")
			for _, m := range append(inlineLink.FindAllStringSubmatch(text, -1), namedLink.FindAllStringSubmatch(text, -1)...) {
				if why := tr.broken(file, m[1]); why != "" {
					faults = append(faults, fmt.Sprintf("%s:%d: %s: %s", file, i+1, m[1], why))
				}
			}
		}
	}
	return faults
}

// broken says why a link of a page leads nowhere; links to other sites do not
// concern it.
func (tr *tree) broken(page, link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return err.Error()
	}
	if u.IsAbs() || u.Host != "" {
		return ""
	}
	to := page
	if u.Path != "" {
		to = path.Join(path.Dir(page), u.Path)
	}
	if !fs.ValidPath(to) {
		return "it leaves the repository"
	}
	if _, err := fs.Stat(tr.fsys, to); err != nil {
		return "no such file"
	}
	if u.Fragment != "" && path.Ext(to) == ".md" && !slices.Contains(tr.page(to).anchors(), u.Fragment) {
		return "no such heading"
	}
	return ""
}

func (tr *tree) pages() (all []string) {
	for _, file := range tr.paths {
		if path.Ext(file) == ".md" {
			all = append(all, file)
		}
	}
	return all
}

// A page is a Markdown file, its fenced blocks apart from its lines.
type page struct {
	lines    []string // a line of a block is empty
	snippets []snippet
}

var fence = regexp.MustCompile("^(\\s*)(```+|~~~+)\\s*(.*?)\\s*$")

func (tr *tree) page(file string) page {
	var p page
	text, err := fs.ReadFile(tr.fsys, file)
	if err != nil {
		return p
	}
	var open []string // the match of the opening fence
	for i, line := range strings.Split(string(text), "\n") {
		m := fence.FindStringSubmatch(line)
		switch {
		case open == nil && m != nil:
			open = m
			p.snippets = append(p.snippets, snippet{page: file, line: i + 1, info: m[3]})
			line = ""
		case open != nil && m != nil && m[3] == "" && strings.HasPrefix(m[2], open[2]):
			open, line = nil, ""
		case open != nil:
			s := &p.snippets[len(p.snippets)-1]
			s.code += strings.TrimPrefix(line, open[1]) + "\n"
			line = ""
		}
		p.lines = append(p.lines, line)
	}
	return p
}

// anchors are the names that headings get when the page is shown.
func (p page) anchors() (all []string) {
	for _, line := range p.lines {
		title := strings.TrimLeft(line, "#")
		if title == line || !strings.HasPrefix(title, " ") {
			continue
		}
		title = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(strings.TrimSpace(title), "$1")
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, title)
		all = append(all, name)
	}
	return all
}
